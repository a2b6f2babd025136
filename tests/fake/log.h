/* SPDX-License-Identifier: BSD-2-Clause */
/* The log, where there is nothing else of a machine. */
#ifndef TESTS_FAKE_LOG_H
#define TESTS_FAKE_LOG_H

#include <stdbool.h>

/* All lines, cut; a test empties it. */
extern char fake_log[8192];

/* Is that in it? */
bool fake_said(const char *what);

#endif
