/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources: defaults, and a word for everything that can become of one. */
#include "ntp/source.h"

#include "tests/check.h"

static void test_defaults_are_chronys(void **state)
{
    (void)state;
    struct source_config c;

    source_config_default(&c);
    CHECK_EQ(c.minpoll, 6);
    CHECK_EQ(c.maxpoll, 10);
    CHECK_EQ(c.maxdelay_ns, 3000000000);
    CHECK_EQ(c.polltarget, 8);
    CHECK(c.presend > c.maxpoll);
    CHECK(!c.iburst && !c.noselect && !c.trust && !c.require && !c.key);
}

static void test_every_state_and_verdict_has_words(void **state)
{
    (void)state;
    for (int i = 0; i < SOURCE_STATE_COUNT; i++) {
        CHECK(strlen(source_state_text((enum source_state)i)) > 4);
        CHECK(source_state_letter((enum source_state)i) > ' ');
    }
    for (int i = 0; i < SOURCE_VERDICT_COUNT; i++)
        CHECK(strlen(source_verdict_text((enum source_verdict)i)) > 4);
    CHECK_TEXT(source_state_text(SOURCE_STATE_COUNT), "");
    CHECK_TEXT(source_verdict_text(SOURCE_VERDICT_COUNT), "");
    CHECK_EQ(source_state_letter(SOURCE_STATE_COUNT), '?');
    CHECK_EQ(source_state_letter(SOURCE_SELECTED), '*');
    CHECK_EQ(source_state_letter(SOURCE_FALSETICKER), 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_chronys),
        cmocka_unit_test(test_every_state_and_verdict_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
