/* SPDX-License-Identifier: BSD-2-Clause */
/* What the state region asks of the machine beside a disk; a panic fails. */
#ifndef TESTS_FAKE_KEEPER_H
#define TESTS_FAKE_KEEPER_H

#include <stddef.h>

/* Who keeps the last words of a panic, or NULL. */
extern struct fake_keeper {
    void (*keep)(void *arg, const char *text, size_t len);
    void *arg;
} fake_keeper;

/* For after a test: disks and machine are as if nothing had been. */
int fake_keeper_end(void **state);

#endif
