/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual has every directive. */
#include "tests/config_read.h"

static char manual[64 * 1024];

static int load(void **state)
{
    FILE *f = fopen("docs/CONFIGURATION.md", "r");

    (void)state;
    CHECK(f != NULL);
    manual[fread(manual, 1, sizeof(manual) - 1, f)] = 0;
    fclose(f);
    return 0;
}

/* `name` or `name ARGUMENT`, in backquotes. */
static bool documents(const char *name)
{
    char start[100];
    const char *at = manual;

    snprintf(start, sizeof(start), "`%s", name);
    while ((at = strstr(at, start)) != NULL) {
        at += strlen(start);
        if (*at == '`' || *at == ' ')
            return true;
    }
    return false;
}

static void check_kinds(const struct kinds *kinds)
{
    unsigned missing = 0;

    for (size_t i = 0; i < kinds->count; i++)
        if (!documents(kinds->kind[i].name)) {
            print_error("not in the manual: %s\n", kinds->kind[i].name);
            missing++;
        }
    CHECK_EQ(missing, 0);
}

static void test_every_directive_is_in_the_manual(void **state)
{
    (void)state;
    check_kinds(&chrony_kinds);
    check_kinds(&own_kinds);
    check_kinds(&ntpconf_kinds);
}

/* The example that it begins with is right. */
static void test_the_example_is_accepted(void **state)
{
    static char text[2000];
    const char *start = strstr(manual, "    address 10.0.2.15/24\n");
    const char *end = strstr(manual, "## Where it comes from");

    (void)state;
    CHECK(start && end && (size_t)(end - start) < sizeof(text));
    memcpy(text, start, (size_t)(end - start));
    archive.len = 0;
    make_file(&archive, "gnomon.conf", text);
    make_file(&archive, "chrony.keys", "1 SHA256 secret\n");
    CHECK_EQ(check_accepted(read_archive())->source_count, 2);
    CHECK_EQ(builder.report.notes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_directive_is_in_the_manual, load),
        cmocka_unit_test_setup(test_the_example_is_accepted, load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
