/* SPDX-License-Identifier: BSD-2-Clause */
/* leap-seconds.list: read, verified, and asked for the next one. */
/* links: build/gen/leap_list */
#include "ntp/leap_list.h"

#include "boot/leaps.h"
#include "tests/check.h"

/* The numbers of the list that IERS published on 2025-07-07. */
#define ROWS                                                                   \
    "2272060800 10\n"                                                          \
    "2287785600 11\n"                                                          \
    "2303683200 12\n"                                                          \
    "2335219200 13\n"                                                          \
    "2366755200 14\n"                                                          \
    "2398291200 15\n"                                                          \
    "2429913600 16\n"                                                          \
    "2461449600 17\n"                                                          \
    "2492985600 18\n"                                                          \
    "2524521600 19\n"                                                          \
    "2571782400 20\n"                                                          \
    "2603318400 21\n"                                                          \
    "2634854400 22\n"                                                          \
    "2698012800 23\n"                                                          \
    "2776982400 24\n"                                                          \
    "2840140800 25\n"                                                          \
    "2871676800 26\n"                                                          \
    "2918937600 27\n"                                                          \
    "2950473600 28\n"                                                          \
    "2982009600 29\n"                                                          \
    "3029443200 30\n"                                                          \
    "3076704000 31\n"                                                          \
    "3124137600 32\n"                                                          \
    "3345062400 33\n"                                                          \
    "3439756800 34\n"                                                          \
    "3550089600 35\n"                                                          \
    "3644697600 36\n"                                                          \
    "3692217600 37\n"

#define DATES "#$ 3960835200\n#@ 3991593600\n"
#define HASH  "#h 49db2447 571e5e1b 2f002a53 9c8da8e4 39b8e49e\n"

static struct leap_list list;

static enum leap_list_result read_text(const char *text)
{
    return leap_list_read(&list, text, strlen(text));
}

static void test_a_published_list_is_verified(void **state)
{
    (void)state;
    CHECK_EQ(read_text(DATES ROWS HASH), LEAP_LIST_OK);
    CHECK(list.verified);
    CHECK_EQ(list.count, 28);
    CHECK_EQ(list.entry[0].tai, 10);
    CHECK_EQ(list.entry[27].seconds, 3692217600);
    CHECK_EQ(list.entry[27].tai, 37);
    CHECK_EQ(list.updated, 3960835200);
    CHECK_EQ(list.expires, 3991593600);
}

/* Comments, tabs, CR LF and the end of the file do not matter to the hash. */
static void test_space_and_comments_do_not_matter(void **state)
{
    static char text[4096];
    size_t len = 0;

    (void)state;
    for (const char *p = "# A comment\n\n" DATES ROWS HASH; *p; p++) {
        if (*p == '\n')
            len += (size_t)sprintf(text + len, "\t# x\r\n");
        else if (*p == ' ')
            text[len++] = '\t';
        else
            text[len++] = *p;
    }
    CHECK_EQ(leap_list_read(&list, text, len - 2), LEAP_LIST_OK);
    CHECK(list.verified);
}

/* Without a hash it is a list, but not a verified one. */
static void test_a_hash_may_be_missing_but_not_wrong(void **state)
{
    (void)state;
    CHECK_EQ(read_text(DATES ROWS), LEAP_LIST_OK);
    CHECK(!list.verified);
    CHECK_EQ(read_text("#$ 3960835201\n#@ 3991593600\n" ROWS HASH),
             LEAP_LIST_HASH);
    CHECK_EQ(list.count, 0);
    CHECK_EQ(read_text(DATES ROWS "3692304000 38\n" HASH), LEAP_LIST_HASH);
    CHECK_EQ(read_text(DATES ROWS "#h 49db2447\n"), LEAP_LIST_HASH);
    CHECK_EQ(read_text(DATES ROWS "#h xyz\n"), LEAP_LIST_HASH);
}

static void test_each_fault_has_its_name(void **state)
{
    static char many[4096];
    struct {
        const char *text;
        enum leap_list_result result;
    } table[] = {
        {"", LEAP_LIST_EMPTY},
        {DATES, LEAP_LIST_EMPTY},
        {"2272060800 10\n", LEAP_LIST_DATES},
        {"#$ 1\n2272060800 10\n", LEAP_LIST_DATES},
        {"#@ 1\n2272060800 10\n", LEAP_LIST_DATES},
        {"#$ x\n", LEAP_LIST_DATES},
        {DATES "2272060800\n", LEAP_LIST_NUMBER},
        {DATES "2272060800x 10\n", LEAP_LIST_NUMBER},
        {DATES "2272060800 10 11\n", LEAP_LIST_NUMBER},
        {DATES "-2272060800 10\n", LEAP_LIST_NUMBER},
        {DATES "1234567890123456789 10\n", LEAP_LIST_NUMBER},
        {DATES "x\n", LEAP_LIST_NUMBER},
        {DATES "2272060801 10\n", LEAP_LIST_STEP},
        {DATES "2272060800 10\n2287785600 12\n", LEAP_LIST_STEP},
        {DATES "2272060800 10\n2287785600 10\n", LEAP_LIST_STEP},
        {DATES "2287785600 10\n2272060800 11\n", LEAP_LIST_ORDER},
        {DATES "2272060800 10\n2272060800 11\n", LEAP_LIST_ORDER},
        {many, LEAP_LIST_MANY},
    };
    size_t len = (size_t)sprintf(many, DATES);

    (void)state;
    for (int i = 0; i <= LEAP_LIST_MAX; i++)
        len += (size_t)sprintf(many + len, "%lld %d\n", 86400LL * i, 10 + i);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (read_text(table[i].text) != table[i].result)
            fail_msg("%s: not %s", table[i].text,
                     leap_list_result_text(table[i].result));
}

