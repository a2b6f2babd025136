/* SPDX-License-Identifier: BSD-2-Clause */
/* Key files, and sources that need their keys. */
#include "tests/config_read.h"

static int start(void **state)
{
    (void)state;
    archive.len = 0;
    return 0;
}

/* A chrony.conf and its key file. */
static const struct config *read_keys(const char *text, const char *keys)
{
    archive.len = 0;
    make_file(&archive, "chrony.conf", text);
    make_file(&archive, "etc/chrony/chrony.keys", keys);
    return read_archive();
}

#define KEYFILE "keyfile /etc/chrony/chrony.keys\n"

static void check_key(const struct ntp_keys *keys, uint32_t id,
                      enum ntp_mac_type type, const char *secret, size_t len)
{
    const struct ntp_key *key = ntp_key_find(keys, id);

    CHECK(key != NULL);
    CHECK_EQ(key->type, type);
    CHECK_EQ(key->secret_len, len);
    CHECK_BYTES(key->secret, secret, len);
}

static void test_keys_of_chrony(void **state)
{
    const struct config *c = check_accepted(
        read_keys(KEYFILE "server a key 3\nserver b key 4294967295\n",
                  "# comment\r\n"
                  "1 MD5 AVeryLongAndRandomPassword\r\n"
                  "2 SHA1 HEX:1dc764E0791b11fa67efc7ecbc4b0d73f68a070c\n"
                  "  3 sha256 ASCII:secret\n"
                  "; comment\n"
                  "4294967295 AES128 HEX:00112233445566778899aabbccddeeff\n"));

    (void)state;
    CHECK_EQ(c->keys.count, 4);
    check_key(&c->keys, 1, MAC_MD5, "AVeryLongAndRandomPassword", 26);
    check_key(&c->keys, 2, MAC_SHA1,
              "\x1d\xc7\x64\xe0\x79\x1b\x11\xfa\x67\xef\xc7\xec\xbc\x4b\x0d\x73"
              "\xf6\x8a\x07\x0c",
              20);
    check_key(&c->keys, 3, MAC_SHA256, "secret", 6);
    check_key(&c->keys, 4294967295, MAC_AES128_CMAC,
              "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee"
              "\xff",
              16);
    CHECK(c->source[0].ntp.key == ntp_key_find(&c->keys, 3));
    CHECK(c->source[1].ntp.key == ntp_key_find(&c->keys, 4294967295));
}

/* ntp.keys has other names, hexadecimal by length, comments anywhere. */
static void test_keys_of_ntpd(void **state)
{
    (void)state;
    make_file(&archive, "ntp.conf",
              "keys /etc/ntp.keys\nserver a key 2\ndisable kernel\n");
    make_file(&archive, "etc/ntp.keys",
              "1 M secret # the first\n"
              "2 SHA1 0123456789abcdef0123456789abcdef01234567\n"
              "3 AES128CMAC 00112233445566778899aabbccddeeff\n"
              "4 AES 0123456789abcdef\n");

    const struct config *c = check_accepted(read_archive());

    CHECK_EQ(c->keys.count, 4);
    check_key(&c->keys, 1, MAC_MD5, "secret", 6);
    CHECK_EQ(ntp_key_find(&c->keys, 2)->secret_len, 20);
    CHECK_EQ(ntp_key_find(&c->keys, 3)->type, MAC_AES128_CMAC);
    check_key(&c->keys, 4, MAC_AES128_CMAC, "0123456789abcdef", 16);
    CHECK(c->source[0].ntp.key == ntp_key_find(&c->keys, 2));
}

