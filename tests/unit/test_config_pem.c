/* SPDX-License-Identifier: BSD-2-Clause */
/* PEM that is whole, cut off, or something else. */
#include "boot/config_pem.h"
#include "tests/check.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

static enum pem_verdict certificates(const char *text)
{
    return pem_certificates(word_of(text));
}

static enum pem_verdict key(const char *text)
{
    return pem_private_key(word_of(text));
}

/* Every length of a sequence's length, and every end of base64. */
static void test_a_whole_block_is_one_sequence(void **state)
{
    static const struct {
        const char *body;
        enum pem_verdict verdict;
    } table[] = {
        {"MAA=\n", PEM_OK},
        {"MAEA\n", PEM_OK},
        {"MAIFAA==\n", PEM_OK},
        {"MAMCAQE=\n", PEM_OK},
        {"M A M\r\n\tCAQE=", PEM_OK},
        {"MIEDAgEB\n", PEM_OK},     /* 30 81 03 */
        {"MIIAAwIBAQ==\n", PEM_OK}, /* 30 82 00 03 */
        {"MIQAAAADAgEB\n", PEM_OK}, /* 30 84 00 00 00 03 */
        {"MAMCAQ==\n", PEM_BROKEN}, /* a byte too few */
        {"MAMCAQEA\n", PEM_BROKEN}, /* a byte too many */
        {"MIIAAwIB\n", PEM_BROKEN},
        {"MYADAgEB\n", PEM_BROKEN}, /* a set */
        {"MIADAgEB\n", PEM_BROKEN}, /* of indefinite length */
        {"MIUAAAAAAwIBAQ==\n", PEM_BROKEN},
        {"MIQAAA==\n", PEM_BROKEN}, /* ends in the length */
        {"MA==\n", PEM_BROKEN},
        {"\n", PEM_BROKEN},
        {"MAMCAQE\n", PEM_BROKEN},     /* no padding */
        {"MAMCAQE==\n", PEM_BROKEN},   /* too much of it */
        {"MAMCAQE=MA=\n", PEM_BROKEN}, /* behind padding */
        {"MAMC*QE=\n", PEM_BROKEN},
        {"===\n", PEM_BROKEN},
    };
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(text, sizeof(text), BEGIN "%s" END, table[i].body);
        if (certificates(text) != table[i].verdict)
            fail_msg("%s: %d", table[i].body, certificates(text));
    }
}

/* What is cut off anywhere is not whole. */
static void test_every_prefix_is_recognised(void **state)
{
    static const char text[] = "x\n" BEGIN "MAMCAQE=\n" END;

    (void)state;
    for (size_t len = 0; len < strlen(text) - 1; len++) {
        enum pem_verdict expected =
            len < strlen("x\n" BEGIN) - 1 ? PEM_ABSENT : PEM_BROKEN;

        CHECK_EQ(pem_certificates((struct word){text, len}), expected);
    }
    CHECK_EQ(certificates(text), PEM_OK);
}

/* Of a bundle each has to be whole; text between them does not matter. */
static void test_a_bundle_is_as_good_as_its_worst(void **state)
{
    (void)state;
    CHECK_EQ(certificates("a\n" BEGIN "MAMCAQE=\n" END "b\n" BEGIN "MAA=\n" END
                          "c\n"),
             PEM_OK);
    CHECK_EQ(certificates(BEGIN "MAMCAQE=\n" END BEGIN "MAMCAQ==\n" END),
             PEM_BROKEN);
    CHECK_EQ(certificates(BEGIN "MAMCAQE=\n" BEGIN "MAA=\n" END), PEM_BROKEN);
    CHECK_EQ(certificates(BEGIN "MAMCAQE=\n" END BEGIN "MAA=\n"), PEM_BROKEN);
    CHECK_EQ(certificates("no certificate\n"), PEM_ABSENT);
}

static void test_keys_come_in_three_forms(void **state)
{
    (void)state;
    CHECK_EQ(key("-----BEGIN PRIVATE KEY-----\nMAA=\n"
                 "-----END PRIVATE KEY-----\n"),
             PEM_OK);
    CHECK_EQ(key("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                 "-----END EC PARAMETERS-----\n"
                 "-----BEGIN EC PRIVATE KEY-----\nMAA=\n"
                 "-----END EC PRIVATE KEY-----\n"),
             PEM_OK);
    CHECK_EQ(key("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n"
                 "-----END RSA PRIVATE KEY-----\n"),
             PEM_OK);
    CHECK_EQ(key("-----BEGIN PRIVATE KEY-----\nMAA=\n"
                 "-----END EC PRIVATE KEY-----\n"),
             PEM_BROKEN);
    CHECK_EQ(key(BEGIN "MAA=\n" END), PEM_ABSENT);
}

/* There is nobody to type a password in. */
static void test_encrypted_keys_are_told_apart(void **state)
{
    (void)state;
    CHECK_EQ(key("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n"
                 "-----END ENCRYPTED PRIVATE KEY-----\n"),
             PEM_ENCRYPTED);
    CHECK_EQ(key("-----BEGIN RSA PRIVATE KEY-----\n"
                 "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMAA=\n"
                 "-----END RSA PRIVATE KEY-----\n"),
             PEM_ENCRYPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_block_is_one_sequence),
        cmocka_unit_test(test_every_prefix_is_recognised),
        cmocka_unit_test(test_a_bundle_is_as_good_as_its_worst),
        cmocka_unit_test(test_keys_come_in_three_forms),
        cmocka_unit_test(test_encrypted_keys_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
