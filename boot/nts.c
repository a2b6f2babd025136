/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS of the server: where its cookie keys come from, and their rotation. */
#include "boot/nts.h"

#include "arch/cpu.h"
#include "arch/due.h"
#include "arch/entropy.h"
#include "arch/irq.h"
#include "arch/log.h"

#include <string.h>

/* A retired key is wiped after this: every CPU takes an interrupt of its
 * one-second timer by then. */
#define SWEEP_S 3

static void random_fast(void *context, void *bytes, size_t len)
{
    entropy_draw(context, bytes, len);
}

static void random_slow(void *context, void *bytes, size_t len)
{
    (void)context;
    entropy_fill(bytes, len);
}

/* A key of our own, with an id that no other has. */
static void make_key(const struct nts_keys *keys, struct nts_key_bytes *key)
{
    do
        entropy_fill(key, sizeof(*key));
    while (nts_keys_find(keys, key->id) != NULL);
}

static void make_keys(struct nts_service *s)
{
    struct nts_key_bytes fresh;

    make_key(&s->keys, &fresh);
    nts_keys_load(&s->keys, &fresh, 1);
    aes_wipe(&fresh, sizeof(fresh));
}

/* Find keys, and say where; returns how old the newest is, in s. */
static uint64_t find_keys(struct nts_service *s, const struct nts_setup *setup)
{
    const struct config_nts *config = &setup->config->nts;
    const struct state_data *kept = setup->kept;

    s->given = config->given_count > 0;
    s->rotates = config->rotate_s > 0 && !s->given;
    if (s->given) {
        nts_keys_load(&s->keys, config->given, config->given_count);
        log_line("nts: %u cookie key%s of the configuration, no rotation",
                 config->given_count, config->given_count == 1 ? "" : "s");
        return 0;
    }
    if (kept != NULL && kept->nts.count > 0) {
        nts_keys_load(&s->keys, kept->nts.key, kept->nts.count);
        log_line("nts: %u cookie key%s kept, the newest %llu s old",
                 kept->nts.count, kept->nts.count == 1 ? "" : "s",
                 (unsigned long long)kept->nts.age_s);
        return kept->nts.age_s;
    }
    make_keys(s);
    log_line("nts: a new cookie key");
    if (s->changed != NULL)
        s->changed(s->arg);
    return 0;
}

static bool wanted(const struct config *config)
{
    /* Where keys are given, key establishment may be another machine's. */
    return config->port != 0 && !config->refused &&
           (config->nts.server || config->nts.given_count > 0);
}

void nts_service_start(struct nts_service *s, const struct nts_setup *setup,
                       uint64_t now)
{
    struct nts_server server = {
        .ntp = setup->ntp, .keys = &s->keys, .cipher = setup->cipher};

    memset(s, 0, sizeof(*s));
    s->ticks_per_s = setup->ticks_per_s;
    s->changed = setup->changed;
    s->arg = setup->arg;
    s->due_ticks = s->sweep_ticks = UINT64_MAX;
    nts_keys_init(&s->keys, setup->cipher);
    if (!wanted(setup->config))
        return;
    if (!entropy_state().seeded) {
        log_line("nts: refused: too little entropy");
        return;
    }

    s->fast = s->slow = server;
    s->fast.random = random_fast;
    s->fast.context = &s->rng;
    s->slow.random = random_slow;
    entropy_seed(&s->rng);

    uint64_t age_s = find_keys(s, setup);
    uint64_t rotate_s = setup->config->nts.rotate_s;

    s->born_ticks = now - age_s * s->ticks_per_s;
    if (s->rotates) {
        s->rotate_ticks = rotate_s * s->ticks_per_s;
        s->due_ticks =
            now + (age_s < rotate_s ? rotate_s - age_s : 0) * s->ticks_per_s;
    }
    s->on = true;
    log_line("nts: ciphers by %s", setup->cipher->name);
}

static void rotate(struct nts_service *s, uint64_t now)
{
    struct nts_key_bytes fresh;

    make_key(&s->keys, &fresh);
    nts_keys_rotate(&s->keys, &fresh);
    aes_wipe(&fresh, sizeof(fresh));
    s->born_ticks = now;
    s->due_ticks = now + s->rotate_ticks;
    s->sweep_ticks = now + SWEEP_S * s->ticks_per_s;
    log_line("nts: cookie keys rotated");
    if (s->changed != NULL)
        s->changed(s->arg);
}

void nts_service_poll(struct nts_service *s, uint64_t now)
{
    if (due_now(s->sweep_ticks, now, SWEEP_S * s->ticks_per_s)) {
        nts_keys_sweep(&s->keys);
        s->sweep_ticks = UINT64_MAX;
    }
    if (due_now(s->due_ticks, now, s->rotate_ticks) &&
        s->sweep_ticks == DUE_NEVER)
        rotate(s, now);
}

uint64_t nts_service_next(const struct nts_service *s)
{
    return s->sweep_ticks < UINT64_MAX ? s->sweep_ticks : s->due_ticks;
}

void nts_service_renew(struct nts_service *s)
{
    if (!s->on)
        return;

    uint64_t flags = irq_save();

    entropy_seed(&s->rng);
    irq_restore(flags);
}

/* Nothing is known of it when the counter was set back to before. */
static uint64_t key_age_s(const struct nts_service *s)
{
    uint64_t age = counter_read() - s->born_ticks;

    return age <= INT64_MAX ? age / s->ticks_per_s : 0;
}

void nts_service_collect(void *arg, struct state_data *data)
{
    const struct nts_service *s = arg;

    if (!s->on || s->given)
        return;
    data->nts.count = nts_keys_save(&s->keys, data->nts.key);
    data->nts.age_s = key_age_s(s);
}