/* The next one is the one after the date, the midnight itself not included. */
static void test_the_next_leap_second(void **state)
{
    const int64_t last = 3692217600; /* 2017-01-01 */
    ntp_date midnight;

    (void)state;
    CHECK_EQ(read_text(DATES ROWS HASH), LEAP_LIST_OK);
    CHECK_EQ(leap_list_next(&list, ntp_date_from_seconds(last) - 1, &midnight),
             LEAP_INSERT);
    CHECK_EQ(ntp_date_seconds(midnight), last);
    CHECK_EQ(leap_list_next(&list, ntp_date_from_seconds(last), &midnight),
             LEAP_NONE);
    CHECK_EQ(leap_list_next(&list, 0, &midnight), LEAP_INSERT);
    CHECK_EQ(ntp_date_seconds(midnight), 2287785600);

    CHECK_EQ(read_text(DATES "2272060800 10\n2287785600 9\n"), LEAP_LIST_OK);
    CHECK_EQ(leap_list_next(&list, 0, &midnight), LEAP_DELETE);
    CHECK_EQ(ntp_date_seconds(midnight), 2287785600);

    /* Past 2036 too, in the next era. */
    CHECK_EQ(read_text(DATES "2272060800 10\n4449427200 11\n"), LEAP_LIST_OK);
    CHECK_EQ(
        leap_list_next(&list, ntp_date_from_seconds(4294967296), &midnight),
        LEAP_INSERT);
    CHECK_EQ(ntp_date_seconds(midnight), 4449427200);
}

/* The midnight itself is past. */
static void test_the_last_leap_second(void **state)
{
    const int64_t last = 3692217600; /* 2017-01-01 */
    ntp_date midnight;

    (void)state;
    CHECK_EQ(read_text(DATES ROWS HASH), LEAP_LIST_OK);
    CHECK_EQ(leap_list_last(&list, ntp_date_from_seconds(last), &midnight),
             LEAP_INSERT);
    CHECK_EQ(ntp_date_seconds(midnight), last);
    CHECK_EQ(leap_list_last(&list, ntp_date_from_seconds(last) - 1, &midnight),
             LEAP_INSERT);
    CHECK_EQ(ntp_date_seconds(midnight), 3644697600);
    CHECK_EQ(
        leap_list_last(&list, ntp_date_from_seconds(2287785599), &midnight),
        LEAP_NONE);

    CHECK_EQ(read_text(DATES "2272060800 10\n2287785600 9\n"), LEAP_LIST_OK);
    CHECK_EQ(leap_list_last(&list, ntp_date_from_seconds(last), &midnight),
             LEAP_DELETE);
    CHECK_EQ(ntp_date_seconds(midnight), 2287785600);

    CHECK_EQ(leap_list_last(&(struct leap_list){0}, 0, &midnight), LEAP_NONE);
}

/* The list of the image is whole, and newer than the one above. */
static void test_the_list_of_the_image_is_verified(void **state)
{
    ntp_date midnight;

    (void)state;
    CHECK_EQ(read_text(gnomon_leap_list), LEAP_LIST_OK);
    CHECK(list.verified);
    CHECK(list.updated >= 3960835200);
    CHECK(list.expires >= 3991593600);
    CHECK(list.count >= 28);
    CHECK_EQ(list.entry[27].tai, 37);
    CHECK_EQ(
        leap_list_next(&list, ntp_date_from_seconds(3692217599), &midnight),
        LEAP_INSERT);
    CHECK_EQ(ntp_date_seconds(midnight), 3692217600);
}

static void test_a_list_is_old_from_28_days_before_it_expires(void **state)
{
    const int64_t expires = 3991593600;
    const int64_t warning = expires - 28 * 86400;

    (void)state;
    CHECK_EQ(read_text(DATES ROWS HASH), LEAP_LIST_OK);
    CHECK_EQ(leap_list_age(&list, ntp_date_from_seconds(warning) - 1),
             LEAP_LIST_FRESH);
    CHECK_EQ(leap_list_age(&list, ntp_date_from_seconds(warning)),
             LEAP_LIST_EXPIRING);
    CHECK_EQ(leap_list_age(&list, ntp_date_from_seconds(expires) - 1),
             LEAP_LIST_EXPIRING);
    CHECK_EQ(leap_list_age(&list, ntp_date_from_seconds(expires)),
             LEAP_LIST_EXPIRED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_published_list_is_verified),
        cmocka_unit_test(test_space_and_comments_do_not_matter),
        cmocka_unit_test(test_a_hash_may_be_missing_but_not_wrong),
        cmocka_unit_test(test_each_fault_has_its_name),
        cmocka_unit_test(test_the_next_leap_second),
        cmocka_unit_test(test_the_last_leap_second),
        cmocka_unit_test(test_the_list_of_the_image_is_verified),
        cmocka_unit_test(test_a_list_is_old_from_28_days_before_it_expires),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
