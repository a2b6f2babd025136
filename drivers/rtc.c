/* SPDX-License-Identifier: BSD-2-Clause */
/* The CMOS real-time clock, MC146818 and all that came after. */
#include "drivers/rtc.h"

#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/irq.h"

#define RTC_INDEX 0x70 /* bit 7 would mask NMI */
#define RTC_DATA  0x71

/* Registers, MC146818 data sheet. */
#define RTC_SECOND 0x00
#define RTC_MINUTE 0x02
#define RTC_HOUR   0x04
#define RTC_DAY    0x07
#define RTC_MONTH  0x08
#define RTC_YEAR   0x09
#define RTC_A      0x0a
#define RTC_B      0x0b

/* Where nearly all keep the century, said by the FADT or not. */
#define RTC_CENTURY 0x32
#define CMOS_LEN    0x80

#define A_UIP 0x80u /* the next 2.2 ms may change all of it */
#define B_SET 0x80u /* stopped, to be set */
#define B_DM  0x04u /* binary, else BCD */
#define B_24  0x02u
#define PM    0x80u

#define CENTURY_MIN 20
#define CENTURY_MAX 21

#define UPDATE_POLLS 5000 /* of UIP, each of 0.6 us or more */
#define READ_TRIES   8
#define NS_PER_S     1000000000u

/* Interrupt level has a look at it as well. */
static uint8_t cmos_read(uint8_t index)
{
    uint64_t flags = irq_save();
    uint8_t value;

    out8(RTC_INDEX, index);
    value = in8(RTC_DATA);
    irq_restore(flags);
    return value;
}

/* Decoding. */

static bool digits(uint8_t byte, bool binary, uint8_t *value)
{
    *value = byte;
    if (binary)
        return true;
    *value = (uint8_t)((byte >> 4) * 10 + (byte & 15));
    return byte >> 4 <= 9 && (byte & 15) <= 9;
}

static bool decode_hour(const struct rtc_registers *r, uint8_t *hour)
{
    bool binary = r->b & B_DM;

    if (r->b & B_24)
        return digits(r->hour, binary, hour) && *hour <= 23;
    if (!digits((uint8_t)(r->hour & ~PM), binary, hour) || *hour < 1 ||
        *hour > 12)
        return false;
    *hour = (uint8_t)(*hour % 12 + (r->hour & PM ? 12 : 0));
    return true;
}

/* A byte that is no century is taken as none: few clocks really keep one. */
static unsigned decode_century(const struct rtc_registers *r)
{
    uint8_t century;

    if (!digits(r->century, r->b & B_DM, &century) || century < CENTURY_MIN ||
        century > CENTURY_MAX)
        return CENTURY_MIN;
    return century;
}

static bool is_leap_year(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap_year(year) ? 1u : 0u);
}

/* Since 1970-01-01. */
static int64_t days_before(unsigned year, unsigned month)
{
    unsigned past = year - 1;
    int64_t days = 365 * (int64_t)(year - 1970) + past / 4 - past / 100 +
                   past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);

    for (unsigned m = 1; m < month; m++)
        days += days_in_month(year, m);
    return days;
}

const char *rtc_decode(const struct rtc_registers *r, int64_t *seconds)
{
    uint8_t second, minute, hour, day, month, year;
    bool binary = r->b & B_DM;

    if (r->b & B_SET)
        return "it is stopped (register B, bit 7)";
    if (!digits(r->second, binary, &second) || second > 59)
        return "second out of range";
    if (!digits(r->minute, binary, &minute) || minute > 59)
        return "minute out of range";
    if (!decode_hour(r, &hour))
        return "hour out of range";
    if (!digits(r->month, binary, &month) || month < 1 || month > 12)
        return "month out of range";
    if (!digits(r->year, binary, &year) || year > 99)
        return "year out of range";

    unsigned full = decode_century(r) * 100 + year;

    if (!digits(r->day, binary, &day) || day < 1 ||
        day > days_in_month(full, month))
        return "day out of range";
    *seconds = ((days_before(full, month) + day - 1) * 24 + hour) * 3600 +
               minute * 60 + second;
    return NULL;
}

/* Reading. */

static struct rtc_registers read_registers(uint8_t century)
{
    return (struct rtc_registers){
        .second = cmos_read(RTC_SECOND),
        .minute = cmos_read(RTC_MINUTE),
        .hour = cmos_read(RTC_HOUR),
        .day = cmos_read(RTC_DAY),
        .month = cmos_read(RTC_MONTH),
        .year = cmos_read(RTC_YEAR),
        .century = century != 0 ? cmos_read(century) : 0,
        .b = cmos_read(RTC_B),
    };
}

static bool same(const struct rtc_registers *a, const struct rtc_registers *b)
{
    return a->second == b->second && a->minute == b->minute &&
           a->hour == b->hour && a->day == b->day && a->month == b->month &&
           a->year == b->year && a->century == b->century && a->b == b->b;
}

static bool wait_update(void)
{
    for (unsigned i = 0; i < UPDATE_POLLS; i++)
        if (!(cmos_read(RTC_A) & A_UIP))
            return true;
    return false;
}

