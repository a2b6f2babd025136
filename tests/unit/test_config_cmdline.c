/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: ours, and what loaders add for Linux. */
#include "tests/config_read.h"

static const struct config *read_line(const char *line)
{
    config_init(&builder);
    config_add_command_line(&builder, line);
    return config_finish(&builder);
}

static const struct config *accept_line(const char *line)
{
    return check_accepted(read_line(line));
}

static void test_semicolons_end_lines(void **state)
{
    const struct config *c = accept_line(
        "address 10.0.2.15/24; gateway 10.0.2.2; server 10.0.2.2 iburst; "
        "allow");

    (void)state;
    CHECK_EQ(c->address_count, 1);
    CHECK_EQ(c->gateway_count, 1);
    CHECK_EQ(c->source_count, 1);
    CHECK_TEXT(c->source[0].name, "10.0.2.2");
    CHECK(c->source[0].ntp.iburst);
    CHECK(may_ask(c, "8.8.8.8"));
    CHECK_EQ(builder.report.notes, 0);
    accept_line("");
    accept_line(" ;; ; # no; server a;");
    CHECK_EQ(builder.config.source_count, 1);
}

/* Each of these is for a kernel of another kind, and noted in one line. */
static void test_words_for_linux_are_noted(void **state)
{
    static const char *const lines[] = {
        "root=/dev/vda",
        "console=ttyS0 quiet",
        "BOOT_IMAGE=/vmlinuz ro",
        "reboot=k panic=1 nomodules 8250.nr_uarts=0 i8042.noaux i8042.nomux "
        "i8042.dumbkbd pci=off root=/dev/vda rw",
        "virtio_mmio.device=4K@0xd0000000:5",
        "/boot/gnomon.elf",
        "(hd0,gpt1)/gnomon.elf quiet",
        "-- earlyprintk=ttyS0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        accept_line(lines[i]);
        CHECK_EQ(builder.config.source_count, 0);
        CHECK_EQ(builder.report.notes, 3);
        check_note("command line:1:1: \"");
    }
    accept_line("console=ttyS0 quiet");
    check_note("command line:1:1: \"console=ttyS0 quiet\": words for a Linux "
               "kernel are not used");
}

/* Before, between and behind directives, with and without a semicolon. */
static void test_mixtures_are_told_apart(void **state)
{
    static const char *const lines[] = {
        "console=ttyS0 quiet address 10.0.2.15/24; server 10.0.2.2; allow 10",
        "address 10.0.2.15/24; server 10.0.2.2; allow 10 pci=off "
        "root=/dev/vda ro virtio_mmio.device=4K@0xd0000000:5",
        "address 10.0.2.15/24; server 10.0.2.2; allow 10; panic=1 nomodules",
        "BOOT_IMAGE=/g; address 10.0.2.15/24 quiet; ro server 10.0.2.2; "
        "allow 10",
        "/boot/gnomon.elf address 10.0.2.15/24; server 10.0.2.2; allow 10",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const struct config *c = accept_line(lines[i]);

        CHECK_EQ(c->address_count, 1);
        CHECK_EQ(c->source_count, 1);
        CHECK(may_ask(c, "10.1.1.1"));
        CHECK(!may_ask(c, "11.1.1.1"));
        CHECK_EQ(builder.report.notes, 1);
    }
}

/* `allow` with words for Linux behind it is still `allow`. */
static void test_allow_keeps_its_meaning(void **state)
{
    (void)state;
    CHECK(may_ask(accept_line("allow pci=off ro"), "8.8.8.8"));
    CHECK(!may_ask(accept_line("allow 10 rw quiet"), "8.8.8.8"));
}

/* A slip in ours is no word for Linux. */
static void test_slips_are_errors(void **state)
{
    (void)state;
    CHECK(read_line("quiet alow 10; allow 11")->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "command line:1:7: found \"alow\", expected a directive; "
                   "is it `allow`?");
    CHECK(read_line("allow; deny=10.0.0.0/8")->refused);
    check_error(0, "command line:1:8: found \"deny=10.0.0.0/8\", expected a "
                   "directive and a space in place of `=`");
    CHECK(read_line("allow 10 foo")->refused);
    CHECK(read_line("foo")->refused);
    CHECK(read_line("server a ibrust")->refused);
    CHECK(read_line("allow 10; /deny 11")->refused);
}

/* A host may be called anything. */
static void test_names_are_not_taken_for_flags(void **state)
{
    (void)state;
    CHECK_TEXT(accept_line("server ro iburst")->source[0].name, "ro");
    CHECK_TEXT(accept_line("hostname quiet")->hostname, "quiet");
    CHECK_EQ(builder.report.notes, 2);
}

/* It may be of ntpd's language, and name files of the archive. */
static void test_it_is_a_layer_like_others(void **state)
{
    (void)state;
    archive.len = 0;
    make_file(&archive, "gnomon.conf", "server a\n");
    make_file(&archive, "k", "1 SHA1 secret\n");
    config_init(&builder);
    add_archive();
    config_add_command_line(&builder, "keyfile k; server b key 1");

    const struct config *c = check_accepted(config_finish(&builder));

    CHECK_EQ(c->source_count, 2);
    CHECK(c->source[1].ntp.key == &c->keys.key[0]);
    CHECK(!may_ask(accept_line("restrict default ignore"), "10.0.0.1"));
}

static void test_it_is_bounded(void **state)
{
    static char line[CONFIG_COMMAND_LINE_MAX + 2];

    (void)state;
    memset(line, ' ', sizeof(line) - 1);
    CHECK(read_line(line)->refused);
    check_error(0, "command line: found more bytes, expected a command line "
                   "of at most 4095");
    memset(line, ';', CONFIG_COMMAND_LINE_MAX);
    line[CONFIG_COMMAND_LINE_MAX] = 0;
    accept_line(line);
}

/* So that who wrote it finds the machine where he looks for it. */
static void test_addresses_of_one_that_is_too_long_are_used(void **state)
{
    static const char ours[] = "address 10.0.2.15/24; gateway 10.0.2.2;";
    static const char cut[] = ";address 10.0.2.111/24";
    static char line[CONFIG_COMMAND_LINE_MAX + 100];

    (void)state;
    memset(line, ';', sizeof(line) - 1);
    memcpy(line, ours, strlen(ours));
    /* Its last digits are behind the end, and it means something else. */
    memcpy(line + CONFIG_COMMAND_LINE_MAX - strlen(cut) + 5, cut, strlen(cut));

    const struct config *c = read_line(line);

    CHECK(c->refused);
    CHECK_EQ(config_report(&builder)->errors, 1);
    CHECK_EQ(c->address_count, 1);
    CHECK_EQ(c->gateway_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_semicolons_end_lines),
        cmocka_unit_test(test_words_for_linux_are_noted),
        cmocka_unit_test(test_mixtures_are_told_apart),
        cmocka_unit_test(test_allow_keeps_its_meaning),
        cmocka_unit_test(test_slips_are_errors),
        cmocka_unit_test(test_names_are_not_taken_for_flags),
        cmocka_unit_test(test_it_is_a_layer_like_others),
        cmocka_unit_test(test_it_is_bounded),
        cmocka_unit_test(test_addresses_of_one_that_is_too_long_are_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
