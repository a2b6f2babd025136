/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of the boot archive: found, included, bounded. */
#include "tests/config_read.h"

static int start(void **state)
{
    (void)state;
    archive.len = 0;
    return 0;
}

/* gnomon.conf, or else chrony.conf, or else ntp.conf. */
static void test_one_file_is_the_configuration(void **state)
{
    (void)state;
    make_file(&archive, "etc/ntp.conf", "server n\n");
    CHECK_TEXT(check_accepted(read_archive())->source[0].name, "n");
    archive.len = 0;
    make_file(&archive, "./etc/ntp.conf", "server n\n");
    make_file(&archive, "./etc/chrony/chrony.conf", "server c\n");
    CHECK_TEXT(check_accepted(read_archive())->source[0].name, "c");
    archive.len = 0;
    make_file(&archive, "gnomon.conf", "server g\n");
    make_file(&archive, "chrony.conf", "server c\n");

    const struct config *c = check_accepted(read_archive());

    CHECK_TEXT(c->source[0].name, "g");
    CHECK_EQ(c->source_count, 1);
    archive.len = 0;
    make_file(&archive, "a/chrony.conf", "server a\n");
    make_file(&archive, "chrony.conf", "server c\n");
    make_file(&archive, "b/chrony.conf", "server b\n");
    CHECK_TEXT(check_accepted(read_archive())->source[0].name, "c");
}

static void test_an_archive_may_have_none(void **state)
{
    (void)state;
    make_file(&archive, "keys", "1 SHA1 secret\n");
    make_member(&archive, "chrony.conf", MAKE_DIRECTORY, "", 0);
    make_member(&archive, "ntp.conf", MAKE_LINK, "keys", 4);
    check_accepted(read_archive());
    check_note("boot archive: it has no gnomon.conf");
}

/* A part of an archive may be the part without the `deny`. */
static void test_a_broken_archive_is_refused(void **state)
{
    (void)state;
    make_file(&archive, "gnomon.conf", "allow\n");
    config_init(&builder);
    config_add_archive(&builder, "boot archive", archive.bytes, archive.len);
    CHECK(config_finish(&builder)->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "boot archive: found the end of the file before the "
                   "trailer, expected an archive of `cpio -H newc`");
    config_init(&builder);
    config_add_archive(&builder, "boot archive", "\x1f\x8b", 2);
    CHECK(config_finish(&builder)->refused);
}

/* By its path, or else by its name alone. */
static void test_files_are_found_by_path_and_by_name(void **state)
{
    struct cpio_entry e;

    (void)state;
    make_file(&archive, "a/keys", "a");
    make_file(&archive, "./b/keys", "bb");
    make_file(&archive, "b/only", "ccc");
    read_archive();
    CHECK(archive_find(&builder, word_of("/a/keys"), &e));
    CHECK_EQ(e.len, 1);
    CHECK(archive_find(&builder, word_of("b/keys"), &e));
    CHECK_EQ(e.len, 2);
    CHECK(archive_find(&builder, word_of("/etc/only"), &e));
    CHECK_EQ(e.len, 3);
    CHECK(archive_find(&builder, word_of("only"), &e));
    CHECK(!archive_find(&builder, word_of("/etc/other"), &e));
    CHECK(!archive_find(&builder, word_of("onl"), &e));
    CHECK(!archive_find(&builder, word_of("b/"), &e));
}

/* What is included stands where it is named, and errors say where. */
static void test_include_reads_in_place(void **state)
{
    (void)state;
    make_file(&archive, "chrony.conf",
              "port 1\ninclude /etc/chrony/more.conf\nport 3\n");
    make_file(&archive, "etc/chrony/more.conf", "port 2\nserver a\n");

    const struct config *c = check_accepted(read_archive());

    CHECK_EQ(c->port, 3);
    CHECK_EQ(c->source_count, 1);

    archive.len = 0;
    make_file(&archive, "chrony.conf", "include more.conf\nport x\n");
    make_file(&archive, "etc/chrony/more.conf", "\nport y\n");
    CHECK(read_archive()->refused);
    CHECK_EQ(builder.report.errors, 2);
    check_error(0, "chrony.conf:2:6: found \"x\", expected a whole number from "
                   "0 to 65535");
    check_error(1, "etc/chrony/more.conf:2:6: found \"y\", expected a whole "
                   "number from 0 to 65535");
}

static void test_include_takes_patterns(void **state)
{
    (void)state;
    make_file(&archive, "chrony.conf", "include /etc/c/*.conf\n");
    make_file(&archive, "etc/c/b.conf", "server b\n");
    make_file(&archive, "etc/c/a.conf", "server a\n");
    make_file(&archive, "etc/c/a.conf.old", "server x\n");
    make_file(&archive, "etc/d/c.conf", "server x\n");

    const struct config *c = check_accepted(read_archive());

    CHECK_EQ(c->source_count, 2);
    CHECK_TEXT(c->source[0].name, "a");
    CHECK_TEXT(c->source[1].name, "b");
    CHECK(read_chrony("include /etc/none/*\n")->refused);
}

