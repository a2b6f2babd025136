/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's paravirtual clock: how fast the counter runs, and the host's time. */
#include "drivers/kvmclock.h"

#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/irq.h"

#include <stddef.h>

__extension__ typedef unsigned __int128 u128;

/* Linux, Documentation/virt/kvm/x86/{cpuid,msr}.rst. */
#define KVM_FEATURES         1 /* leaf, from the base */
#define FEATURE_CLOCKSOURCE  (1u << 0)
#define FEATURE_CLOCKSOURCE2 (1u << 3)
#define MSR_KVM_WALL_CLOCK   0x11
#define MSR_KVM_SYSTEM_TIME  0x12
#define MSR_KVM_WALL_CLOCK2  0x4b564d00
#define MSR_KVM_SYSTEM_TIME2 0x4b564d01
#define SYSTEM_TIME_ENABLE   1u

/* pvclock_vcpu_time_info and pvclock_wall_clock, by offset. */
#define TIME_VERSION   0
#define TIME_TSC       8
#define TIME_SYSTEM_NS 16
#define TIME_MUL       24
#define TIME_SHIFT     28
#define TIME_FLAGS     29
#define WALL_VERSION   0
#define WALL_SEC       4
#define WALL_NSEC      8

#define TRIES     1000 /* the host writes within a microsecond */
#define SHIFT_MAX 31
#define NS_PER_S  1000000000u

/* Reading, and the host's own clock between two of its updates. */
#define BOUND_NS 1000000u

/* What the host steers its clock by, and more. */
#define STEERED_PPM 100
#define KEPT_UP_NS  1000000

/* What the host says of now. */
struct page {
    uint64_t tsc;
    uint64_t system_ns;
    uint32_t mul;
    int8_t shift;
};

/* The version is odd while the host writes; each read is of what it wrote. */
static bool read_page(const struct kvmclock *k, struct page *p)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t version = mmio_read32(k->time + TIME_VERSION);

        p->tsc = mmio_read64(k->time + TIME_TSC);
        p->system_ns = mmio_read64(k->time + TIME_SYSTEM_NS);
        p->mul = mmio_read32(k->time + TIME_MUL);
        p->shift = (int8_t)mmio_read8(k->time + TIME_SHIFT);
        if (version % 2 == 0 && version != 0 &&
            mmio_read32(k->time + TIME_VERSION) == version)
            return p->mul != 0 && p->shift >= -SHIFT_MAX &&
                   p->shift <= SHIFT_MAX;
        cpu_relax();
    }
    return false;
}

static uint64_t ns_at(const struct page *p, uint64_t ticks)
{
    uint64_t elapsed = ticks > p->tsc ? ticks - p->tsc : 0;

    if (p->shift < 0)
        elapsed >>= -p->shift;
    else
        elapsed <<= p->shift;
    return p->system_ns + (uint64_t)((u128)elapsed * p->mul >> 32);
}

/* 10^9 * 2^32 / mul * 2^-shift. */
static uint64_t hz_of(const struct page *p)
{
    u128 hz = ((u128)NS_PER_S << 64) / p->mul;

    return (uint64_t)(hz >> (32 + p->shift));
}

/* The wall clock when system time was zero; filled when it is asked for. */
static bool read_wall(struct kvmclock *k, uint64_t *ns)
{
    msr_write(k->wall_msr, (uintptr_t)k->wall);
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t version = mmio_read32(k->wall + WALL_VERSION);
        uint32_t sec = mmio_read32(k->wall + WALL_SEC);
        uint32_t nsec = mmio_read32(k->wall + WALL_NSEC);

        if (version % 2 == 0 && version != 0 &&
            mmio_read32(k->wall + WALL_VERSION) == version) {
            *ns = (uint64_t)sec * NS_PER_S + nsec;
            return nsec < NS_PER_S && sec != 0;
        }
        cpu_relax();
    }
    return false;
}

static uint32_t features(void)
{
    uint32_t base = cpuid_hypervisor("KVMKVMKVM\0\0");

    return base != 0 ? cpuid(base + KVM_FEATURES, 0).eax : 0;
}

