/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's clock pairing: the host's time and our counter at one moment. */
#include "drivers/kvm_pairing.h"

#include "arch/cpu.h"
#include "arch/io.h"

/* Linux, include/uapi/linux/kvm_para.h and Documentation/virt/kvm/x86. */
#define KVM_HC_CLOCK_PAIRING        9
#define KVM_CLOCK_PAIRING_WALLCLOCK 0
#define KVM_ENOSYS                  (-1000)
#define KVM_EOPNOTSUPP              (-95)

/* kvm_clock_pairing, by offset. */
#define PAIR_SEC  0
#define PAIR_NSEC 8
#define PAIR_TSC  16

#define NS_PER_S 1000000000u

/* Dates past the year 10000 are none. */
#define SECONDS_MAX 253402300800

/* The two are read within less; so far the host's clock may be trusted. */
#define BOUND_NS 1000000u

static int64_t vmcall(uint64_t number, uint64_t a, uint64_t b)
{
    int64_t result;

    __asm__ volatile("vmcall"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b)
                     : "memory");
    return result;
}

static int64_t vmmcall(uint64_t number, uint64_t a, uint64_t b)
{
    int64_t result;

    __asm__ volatile("vmmcall"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b)
                     : "memory");
    return result;
}

/* The wrong one traps, and KVM would have to mend our text, which is read-only.
 */
static hypercall_fn *instruction(void)
{
    struct cpuid vendor = cpuid(0, 0);
    bool amd = vendor.ebx == 0x68747541;   /* "Auth", enticAMD */
    bool hygon = vendor.ebx == 0x6f677948; /* "Hygo", nGenuine */

    return amd || hygon ? vmmcall : vmcall;
}

static bool probe(const struct refclock_machine *machine)
{
    (void)machine;
    return cpuid_hypervisor("KVMKVMKVM\0\0") != 0;
}

static int64_t pair(struct kvm_pairing *k)
{
    for (size_t at = 0; at < sizeof(k->page); at++)
        k->page[at] = 0;
    return k->call(KVM_HC_CLOCK_PAIRING, (uintptr_t)k->page,
                   KVM_CLOCK_PAIRING_WALLCLOCK);
}

static bool attach(struct refclock *clock,
                   const struct refclock_machine *machine)
{
    struct kvm_pairing *k = clock->state;

    (void)machine;
    if (!k->call)
        k->call = instruction();
    if (pair(k) == KVM_ENOSYS)
        return refclock_fail(clock, "the host knows of no clock pairing");
    return true;
}

static bool sample(struct refclock *clock, struct refclock_sample *sample)
{
    struct kvm_pairing *k = clock->state;
    int64_t result = pair(k);
    int64_t seconds = (int64_t)mmio_read64(k->page + PAIR_SEC);
    uint64_t nanoseconds = mmio_read64(k->page + PAIR_NSEC);

    if (result == KVM_EOPNOTSUPP)
        return refclock_fail(clock, "the host's own clock is not its TSC");
    if (result != 0)
        return refclock_fail(clock, "the host refuses clock pairing");
    if (seconds <= 0 || seconds >= SECONDS_MAX || nanoseconds >= NS_PER_S)
        return refclock_fail(clock, "the host gives no date");
    sample->ticks = mmio_read64(k->page + PAIR_TSC);
    sample->seconds = seconds;
    sample->nanoseconds = (uint32_t)nanoseconds;
    sample->bound_ns = BOUND_NS;
    clock->failed = NULL;
    return true;
}

const struct refclock_driver kvm_pairing_driver = {.name = "KVM clock pairing",
                                                   .probe = probe,
                                                   .attach = attach,
                                                   .sample = sample};
