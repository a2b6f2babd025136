/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatting of text, integers only. */
#ifndef ARCH_FMT_H
#define ARCH_FMT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Format into `out`, always terminated where `room` is not 0.
 *
 * Knows %s %c %d %i %u %x %X %p %%, h hh l ll z, width and precision as digits
 * or *, and the flags - and 0; precision for strings only.  A NULL string
 * prints as "(null)".  An unknown directive is printed as it stands, and ends
 * the use of the arguments.
 *
 * Returns the length without the terminator, at most room - 1: what was
 * written, not what was wanted.
 * Level: any.
 */
size_t fmt_line(char *out, size_t room, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The same from arguments. */
size_t fmt_print(char *out, size_t room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