static bool probe(const struct refclock_machine *machine)
{
    (void)machine;
    return cmos_read(RTC_A) != 0xff || cmos_read(RTC_B) != 0xff;
}

static bool attach(struct refclock *clock,
                   const struct refclock_machine *machine)
{
    struct rtc *rtc = clock->state;

    rtc->century = machine->rtc_century;
    if (rtc->century <= RTC_B || rtc->century >= CMOS_LEN)
        rtc->century = RTC_CENTURY;
    rtc->b = cmos_read(RTC_B);
    rtc->edge = (struct rtc_edge){.ticks_per_s = machine->ticks_per_s};
    return true;
}

/*
 * Read twice, alike, the flag clear before each: an interrupt of ours or a
 * pause of the virtual machine may have outlasted the 244 us that a clear flag
 * promises.
 */
static bool sample_now(struct refclock *clock, struct refclock_sample *sample)
{
    const struct rtc *rtc = clock->state;

    for (unsigned i = 0; i < READ_TRIES; i++) {
        if (!wait_update())
            return refclock_fail(clock, "its update never ends");

        struct rtc_registers first = read_registers(rtc->century);
        uint64_t ticks = counter_read();

        if (!wait_update())
            return refclock_fail(clock, "its update never ends");

        struct rtc_registers second = read_registers(rtc->century);

        if (!same(&first, &second))
            continue;
        clock->failed = rtc_decode(&first, &sample->seconds);
        if (clock->failed != NULL)
            return false;

        /* From the second shown up to one second more, and its fraction. */
        sample->seconds += 1;
        sample->nanoseconds = 0;
        sample->bound_ns = NS_PER_S;
        sample->ticks = ticks;
        return true;
    }
    return refclock_fail(clock, "no two readings alike");
}

/* The second that is shown.  False while it may be about to change. */
static bool glance(const struct rtc *rtc, uint8_t *second)
{
    return !(cmos_read(RTC_A) & A_UIP) &&
           digits(cmos_read(RTC_SECOND), rtc->b & B_DM, second) && *second < 60;
}

/* The date just after a second has begun, which leaves a whole one for it. */
static bool sample_edge(struct refclock *clock, struct refclock_sample *sample)
{
    const struct rtc *rtc = clock->state;
    struct rtc_registers first = read_registers(rtc->century);
    struct rtc_registers second = read_registers(rtc->century);

    if (!same(&first, &second))
        return refclock_fail(clock, "no two readings alike");
    clock->failed = rtc_decode(&first, &sample->seconds);
    if (clock->failed == NULL && sample->seconds % 60 != rtc->edge.second)
        clock->failed = "the reading was interrupted";
    sample->nanoseconds = NS_PER_S / 2;
    sample->bound_ns = NS_PER_S / 2;
    sample->bound_ticks = rtc->edge.width;
    sample->ticks = rtc->edge.edge_ticks;
    return clock->failed == NULL;
}

/* A look at it each time, until its second changes. */
static bool sample(struct refclock *clock, struct refclock_sample *sample)
{
    struct rtc *rtc = clock->state;
    struct rtc_edge *edge = &rtc->edge;
    uint64_t before = counter_read();
    uint8_t second;

    clock->again_ticks = 0;
    if (edge->ticks_per_s == 0)
        return sample_now(clock, sample);
    if (!edge->looking) {
        clock->again_ticks = rtc_edge_begin(edge, before);
        return false;
    }
    if (glance(rtc, &second) &&
        rtc_edge_see(edge, before, second, counter_read()))
        return sample_edge(clock, sample);
    if (rtc_edge_is_late(edge, before)) {
        edge->looking = false;
        return refclock_fail(clock, "its seconds do not change");
    }
    clock->again_ticks = rtc_edge_again(edge, before);
    return false;
}

static void renew(struct refclock *clock)
{
    struct rtc *rtc = clock->state;

    rtc->edge = (struct rtc_edge){.ticks_per_s = rtc->edge.ticks_per_s};
}

/* Reading without waiting. */

bool rtc_read(const struct rtc *rtc, int64_t *seconds)
{
    struct rtc_registers r = read_registers(rtc->century);

    return rtc_decode(&r, seconds) == NULL;
}

bool rtc_glance(const struct rtc *rtc, int32_t *second_of_day, uint8_t *day)
{
    struct rtc_registers r = {
        .second = cmos_read(RTC_SECOND),
        .minute = cmos_read(RTC_MINUTE),
        .hour = cmos_read(RTC_HOUR),
        .b = rtc->b,
    };
    bool binary = rtc->b & B_DM;
    uint8_t second, minute, hour;

    *day = cmos_read(RTC_DAY);
    if (!digits(r.second, binary, &second) || second > 59 ||
        !digits(r.minute, binary, &minute) || minute > 59 ||
        !decode_hour(&r, &hour))
        return false;
    *second_of_day = (hour * 60 + minute) * 60 + second;
    return true;
}

uint8_t rtc_second(void)
{
    return cmos_read(RTC_SECOND);
}

const struct refclock_driver rtc_driver = {
    .name = "rtc",
    .probe = probe,
    .attach = attach,
    .sample = sample,
    .renew = renew,
};
