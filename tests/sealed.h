/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases of sealing from tests/vectors, and the ways to run a cipher here. */
#ifndef TESTS_SEALED_H
#define TESTS_SEALED_H

#include "nts/aes.h"
#include "tests/check.h"

#define SEALED_MAX 512

struct sealed_text {
    uint8_t at[SEALED_MAX];
    size_t len;
};

struct sealed_case {
    struct sealed_text key, nonce, ad, plain, sealed;
};

static inline void sealed_read_text(const char *word, struct sealed_text *t)
{
    t->len = word && strcmp(word, "-") ? check_hex(word, t->at, SEALED_MAX) : 0;
}

/*
 * Calls `test` with every line of that file below tests/vectors, and returns
 * how many there were.
 */
static inline unsigned sealed_each(const char *name,
                                   void (*test)(const struct sealed_case *c,
                                                const void *context),
                                   const void *context)
{
    char path[64], line[8 * SEALED_MAX];
    unsigned count = 0;

    snprintf(path, sizeof(path), "tests/vectors/%s", name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read", path);

    while (fgets(line, sizeof(line), f)) {
        struct sealed_case c;
        char *rest = NULL;

        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = 0;
        sealed_read_text(strtok_r(line, " ", &rest), &c.key);
        sealed_read_text(strtok_r(NULL, " ", &rest), &c.nonce);
        sealed_read_text(strtok_r(NULL, " ", &rest), &c.ad);
        sealed_read_text(strtok_r(NULL, " ", &rest), &c.plain);
        sealed_read_text(strtok_r(NULL, " ", &rest), &c.sealed);
        CHECK_EQ(c.sealed.len, c.plain.len + AES_BLOCK);
        test(&c, context);
        count++;
    }
    fclose(f);
    return count;
}

/* A cipher that this processor cannot run skips the test. */
static inline const struct aes_cipher *
sealed_by(const struct aes_cipher *cipher)
{
    if (cipher == &aes_ni &&
        !(__builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul")))
        skip();
    return cipher;
}

/* Two entries of cmocka's table: the test with either cipher as its state. */
#define SEALED_BOTH(test)                                                      \
    SEALED_BY(test, " (AES-NI)", &aes_ni),                                     \
        SEALED_BY(test, " (constant time)", &aes_ct)
#define SEALED_BY(test, name, cipher)                                          \
    {                                                                          \
#test name, test, NULL, NULL, (void *)(uintptr_t)(cipher)              \
    }

#endif
