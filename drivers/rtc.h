/* SPDX-License-Identifier: BSD-2-Clause */
/* The CMOS real-time clock, MC146818 and all that came after. */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include "drivers/refclock.h"
#include "drivers/rtc_edge.h"

/* `state` of its refclock. */
struct rtc {
    uint8_t century; /* index of the century's byte, or 0 */
    uint8_t b;       /* register B, when it was attached */
    struct rtc_edge edge;
};

/*
 * UTC, of a clock that shows seconds, and may have been set to the second (QEMU
 * does that: its seconds begin when the machine was started) or to its fraction
 * as well.  Without `ticks_per_s`, the reading is made at once, and bounded by
 * 1 s.  Else it is one of the moment when a second begins, known to some
 * milliseconds, and bounded by them and half a second.
 * Dates from 2000 to 2199, if the century is kept, else to 2099.
 * Takes at most some milliseconds.  Level: boot, background.
 */
extern const struct refclock_driver rtc_driver;

/*
 * Readings that wait for no update, for who reads more than once and can bear
 * with values of the second before or of two seconds.  Dates need the clock to
 * be attached.  False: what it shows is no time.
 * Level: interrupt, or background with interrupts off.
 */
bool rtc_read(const struct rtc *rtc, int64_t *seconds);

/* Only the second of the day, and the day as it is shown.  Level: as
 * rtc_read(). */
bool rtc_glance(const struct rtc *rtc, int32_t *second_of_day, uint8_t *day);

/* Only the second, as it is shown.  Level: as rtc_read(). */
uint8_t rtc_second(void);

/* The registers, as they were read. */
struct rtc_registers {
    uint8_t second, minute, hour, day, month, year;
    uint8_t century; /* 0: not known */
    uint8_t b;       /* register B: the format of these */
};

/*
 * Registers into seconds since 1970.  Returns NULL when done, else what is
 * wrong with them; `seconds` is written only when done.
 * Level: any.
 */
const char *rtc_decode(const struct rtc_registers *r, int64_t *seconds);

#endif
