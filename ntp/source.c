/* SPDX-License-Identifier: BSD-2-Clause */
/* A source of time: defaults, and the words for what it is and did. */
#include "ntp/source.h"

void source_config_default(struct source_config *config)
{
    *config = (struct source_config){
        .maxdelay_ns = 3000000000,
        .minpoll = 6,
        .maxpoll = 10,
        .polltarget = SOURCE_POLLTARGET,
        .presend = SOURCE_PRESEND_NEVER,
    };
}

const char *source_state_text(enum source_state state)
{
#define TEXT(id, letter, text) [id] = text,
    static const char *const texts[SOURCE_STATE_COUNT] = {SOURCE_STATES(TEXT)};
#undef TEXT

    return state < SOURCE_STATE_COUNT ? texts[state] : "";
}

char source_state_letter(enum source_state state)
{
#define LETTER(id, letter, text) [id] = letter,
    static const char letters[SOURCE_STATE_COUNT] = {SOURCE_STATES(LETTER)};
#undef LETTER

    return state < SOURCE_STATE_COUNT ? letters[state] : '?';
}

const char *source_verdict_text(enum source_verdict verdict)
{
#define TEXT(id, text) [id] = text,
    static const char *const texts[SOURCE_VERDICT_COUNT] = {
        SOURCE_VERDICTS(TEXT)};
#undef TEXT

    return verdict < SOURCE_VERDICT_COUNT ? texts[verdict] : "";
}
