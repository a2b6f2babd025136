/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys that cookies are sealed with: the current one, and two before. */
#include "nts/keys.h"

#include <string.h>

/* struct nts_keys: `live`. */
struct live {
    unsigned newest; /* slot */
    unsigned count;
};

static struct live live_read(const struct nts_keys *k)
{
    /* Pairs with live_write(): the slots that it names are filled. */
    uint32_t live = atomic_load_explicit(&k->live, memory_order_acquire);

    return (struct live){.newest = live >> 3, .count = live & 7};
}

static void live_write(struct nts_keys *k, struct live live)
{
    atomic_store_explicit(&k->live, live.newest << 3 | live.count,
                          memory_order_release);
}

/* The slot `age` rotations before the newest. */
static unsigned slot_of(unsigned newest, unsigned age)
{
    return (newest + NTS_KEYS_SLOTS - age) % NTS_KEYS_SLOTS;
}

static void fill(struct nts_keys *k, unsigned slot,
                 const struct nts_key_bytes *bytes)
{
    struct nts_key *key = &k->slot[slot];

    key->bytes = *bytes;
    aead_init(&key->aead, k->cipher, AEAD_AES_SIV_CMAC_256, bytes->key);
}

static void wipe(struct nts_key *key)
{
    aes_wipe(&key->bytes, sizeof(key->bytes));
    aead_wipe(&key->aead);
}

void nts_keys_init(struct nts_keys *k, const struct aes_cipher *cipher)
{
    memset(k, 0, sizeof(*k));
    k->cipher = cipher;
}

void nts_keys_load(struct nts_keys *k, const struct nts_key_bytes *bytes,
                   unsigned count)
{
    live_write(k, (struct live){0, 0});
    for (unsigned i = 0; i < NTS_KEYS_SLOTS; i++)
        wipe(&k->slot[i]);
    if (count > NTS_KEYS_KEPT)
        count = NTS_KEYS_KEPT;
    for (unsigned i = 0; i < count; i++)
        fill(k, slot_of(NTS_KEYS_KEPT - 1, i), &bytes[i]);
    live_write(k, (struct live){NTS_KEYS_KEPT - 1, count});
}

void nts_keys_rotate(struct nts_keys *k, const struct nts_key_bytes *fresh)
{
    struct live live = live_read(k);

    /* The spare slot: no reader has it, the last sweep having been waited
     * for. */
    live.newest = (live.newest + 1) % NTS_KEYS_SLOTS;
    fill(k, live.newest, fresh);
    if (live.count < NTS_KEYS_KEPT)
        live.count++;
    live_write(k, live);
}

void nts_keys_sweep(struct nts_keys *k)
{
    unsigned spare = slot_of(live_read(k).newest, NTS_KEYS_KEPT);

    wipe(&k->slot[spare]);
}

unsigned nts_keys_save(const struct nts_keys *k,
                       struct nts_key_bytes bytes[NTS_KEYS_KEPT])
{
    struct live live = live_read(k);

    for (unsigned i = 0; i < live.count; i++)
        bytes[i] = k->slot[slot_of(live.newest, i)].bytes;
    return live.count;
}

const struct nts_key *nts_keys_newest(const struct nts_keys *k)
{
    struct live live = live_read(k);

    return live.count > 0 ? &k->slot[live.newest] : NULL;
}

const struct nts_key *nts_keys_find(const struct nts_keys *k, uint32_t id)
{
    struct live live = live_read(k);

    for (unsigned i = 0; i < live.count; i++) {
        const struct nts_key *key = &k->slot[slot_of(live.newest, i)];

        if (key->bytes.id == id)
            return key;
    }
    return NULL;
}
