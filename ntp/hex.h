/* SPDX-License-Identifier: BSD-2-Clause */
/* Hexadecimal digits in text. */
#ifndef NTP_HEX_H
#define NTP_HEX_H

/* What a digit stands for, of either case; -1 when it is none.  Level: any. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

#endif
