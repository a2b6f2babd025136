/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive: what is read of it, and what is refused. */
#include "boot/cpio.h"
#include "tests/check.h"
#include "tests/cpio_make.h"

static struct cpio_make archive;

static struct reader made(void)
{
    return reader_of(archive.bytes, archive.len);
}

static int start(void **state)
{
    (void)state;
    archive.len = 0;
    return 0;
}

/* Files come out in order, with their bytes, whatever their length. */
static void test_files_come_out_in_order(void **state)
{
    static const char *const texts[] = {"", "1", "22", "333", "4444", "55555"};
    struct cpio_entry e;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        make_file(&archive, texts[i][0] ? texts[i] : "none", texts[i]);
    make_trailer(&archive);

    struct reader r = made();

    for (size_t i = 0; i < 6; i++) {
        CHECK_EQ(cpio_next(&r, &e), CPIO_ENTRY);
        CHECK_EQ(e.len, i);
        CHECK(memcmp(e.data, texts[i], i) == 0);
        CHECK_EQ(e.name_len, i ? i : 4);
        CHECK(strcmp(e.name, i ? texts[i] : "none") == 0);
        CHECK(cpio_is_file(&e));
    }
    CHECK_EQ(cpio_next(&r, &e), CPIO_END);
}

/* Directories and links are members, but no files. */
static void test_only_files_are_files(void **state)
{
    struct cpio_entry e;

    (void)state;
    make_member(&archive, "etc", MAKE_DIRECTORY, "", 0);
    make_member(&archive, "link", MAKE_LINK, "etc", 3);
    make_trailer(&archive);

    struct reader r = made();

    CHECK_EQ(cpio_next(&r, &e), CPIO_ENTRY);
    CHECK(!cpio_is_file(&e));
    CHECK_EQ(cpio_next(&r, &e), CPIO_ENTRY);
    CHECK(!cpio_is_file(&e));
    CHECK_EQ(cpio_next(&r, &e), CPIO_END);
}

/* What is behind the padding of one archive is the next one. */
static void test_archives_follow_each_other(void **state)
{
    struct cpio_entry e;

    (void)state;
    make_file(&archive, "a", "first");
    make_trailer(&archive);
    memset(archive.bytes + archive.len, 0, 300);
    archive.len += 300;
    make_file(&archive, "b", "second");
    make_trailer(&archive);
    archive.bytes[archive.len++] = 0;

    struct reader r = made();

    CHECK_EQ(cpio_next(&r, &e), CPIO_ENTRY);
    CHECK_EQ(cpio_next(&r, &e), CPIO_ENTRY);
    CHECK(strcmp(e.name, "b") == 0);
    CHECK_EQ(cpio_next(&r, &e), CPIO_END);
}

/* Cut off anywhere, it never ends as if it were whole. */
static void test_a_cut_archive_is_truncated(void **state)
{
    (void)state;
    make_file(&archive, "gnomon.conf", "allow\ndeny 10.0.0.0/8\n");
    make_trailer(&archive);

    /* The padding after the trailer may be missing, nothing else. */
    size_t least = archive.len - 3;

    for (size_t len = 0; len < least; len++) {
        struct reader r = reader_of(archive.bytes, len);
        enum cpio_result result;
        struct cpio_entry e;

        do
            result = cpio_next(&r, &e);
        while (result == CPIO_ENTRY);
        CHECK_EQ(result, CPIO_TRUNCATED);
    }
}

/* The result of reading one member with a byte of its header changed. */
static enum cpio_result with_byte(size_t at, char c)
{
    struct cpio_entry e;

    archive.len = 0;
    make_file(&archive, "name", "text");
    make_trailer(&archive);
    archive.bytes[at] = (uint8_t)c;

    struct reader r = made();

    return cpio_next(&r, &e);
}

/* Each way in which a header can be wrong has its own name. */
static void test_a_wrong_header_is_named(void **state)
{
    (void)state;
    CHECK_EQ(with_byte(5, '2'), CPIO_MAGIC);
    CHECK_EQ(with_byte(0, 0x1f), CPIO_MAGIC);
    CHECK_EQ(with_byte(6 + 8 * 1, 'g'), CPIO_NUMBER);
    CHECK_EQ(with_byte(6 + 8 * 6 + 7, ' '), CPIO_NUMBER);
    CHECK_EQ(with_byte(6 + 8 * 11, '-'), CPIO_NUMBER);
    CHECK_EQ(with_byte(6 + 8 * 6, 'f'), CPIO_TRUNCATED);
    CHECK_EQ(with_byte(6 + 8 * 11, 'F'), CPIO_TRUNCATED);
    CHECK_EQ(with_byte(6 + 8 * 11 + 7, '0'), CPIO_NAME);
    CHECK_EQ(with_byte(6 + 8 * 11 + 7, '4'), CPIO_NAME);
    CHECK_EQ(with_byte(111, 0), CPIO_NAME);
    CHECK_EQ(with_byte(6 + 8 * 6 + 7, '4'), CPIO_ENTRY);
    for (int i = 0; i < CPIO_RESULT_COUNT; i++)
        CHECK(strlen(cpio_result_text((enum cpio_result)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_files_come_out_in_order, start),
        cmocka_unit_test_setup(test_only_files_are_files, start),
        cmocka_unit_test_setup(test_archives_follow_each_other, start),
        cmocka_unit_test_setup(test_a_cut_archive_is_truncated, start),
        cmocka_unit_test_setup(test_a_wrong_header_is_named, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
