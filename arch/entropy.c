/* SPDX-License-Identifier: BSD-2-Clause */
/* RDSEED and friends, health-tested, into one generator. */
#include "arch/entropy.h"

#include "arch/cpu.h"
#include "arch/io.h"

#include <string.h>

#define SEEDED_BITS 256

/*
 * SP 800-90B, 4.3: the health tests see 1024 samples before any is trusted.
 * At half a bit each that is twice what a seed needs.
 */
#define START_SAMPLES 1024
#define RENEW_SAMPLES 64

/*
 * After so many ticks (2 ms and a half at 3 GHz) the port is read no more: a
 * nested hypervisor may take tens of microseconds each time.
 */
#define PORT_TICKS 8000000

#define HARDWARE_WORDS 8  /* read from each of RDSEED and RDRAND */
#define RETRIES        10 /* Intel's advice for RDRAND */

/* Speaker and timer status: reading it disturbs nothing, and takes an exit. */
#define NOISE_PORT 0x61

struct source {
    bool present;
    struct health health;
};

/* The background's; other levels have generators of their own. */
static struct entropy {
    struct rng rng;
    unsigned bits;
    struct source rdseed, rdrand, device, jitter;

    uint32_t (*epoch)(void *arg); /* or NULL */
    void *epoch_arg;
    uint32_t seen; /* epoch */

    uint64_t noted[8]; /* written at interrupt level */
    unsigned note;
} entropy;

extern uintptr_t __stack_chk_guard;

static void credit(unsigned bits)
{
    if (bits > SEEDED_BITS * 16 - entropy.bits)
        bits = SEEDED_BITS * 16 - entropy.bits;
    entropy.bits += bits;
    if (entropy.bits >= SEEDED_BITS)
        rng_ready(&entropy.rng);
}

/* And there: a processor may name RDSEED, and it never answers. */
static bool is_healthy(const struct source *s)
{
    return s->present && s->health.samples > 0 && !s->health.failed;
}

/* `bits_each` of 64: what a word is trusted with. */
static void gather_hardware(struct source *s, bool (*next)(uint64_t *),
                            unsigned bits_each)
{
    uint64_t word[HARDWARE_WORDS] = {0};
    unsigned words = 0;

    for (unsigned i = 0; i < HARDWARE_WORDS; i++) {
        bool ok = false;

        for (unsigned tries = 0; tries < RETRIES && !ok; tries++)
            ok = next(&word[i]);
        if (!ok)
            break;
        /* Some processors answer all ones after suspend, and call it fine. */
        if (word[i] == UINT64_MAX || word[i] == 0)
            s->health.failed = true;
        for (unsigned byte = 0; byte < 8; byte++)
            health_sample(&s->health, (uint8_t)(word[i] >> 8 * byte));
        words++;
    }
    rng_mix(&entropy.rng, word, sizeof word);
    memset(word, 0, sizeof word);
    if (is_healthy(s))
        credit(words * bits_each);
}

/* How long a visit to the hypervisor, or a walk through memory, takes. */
static uint64_t jitter_ticks(bool use_port, uint64_t walk[64])
{
    uint64_t from = counter_read();

    if (use_port)
        (void)in8(NOISE_PORT);
    for (unsigned i = 0; i < 8; i++)
        walk[(from >> i) & 63] += from ^ i;
    return counter_read() - from;
}

static void gather_jitter(unsigned samples)
{
    uint64_t start = counter_read();
    uint64_t walk[64] = {0};
    uint64_t ticks[32];

    for (unsigned i = 0; i < samples; i++) {
        uint64_t t = jitter_ticks(counter_read() - start < PORT_TICKS, walk);

        /* Some counters move in steps: low bits alone may stand still. */
        health_sample(&entropy.jitter.health, (uint8_t)(t ^ t >> 8));
        ticks[i % 32] = t;
        if (i % 32 == 31)
            rng_mix(&entropy.rng, ticks, sizeof ticks);
    }
    start = counter_read();
    rng_mix(&entropy.rng, &start, sizeof start);
    if (is_healthy(&entropy.jitter) &&
        entropy.jitter.health.samples >= START_SAMPLES)
        credit(samples / 2);
}

static void gather(unsigned samples)
{
    /* RDRAND is drawn from a generator, so its words share their entropy. */
    if (entropy.rdseed.present)
        gather_hardware(&entropy.rdseed, cpu_rdseed, 60);
    if (entropy.rdrand.present)
        gather_hardware(&entropy.rdrand, cpu_rdrand, 32);
    gather_jitter(samples);
}

__attribute__((no_stack_protector)) void entropy_init(void)
{
    uintptr_t guard;

    entropy.rdseed.present = cpu_features()->rdseed;
    entropy.rdrand.present = cpu_features()->rdrand;
    entropy.jitter.present = true;
    gather(START_SAMPLES);

    entropy_fill(&guard, sizeof guard);
    __stack_chk_guard = guard & ~(uintptr_t)0xff; /* stops string copies */
}

/* When interrupts came, all of them so far. */
static uint64_t noted(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 8; i++)
        sum = (sum << 11 | sum >> 53) ^ entropy.noted[i];
    return sum;
}

void entropy_draw(struct rng *r, void *buf, size_t len)
{
    uint64_t fresh[RNG_FRESH] = {counter_read(), noted(), 0};

    if (is_healthy(&entropy.rdrand))
        for (unsigned tries = 0; tries < RETRIES; tries++)
            if (cpu_rdrand(&fresh[2]))
                break;
    rng_fill(r, fresh, buf, len);
}

void entropy_watch(uint32_t (*epoch)(void *arg), void *arg)
{
    entropy.epoch_arg = arg;
    entropy.epoch = epoch;
    entropy.seen = epoch(arg);
}

static void heed_epoch(void)
{
    uint32_t epoch;

    if (!entropy.epoch)
        return;
    epoch = entropy.epoch(entropy.epoch_arg);
    if (epoch != entropy.seen)
        entropy_renew();
    entropy.seen = epoch;
}

void entropy_fill(void *buf, size_t len)
{
    heed_epoch();
    entropy_draw(&entropy.rng, buf, len);
}

void entropy_seed(struct rng *r)
{
    uint8_t seed[32];

    entropy_fill(seed, sizeof seed);
    rng_mix(r, seed, sizeof seed);
    memset(seed, 0, sizeof seed);
    __asm__ volatile("" : : "r"(seed) : "memory");
    if (entropy.rng.seeded)
        rng_ready(r);
}

void entropy_mix(const void *data, size_t len)
{
    rng_mix(&entropy.rng, data, len);
}

void entropy_device(const uint8_t *bytes, size_t len)
{
    entropy.device.present = true;
    for (size_t i = 0; i < len; i++)
        health_sample(&entropy.device.health, bytes[i]);
    rng_mix(&entropy.rng, bytes, len);
    if (is_healthy(&entropy.device))
        credit((unsigned)len * 4);
}

void entropy_renew(void)
{
    gather(RENEW_SAMPLES);
    rng_mix(&entropy.rng, entropy.noted, sizeof entropy.noted);
}

void entropy_note(uint64_t ticks)
{
    uint64_t *at = &entropy.noted[entropy.note++ % 8];

    *at = (*at << 7 | *at >> 57) ^ ticks;
}

struct entropy_state entropy_state(void)
{
    return (struct entropy_state){
        .bits = entropy.bits,
        .seeded = entropy.rng.seeded,
        .rdseed = is_healthy(&entropy.rdseed),
        .rdrand = is_healthy(&entropy.rdrand),
        .device = is_healthy(&entropy.device),
        .jitter = is_healthy(&entropy.jitter),
    };
}
