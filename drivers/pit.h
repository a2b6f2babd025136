/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8254 interval timer's third channel, to measure the counter by. */
#ifndef DRIVERS_PIT_H
#define DRIVERS_PIT_H

#include "arch/tsc.h"

/*
 * Let channel 2 run freely, without interrupts and without the speaker, and
 * describe it as a reference.
 *
 * Returns false where the channel does not count.
 * Level: boot.
 */
bool pit_attach(struct counter_reference *ref);

#endif
