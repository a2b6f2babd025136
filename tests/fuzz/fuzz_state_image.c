/* SPDX-License-Identifier: BSD-2-Clause */
/* Any slot of the state region, vouched for or not; and any last words. */
#include "boot/state_image.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 56

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_text(const char *text, size_t room)
{
    return memchr(text, 0, room) != NULL;
}

static void check(const struct state_data *d)
{
    if (d->nts.count > NTS_KEYS_KEPT || d->upstreams > STATE_UPSTREAMS_MAX ||
        d->own.cert_len > STATE_CERT_MAX ||
        d->own.key_len > STATE_CERT_KEY_MAX ||
        !d->own.cert_len != !d->own.key_len || d->panic[0])
        abort();
    for (unsigned i = 0; i < d->upstreams; i++) {
        const struct state_upstream *u = &d->upstream[i];

        if (!is_text(u->name, sizeof(u->name)) || !u->name[0] ||
            !is_text(u->server, sizeof(u->server)) ||
            u->cookies > STATE_COOKIES)
            abort();
        for (unsigned j = 0; j < u->cookies; j++) {
            if (u->cookie[j].len == 0 || u->cookie[j].len > STATE_COOKIE_MAX)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t slot[STATE_SLOT_BYTES], page[STATE_PAGE_BYTES];
    static struct state_data found, again;
    char text[STATE_PANIC_MAX + 1];
    uint64_t generation;

    if (len == 0 || len > sizeof(slot) - HEAD)
        return 0;
    /* As it is, then as the items of a sound slot. */
    state_image_read(data, len, &found, &generation);
    memset(page, 0, sizeof(page));
    memcpy(page, data, len < sizeof(page) ? len : sizeof(page));
    state_header_read(page);
    state_image_bytes(page);
    if (state_words_read(page, text) == STATE_OK &&
        !is_text(text, sizeof(text)))
        abort();

    memcpy(slot + HEAD, data, len);
    state_image_seal(slot, HEAD + len, data[0]);
    if (state_image_read(slot, HEAD + len, &found, &generation) != STATE_OK)
        return 0;
    if (generation != data[0])
        abort();
    check(&found);

    /* What was understood is written, and understood again. */
    size_t bytes = state_image_write(slot, &found);
    if (bytes > sizeof(slot))
        abort();
    state_image_seal(slot, bytes, 1);
    if (state_image_read(slot, bytes, &again, &generation) != STATE_OK)
        abort();
    check(&again);
    if (again.unix_seconds != found.unix_seconds ||
        again.upstreams != found.upstreams ||
        again.nts.count != found.nts.count)
        abort();
    return 0;
}
