/* SPDX-License-Identifier: BSD-2-Clause */
/* VMware's backdoor: the host's time. */
#include "drivers/vmware.h"

#include "arch/cpu.h"

#include <stddef.h>

/* open-vm-tools, lib/include/backdoor_def.h. */
#define BACKDOOR_MAGIC 0x564d5868u
#define BACKDOOR_PORT  0x5658

#define CMD_GETVERSION           10
#define CMD_GETTIME              23
#define CMD_GETTIMEFULL          46
#define CMD_GETTIMEFULL_WITH_LAG 55

#define NOTHING UINT32_MAX /* what a port reads where nobody listens */

#define US_PER_S  1000000u
#define NS_PER_US 1000u

/* Dates past the year 10000 are none. */
#define SECONDS_MAX 253402300800

/* Its resolution, and so far the host's clock may be trusted. */
#define BOUND_NS 1001000u

static void backdoor(struct vmware_registers *r)
{
    __asm__ volatile("inl %%dx, %%eax"
                     : "+a"(r->eax), "+b"(r->ebx), "+c"(r->ecx), "+d"(r->edx),
                       "+S"(r->esi), "+D"(r->edi)
                     :
                     : "memory");
}

static struct vmware_registers ask(const struct vmware *v, uint16_t command)
{
    struct vmware_registers r = {
        .eax = BACKDOOR_MAGIC, .ecx = command, .edx = BACKDOOR_PORT};

    v->call(&r);
    return r;
}

/* On other machines the port is somebody else's, or faults. */
static bool probe(const struct refclock_machine *machine)
{
    (void)machine;
    return cpuid_hypervisor("VMwareVMware") != 0;
}

/* What the host said of now. */
struct told {
    int64_t seconds;
    uint32_t us;
    uint32_t lag_us;
};

/* Does it answer to that command, and what? */
static bool get(const struct vmware *v, uint16_t command, struct told *t)
{
    struct vmware_registers r = ask(v, command);

    if (command == CMD_GETTIME)
        t->seconds = r.eax;
    else
        t->seconds = (int64_t)((uint64_t)r.esi << 32 | r.edx);
    t->us = r.ebx;
    t->lag_us = r.ecx;
    return command == CMD_GETTIME ? r.eax != NOTHING : r.eax == BACKDOOR_MAGIC;
}

static bool attach(struct refclock *clock,
                   const struct refclock_machine *machine)
{
    static const uint16_t commands[] = {CMD_GETTIMEFULL_WITH_LAG,
                                        CMD_GETTIMEFULL, CMD_GETTIME};
    struct vmware *v = clock->state;
    struct told t;

    (void)machine;
    if (!v->call)
        v->call = backdoor;
    struct vmware_registers r = ask(v, CMD_GETVERSION);
    if (r.ebx != BACKDOOR_MAGIC || r.eax == NOTHING)
        return refclock_fail(clock, "its backdoor is closed");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        v->command = commands[i];
        if (get(v, commands[i], &t))
            return true;
    }
    return refclock_fail(clock, "its backdoor does not tell the time");
}

static bool sample(struct refclock *clock, struct refclock_sample *sample)
{
    const struct vmware *v = clock->state;
    struct told t;
    uint64_t before = counter_read();
    bool done = get(v, v->command, &t);
    uint64_t after = counter_read();

    if (!done)
        return refclock_fail(clock, "its backdoor does not tell the time");
    if (t.seconds <= 0 || t.seconds >= SECONDS_MAX || t.us >= US_PER_S)
        return refclock_fail(clock, "the host gives no date");
    sample->bound_ticks = (after - before + 1) / 2;
    sample->ticks = before + (after - before) / 2;
    sample->seconds = t.seconds;
    sample->nanoseconds = t.us * NS_PER_US;
    sample->bound_ns = (uint64_t)t.lag_us * NS_PER_US + BOUND_NS;
    clock->failed = NULL;
    return true;
}

const struct refclock_driver vmware_driver = {
    .name = "VMware", .probe = probe, .attach = attach, .sample = sample};