static bool probe(const struct refclock_machine *machine)
{
    (void)machine;
    return features() & (FEATURE_CLOCKSOURCE | FEATURE_CLOCKSOURCE2);
}

static bool attach(struct refclock *clock,
                   const struct refclock_machine *machine)
{
    struct kvmclock *k = clock->state;
    bool newer = features() & FEATURE_CLOCKSOURCE2;
    struct page page;

    (void)machine;
    k->time_msr = newer ? MSR_KVM_SYSTEM_TIME2 : MSR_KVM_SYSTEM_TIME;
    k->wall_msr = newer ? MSR_KVM_WALL_CLOCK2 : MSR_KVM_WALL_CLOCK;
    msr_write(k->time_msr, (uintptr_t)k->time | SYSTEM_TIME_ENABLE);
    if (!read_page(k, &page))
        return refclock_fail(clock, "the host fills no time page");
    k->hz = hz_of(&page);
    return true;
}

/* The host's time, ns since 1970, and the counter then; or what is wrong. */
static const char *read_time(struct kvmclock *k, uint64_t *ns, uint64_t *ticks)
{
    struct page page;
    uint64_t wall_ns;

    if (!read_wall(k, &wall_ns))
        return "the host gives no wall clock";
    if (!read_page(k, &page))
        return "the host's time page is not usable";
    *ticks = counter_read();
    *ns = wall_ns + ns_at(&page, *ticks);
    return NULL;
}

static bool sample(struct refclock *clock, struct refclock_sample *sample)
{
    uint64_t ns;
    const char *wrong = read_time(clock->state, &ns, &sample->ticks);

    if (wrong != NULL)
        return refclock_fail(clock, wrong);

    sample->seconds = (int64_t)(ns / NS_PER_S);
    sample->nanoseconds = (uint32_t)(ns % NS_PER_S);
    sample->bound_ns = BOUND_NS;
    clock->failed = NULL;
    return true;
}

const struct refclock_driver kvmclock_driver = {
    .name = "kvm-clock", .probe = probe, .attach = attach, .sample = sample};

uint64_t kvmclock_hz(const struct kvmclock *k)
{
    struct page page;

    return read_page(k, &page) ? hz_of(&page) : 0;
}

/* The watch. */

volatile uint8_t *kvmclock_flags(struct kvmclock *k)
{
    return k->time + TIME_FLAGS;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

bool kvmclock_changed(struct kvmclock *k)
{
    uint64_t before_ns = k->last_ns;
    uint64_t before_hz = k->hz;
    struct page page;

    if (!read_page(k, &page))
        return false;
    k->hz = hz_of(&page);
    k->last_ns = ns_at(&page, counter_read());
    return k->last_ns < before_ns ||
           apart(k->hz, before_hz) > before_hz / 1000000 * STEERED_PPM;
}

/* Interrupt level may ask at any moment: it gets one anchor or the other. */
void kvmclock_anchor(struct kvmclock *k)
{
    uint64_t flags = irq_save();
    uint64_t ns = 0, ticks = 0;
    bool known = read_time(k, &ns, &ticks) == NULL;

    if (!known || (mmio_read8(k->time + TIME_FLAGS) & KVMCLOCK_STOPPED) == 0) {
        k->anchored = known;
        k->anchor_ns = ns;
        k->anchor_ticks = ticks;
    }
    irq_restore(flags);
}

bool kvmclock_kept_up(struct kvmclock *k, uint64_t ticks_per_s)
{
    uint64_t ns, ticks;

    if (!k->anchored || read_time(k, &ns, &ticks) != NULL ||
        ns < k->anchor_ns || ticks < k->anchor_ticks)
        return false;

    uint64_t by_host = ns - k->anchor_ns;
    u128 by_us = (u128)(ticks - k->anchor_ticks) * NS_PER_S / ticks_per_s;

    return by_us <= UINT64_MAX &&
           apart(by_host, (uint64_t)by_us) <=
               KEPT_UP_NS + by_host / 1000000 * STEERED_PPM;
}
