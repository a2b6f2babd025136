/* SPDX-License-Identifier: BSD-2-Clause */
/* The log, where there is nothing else of a machine. */
#include "tests/fake/log.h"

#include "arch/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char fake_log[8192];

void log_line(const char *fmt, ...)
{
    size_t used = strlen(fake_log);
    va_list args;

    va_start(args, fmt);
    vsnprintf(fake_log + used, sizeof(fake_log) - used, fmt, args);
    va_end(args);
    strncat(fake_log, "\n", sizeof(fake_log) - strlen(fake_log) - 1);
}

bool fake_said(const char *what)
{
    return strstr(fake_log, what) != NULL;
}
