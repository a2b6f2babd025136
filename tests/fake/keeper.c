/* SPDX-License-Identifier: BSD-2-Clause */
/* What the state region asks of the machine beside a disk; a panic fails. */
#include "tests/fake/keeper.h"

#include "arch/entropy.h"
#include "arch/panic.h"
#include "drivers/pci.h"
#include "tests/check.h"
#include "tests/fake/disk.h"
#include "tests/fake/machine.h"

struct fake_keeper fake_keeper;

void panic_set_keeper(void (*fn)(void *arg, const char *text, size_t len),
                      void *arg)
{
    fake_keeper = (struct fake_keeper){fn, arg};
}

void panic(const char *fmt, ...)
{
    fail_msg("panic: %s", fmt);
    abort();
}

int fake_keeper_end(void **state)
{
    struct pci pci;

    (void)state;
    fake_disks_reset(&pci, 0);
    fake_reset();
    return 0;
}

void entropy_mix(const void *bytes, size_t len)
{
    (void)bytes, (void)len;
}

void pci_learn(struct pci_device *dev)
{
    (void)dev;
}
