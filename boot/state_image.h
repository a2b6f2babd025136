/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept, as bytes on a disk: header, last words, two slots.  Level of
 * all: any. */
#ifndef BOOT_STATE_IMAGE_H
#define BOOT_STATE_IMAGE_H

#include "boot/state_data.h"

/*
 * The region.  Each part is written by itself, and none has anything to do
 * with the sectors of another:
 *
 *     0         the header: says whose region this is; written once
 *     4 KiB     the last words of a run that ended in a panic
 *     64 KiB    slot 0
 *     128 KiB   slot 1
 */
#define STATE_PAGE_BYTES   4096
#define STATE_SLOT_BYTES   65536
#define STATE_REGION_BYTES (3 * STATE_SLOT_BYTES)
#define STATE_WORDS_AT     STATE_PAGE_BYTES
#define STATE_SLOT_AT(i)   ((1u + (i)) * STATE_SLOT_BYTES)

/* Fill a page with the header of a region. */
void state_header_write(uint8_t page[STATE_PAGE_BYTES]);

enum state_verdict {
    STATE_OK,
    STATE_EMPTY,   /* never written: zeros */
    STATE_DAMAGED, /* torn or rotten */
    STATE_UNKNOWN  /* whole, but of a version that we do not know */
};

/*
 * Whose region is it?  STATE_DAMAGED: nobody's that we know.
 * Takes any bytes; looks at the page alone.
 */
enum state_verdict state_header_read(const uint8_t page[STATE_PAGE_BYTES]);

/*
 * Might these be the first STATE_SLOT_BYTES of a region whose header has rotten
 * or was lost?  Then there are zeros in its place or at most
 * STATE_ROTTEN_BITS_MAX bits are not what they were; last words are whole or
 * not there, and all else is zeros.  Nobody's it is all the same without a
 * sound slot.  Takes any bytes.
 */
#define STATE_ROTTEN_BITS_MAX 64
bool state_header_rotten(const uint8_t *first);

/*
 * Encode into a slot's bytes, all but generation and checksum.  Returns the
 * length, which always fits; the caller wipes nothing behind it.
 */
size_t state_image_write(uint8_t slot[STATE_SLOT_BYTES],
                         const struct state_data *data);

/*
 * Give what state_image_write() returned its generation, a number that only
 * ever grows, and its checksum.
 */
void state_image_seal(uint8_t *slot, size_t len, uint64_t generation);

/*
 * How many bytes of a slot have a meaning, by its first page; at least
 * STATE_PAGE_BYTES, at most STATE_SLOT_BYTES.
 */
size_t state_image_bytes(const uint8_t page[STATE_PAGE_BYTES]);

/*
 * Decode a slot, or judge it only where `data` is NULL.  Takes any bytes at
 * all.  `data` is written only on STATE_OK, and then all of it; `generation` on
 * STATE_UNKNOWN as well.  What a later Gnomon may have added is passed over.
 */
enum state_verdict state_image_read(const uint8_t *slot, size_t len,
                                    struct state_data *data,
                                    uint64_t *generation);

/* Fill the page of last words; text that is too long loses its end. */
void state_words_write(uint8_t page[STATE_PAGE_BYTES], const char *text,
                       size_t len);

/*
 * Read last words.  `text` is written only on STATE_OK: printable characters
 * and newlines, ended by a zero.
 */
enum state_verdict state_words_read(const uint8_t page[STATE_PAGE_BYTES],
                                    char text[STATE_PANIC_MAX + 1]);

#endif