/* Files of a directory come by name, the ending tells which. */
static void test_directories_are_read_in_order(void **state)
{
    (void)state;
    make_file(&archive, "chrony.conf",
              "confdir /etc/chrony/conf.d\n"
              "sourcedir /run/chrony-dhcp /etc/chrony/sources.d\n");
    make_file(&archive, "etc/chrony/conf.d/20-b.conf", "port 2\nserver b\n");
    make_file(&archive, "etc/chrony/conf.d/10-a.conf", "port 1\nserver a\n");
    make_file(&archive, "etc/chrony/conf.d/README", "not read\n");
    make_file(&archive, "etc/chrony/conf.d/sub/c.conf", "not read\n");
    make_file(&archive, "etc/chrony/sources.d/x.sources", "server x\n");
    make_file(&archive, "etc/chrony/sources.d/y.conf", "not read\n");

    const struct config *c = check_accepted(read_archive());

    CHECK_EQ(c->port, 2);
    CHECK_EQ(c->source_count, 3);
    CHECK_TEXT(c->source[0].name, "a");
    CHECK_TEXT(c->source[1].name, "b");
    CHECK_TEXT(c->source[2].name, "x");
    CHECK(c->dhcp_sources);
}

/* A file of sources has sources, and nothing else. */
static void test_sources_are_all_that_sourcedir_takes(void **state)
{
    (void)state;
    make_file(&archive, "chrony.conf", "sourcedir /etc/s\n");
    make_file(&archive, "etc/s/a.sources", "server a\npool b\nallow\n");
    CHECK(read_archive()->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "etc/s/a.sources:3:1: found \"allow\", expected server, "
                   "pool or peer: nothing else may stand in such a file");
}

/* The name of the directory does where its path does not. */
static void test_directories_are_found_by_name(void **state)
{
    (void)state;
    make_file(&archive, "chrony.conf", "confdir /etc/chrony/conf.d\n");
    make_file(&archive, "conf.d/a.conf", "port 5\n");
    CHECK_EQ(check_accepted(read_archive())->port, 5);
}

static void test_includes_are_bounded(void **state)
{
    (void)state;
    make_file(&archive, "chrony.conf", "include chrony.conf\n");
    CHECK(read_archive()->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "chrony.conf:1:1: found \"include\", expected at most 8 "
                   "includes in each other");
    CHECK_EQ(builder.report.files, 1 + 1 + 8);

    archive.len = 0;
    make_file(&archive, "chrony.conf", "confdir /d\n");
    for (int i = 0; i < 70; i++) {
        char name[20];

        snprintf(name, sizeof(name), "d/%02d.conf", i);
        make_file(&archive, name, "port 1\n");
    }
    CHECK(read_archive()->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "chrony.conf:1:1: found \"confdir\", expected at most 64 "
                   "files");
}

/* Later archives come first where a file is looked for. */
static void test_later_archives_come_first(void **state)
{
    static struct cpio_make other;

    (void)state;
    make_file(&archive, "chrony.conf", "keyfile k\nserver a key 1\n");
    make_file(&archive, "k", "1 SHA1 old\n");
    make_file(&other, "k", "1 SHA1 newer\n");
    make_trailer(&other);
    config_init(&builder);
    add_archive();
    config_add_archive(&builder, "fw_cfg", other.bytes, other.len);

    const struct config *c = check_accepted(config_finish(&builder));

    CHECK_EQ(c->keys.key[0].secret_len, 5);
    CHECK_EQ(c->source_count, 1);
}

/* A list is read whole or refused; leap seconds are no matter for guesses. */
static void test_leapseclist_is_read(void **state)
{
    (void)state;
    make_file(&archive, "chrony.conf", "leapseclist /usr/share/leap.list\n");
    make_file(&archive, "leap.list",
              "#$ 1\n#@ 2\n2272060800 10\n2287785600 11\n");

    const struct config *c = check_accepted(read_archive());

    CHECK_EQ(c->leaps.count, 2);
    CHECK_EQ(c->leaps.entry[1].seconds, 2287785600);
    CHECK_EQ(accept("leapseclist nowhere\n")->leaps.count, 0);

    archive.len = 0;
    make_file(&archive, "chrony.conf", "leapseclist leap.list\n");
    make_file(&archive, "leap.list", "#$ 1\n#@ 2\n2272060800 x\n");
    CHECK(read_archive()->refused);
    check_error(0, "chrony.conf:1:13: found a line that is not two numbers, "
                   "expected a file leap-seconds.list, of NIST or IERS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_file_is_the_configuration, start),
        cmocka_unit_test_setup(test_an_archive_may_have_none, start),
        cmocka_unit_test_setup(test_a_broken_archive_is_refused, start),
        cmocka_unit_test_setup(test_files_are_found_by_path_and_by_name, start),
        cmocka_unit_test_setup(test_include_reads_in_place, start),
        cmocka_unit_test_setup(test_include_takes_patterns, start),
        cmocka_unit_test_setup(test_directories_are_read_in_order, start),
        cmocka_unit_test_setup(test_sources_are_all_that_sourcedir_takes,
                               start),
        cmocka_unit_test_setup(test_directories_are_found_by_name, start),
        cmocka_unit_test_setup(test_includes_are_bounded, start),
        cmocka_unit_test_setup(test_later_archives_come_first, start),
        cmocka_unit_test_setup(test_leapseclist_is_read, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
