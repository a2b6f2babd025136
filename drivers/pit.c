/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8254 interval timer's third channel, to measure the counter by. */
#include "drivers/pit.h"

#include "arch/io.h"

#include <stddef.h>

#define PIT_CHANNEL_2 0x42
#define PIT_CONTROL   0x43
#define SPEAKER       0x61 /* the gate of channel 2, where it has one */
#define SPEAKER_GATE  0x01u
#define SPEAKER_DATA  0x02u

/* Control words, Intel 8254 data sheet. */
#define CHANNEL_2     (2u << 6)
#define COUNTER_LATCH 0u
#define BOTH_BYTES    (3u << 4)
#define MODE_0        0u

/*
 * 1193182 Hz says custom, and QEMU; a third of the NTSC colour carrier,
 * 13.125/11 MHz, is what crystals are made for.  They are 0.15 ppm apart.
 */
#define PERIOD_FS  838095110u
#define PERIOD_PPB 200

#define TRIES 32 /* readings; each takes about a count or more */

static void latch(void *self)
{
    (void)self;
    out8(PIT_CONTROL, CHANNEL_2 | COUNTER_LATCH);
}

/* It counts down, so from 65536 its distance counts up. */
static bool fetch(void *self, uint64_t *count)
{
    (void)self;

    uint16_t low = in8(PIT_CHANNEL_2);
    uint16_t down = (uint16_t)(in8(PIT_CHANNEL_2) << 8 | low);

    *count = (uint16_t)-down;
    return true;
}

/*
 * Mode 0: from 65536 down, and on through 65535 for ever; its output rises
 * once and goes nowhere.  Channel 0 would wake the host for each interrupt,
 * masked or not.
 */
static void start(void)
{
    out8(SPEAKER, (uint8_t)((in8(SPEAKER) & ~SPEAKER_DATA) | SPEAKER_GATE));
    out8(PIT_CONTROL, CHANNEL_2 | BOTH_BYTES | MODE_0);
    out8(PIT_CHANNEL_2, 0);
    out8(PIT_CHANNEL_2, 0);
}

bool pit_attach(struct counter_reference *ref)
{
    uint64_t first, count;

    start();
    latch(NULL);
    fetch(NULL, &first);
    count = first;
    for (unsigned i = 0; i < TRIES && count == first; i++) {
        latch(NULL);
        fetch(NULL, &count);
    }
    if (count == first)
        return false;
    *ref = (struct counter_reference){
        .name = "pit",
        .period_fs = PERIOD_FS,
        .period_ppb = PERIOD_PPB,
        .mask = UINT16_MAX,
        .latch = latch,
        .fetch = fetch,
    };
    return true;
}
