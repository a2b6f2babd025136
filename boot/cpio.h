/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive: `cpio -H newc`, read in place. */
#ifndef BOOT_CPIO_H
#define BOOT_CPIO_H

#include "ntp/bytes.h"

#define CPIO_HEADER_LEN 110

/* What became of a reader that no longer yields entries. */
#define CPIO_RESULTS(X)                                                        \
    X(CPIO_ENTRY, "an entry")                                                  \
    X(CPIO_END, "the trailer, as it should be")                                \
    X(CPIO_TRUNCATED, "the end of the file before the trailer")                \
    X(CPIO_MAGIC, "no header of `cpio -H newc` (070701)")                      \
    X(CPIO_NUMBER, "a header field that is not hexadecimal")                   \
    X(CPIO_NAME, "a name without its terminating zero")

#define CPIO_RESULT_ENUM(id, text) id,
enum cpio_result { CPIO_RESULTS(CPIO_RESULT_ENUM) CPIO_RESULT_COUNT };
#undef CPIO_RESULT_ENUM

/* That result in words.  Level: any. */
const char *cpio_result_text(enum cpio_result result);

/* A member of an archive; both pointers point into it. */
struct cpio_entry {
    const char *name; /* name_len characters, then a zero; none inside */
    size_t name_len;
    const uint8_t *data;
    size_t len;
    uint32_t mode; /* as in stat(2) */
};

static inline bool cpio_is_file(const struct cpio_entry *e)
{
    return (e->mode & 0170000) == 0100000;
}

/*
 * Read the next member.  Takes any bytes at all; `r` is between two members,
 * as it is at the start and after each CPIO_ENTRY.  The padding after the last
 * member may be missing, and an archive may follow another one after zeros.
 * `e` is written only on CPIO_ENTRY, and after anything else `r` is of no more
 * use.
 * Level: any.
 */
enum cpio_result cpio_next(struct reader *r, struct cpio_entry *e);

#endif
