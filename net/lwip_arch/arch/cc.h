/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP has to know of the compiler and of the machine. */
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

/* lwIP takes this for a sign that ssize_t is there. */
#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif

#define BYTE_ORDER       LITTLE_ENDIAN
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H  1

/* From the background's generator; any value is as likely as another. */
uint32_t net_random32(void);
#define LWIP_RAND() net_random32()

/* An invariant of lwIP does not hold: last words, and a reboot. */
void lwip_failed(const char *what, const char *file, int line)
    __attribute__((noreturn));
#define LWIP_PLATFORM_ASSERT(what) lwip_failed(what, __FILE__, __LINE__)

/* Debug output is compiled out; there is no printf to send it to. */
#define LWIP_PLATFORM_DIAG(arguments)                                          \
    do {                                                                       \
    } while (0)

#endif