/* What has no key would go without authentication: never silently. */
static void test_a_source_needs_its_key(void **state)
{
    (void)state;
    CHECK(read_keys(KEYFILE "server a key 2\n", "1 SHA1 x\n")->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "chrony.conf:2:8: found key 2, expected a key that the key "
                   "file has");
    CHECK(read_chrony("server a key 2\n")->refused);
    check_error(0, "chrony.conf:1:8: found key 2, expected a `keyfile` with "
                   "that key");
    CHECK(read_chrony("server a key 2\nkeyfile nowhere\n")->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_accepted(read_chrony("server a\nkeyfile nowhere\n"));
    check_note("chrony.conf:2:9: \"nowhere\": the boot archive has no such "
               "file");
}

/* A type that we do not have matters if the key is used. */
static void test_unsupported_types_matter_if_used(void **state)
{
    (void)state;
    const char *keys = "1 SHA512 HEX:00\n2 secret\n3 sceret stuff\n";

    check_accepted(read_keys(KEYFILE "server a\n", keys));
    CHECK_EQ(builder.config.keys.count, 0);
    check_note("etc/chrony/chrony.keys:1:3: \"SHA512\": only keys of type");
    check_note("etc/chrony/chrony.keys:2:1: \"2\": only keys of type");
    check_note("etc/chrony/chrony.keys:3:1: \"3\": only keys of type");

    CHECK(read_keys(KEYFILE "server a key 1\n", keys)->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "etc/chrony/chrony.keys:1:3: found \"SHA512\", expected a "
                   "key of type MD5, SHA1, SHA256 or AES128, named: a source "
                   "needs it");
    CHECK(read_keys(KEYFILE "server a key 2\n", keys)->refused);
    check_error(0, "etc/chrony/chrony.keys:2:1: found \"2\", expected a key of "
                   "type MD5, SHA1, SHA256 or AES128, named: a source needs "
                   "it");
}

/* A wrong line is refused, and what may be a secret in it is not shown. */
static void test_wrong_lines_show_no_secret(void **state)
{
    static const char *const lines[] = {
        "1",
        "0 SHA1 TOPSECRET",
        "x SHA1 TOPSECRET",
        "4294967296 SHA1 TOPSECRET",
        "1 SHA1 HEX:TOPSECRET",
        "1 SHA1 HEX:0",
        "1 SHA1 HEX:",
        "1 SHA1 TOPSECRET TOPSECRET",
        "1 AES128 TOPSECRET",
        "1 AES128 HEX:0011",
        "1 SHA1 TOPSECRETTOPSECRETTOPSECRETTOPSECRETTOPSECRETTOPSECRETTOPSECRET"
        "TOPSECRET",
        "5 SHA1 TOPSECRET",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[200], line[REPORT_LINE_MAX];

        snprintf(text, sizeof(text), "5 SHA1 first\n%s\n", lines[i]);
        CHECK(read_keys(KEYFILE "server a key 5\n", text)->refused);
        CHECK_EQ(builder.report.errors, 1);
        CHECK(report_error_line(&builder.report, 0, line));
        CHECK(strstr(line, "SECRET") == NULL);
        CHECK_EQ(builder.report.error[0].at.line, 2);
    }
}

/* With an error in the key file a key that is not found is no second one. */
static void test_one_slip_is_one_error(void **state)
{
    (void)state;
    CHECK(read_keys(KEYFILE "server a key 1\n", "1 SHA1 HEX:0\n")->refused);
    CHECK_EQ(builder.report.errors, 1);
    CHECK(read_keys("keyfile a b\nserver a key 1\n", "")->refused);
    CHECK_EQ(builder.report.errors, 1);
}

static void test_keys_are_bounded(void **state)
{
    static char text[65 * 20];
    struct text t = text_in(text, sizeof(text));

    (void)state;
    for (int i = 1; i <= 65; i++) {
        text_add_number(&t, i);
        text_add(&t, " SHA1 secret\n");
    }
    CHECK(read_keys(KEYFILE, text)->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "etc/chrony/chrony.keys:65:1: found \"65\", expected at "
                   "most 64 keys");
}

static void test_zeros_are_no_key(void **state)
{
    (void)state;
    make_file(&archive, "chrony.conf", "keyfile k\n");
    make_member(&archive, "k", MAKE_FILE, "1 SHA1 a\0b\n", 11);
    CHECK(read_archive()->refused);
    CHECK_EQ(builder.report.errors, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_keys_of_chrony, start),
        cmocka_unit_test_setup(test_keys_of_ntpd, start),
        cmocka_unit_test_setup(test_a_source_needs_its_key, start),
        cmocka_unit_test_setup(test_unsupported_types_matter_if_used, start),
        cmocka_unit_test_setup(test_wrong_lines_show_no_secret, start),
        cmocka_unit_test_setup(test_one_slip_is_one_error, start),
        cmocka_unit_test_setup(test_keys_are_bounded, start),
        cmocka_unit_test_setup(test_zeros_are_no_key, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
