/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes `cpio -H newc` archives for tests. */
#ifndef TESTS_CPIO_MAKE_H
#define TESTS_CPIO_MAKE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct cpio_make {
    uint8_t bytes[1 << 20];
    size_t len;
};

#define MAKE_FILE      0100644
#define MAKE_DIRECTORY 0040755
#define MAKE_LINK      0120777

static inline void make_bytes(struct cpio_make *m, const void *bytes,
                              size_t len)
{
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
    while (m->len % 4)
        m->bytes[m->len++] = 0;
}

static inline void make_member(struct cpio_make *m, const char *name,
                               unsigned mode, const void *data, size_t len)
{
    char header[512];
    int used = snprintf(header, sizeof(header),
                        "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X"
                        "%08zX%08X%s",
                        1u, mode, 0u, 0u, 1u, 0u, len, 0u, 0u, 0u, 0u,
                        strlen(name) + 1, 0u, name);

    make_bytes(m, header, (size_t)used + 1);
    make_bytes(m, data, len);
}

static inline void make_file(struct cpio_make *m, const char *name,
                             const char *text)
{
    make_member(m, name, MAKE_FILE, text, strlen(text));
}

static inline void make_trailer(struct cpio_make *m)
{
    make_member(m, "TRAILER!!!", 0, "", 0);
}

#endif
