/* SPDX-License-Identifier: BSD-2-Clause */
/* Counter value into time: a line, published to interrupt level. */
#include "ntp/clock.h"

/*
 * A line crosses levels word by word, so that no compiler and no processor
 * makes one access of two, or two of one; `seq` says whether the words belong
 * together.  Written out, since every reply waits for it.
 */
typedef uint64_t __attribute__((may_alias)) word;

#define EACH_WORD(X)                                                           \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)
#define COUNT_WORD(i) +1
#define PUT_WORD(i)   __atomic_store_n(to + (i), from[i], __ATOMIC_RELAXED);
#define GET_WORD(i)   to[i] = __atomic_load_n(from + (i), __ATOMIC_RELAXED);
_Static_assert(sizeof(struct clock_line) ==
                   (0 EACH_WORD(COUNT_WORD)) * sizeof(word),
               "a line is these words");

#define SECOND ((ntp_span)1 << 64)
#define DAY    (86400 * SECOND)

/* Dispersion is not reckoned further than this: it is far past any limit. */
#define DISPERSION_AGE_MAX ((ntp_span)1 << (64 + 28))

static bool is_lost(uint32_t epoch, uint32_t lost)
{
    return (int32_t)(epoch - lost) <= 0;
}

void clock_publish(struct clock *c, const struct clock_line *line)
{
    uint32_t seq = atomic_load_explicit(&c->seq, memory_order_relaxed) + 1;
    word *to = (word *)&c->slot[seq & 1];
    const word *from = (const word *)line;

    /* A reader that still copies this slot, two lines old, must see the `seq`
     * that followed it no later than the words written below. */
    atomic_thread_fence(memory_order_release);
    EACH_WORD(PUT_WORD)
    /* Orders the words above before `seq`. */
    atomic_store_explicit(&c->seq, seq, memory_order_release);
}

struct clock_line clock_read(const struct clock *c)
{
    struct clock_line line;
    word *to = (word *)&line;
    uint32_t seq;

    do {
        seq = atomic_load_explicit(&c->seq, memory_order_acquire);
        const word *from = (const word *)&c->slot[seq & 1];
        EACH_WORD(GET_WORD)
        /* Orders the words above before the second look at `seq`. */
        atomic_thread_fence(memory_order_acquire);
    } while (atomic_load_explicit(&c->seq, memory_order_relaxed) != seq);

    if (is_lost(line.epoch,
                atomic_load_explicit(&c->lost, memory_order_acquire))) {
        line.leap = LEAP_UNKNOWN;
        line.stratum = 0;
    }
    return line;
}

void clock_disown(struct clock *c)
{
    atomic_fetch_add_explicit(&c->lost, 1, memory_order_acq_rel);
}

uint32_t clock_losses(const struct clock *c)
{
    return atomic_load_explicit(&c->lost, memory_order_acquire);
}

/* Time along the line for `ticks`, which may be negative. */
static ntp_span along(int64_t ticks, uint64_t rate)
{
    /* 64 x 64 bits cannot overflow 128; the shift leaves units of 2^-64 s. */
    return ((ntp_span)ticks * (ntp_span)rate) >> 16;
}

static ntp_span elapsed(const struct clock_line *line, uint64_t ticks)
{
    int64_t since = (int64_t)(ticks - line->base_ticks);
    int64_t slew = (int64_t)(line->slew_end_ticks - line->base_ticks);

    if (since <= slew)
        return along(since, line->rate);
    if (slew < 0)
        slew = 0;
    return along(slew, line->rate) + along(since - slew, line->rate_after);
}

ntp_date clock_unleapt(const struct clock_line *line, uint64_t ticks)
{
    return line->base_date + elapsed(line, ticks);
}

/*
 * The second that is inserted bears the name of the one before it, which is
 * what NTP can say of it; the second that is deleted is skipped.
 */
static ntp_date leap_over(const struct clock_line *line, ntp_date date)
{
    if (line->leap == LEAP_INSERT && date >= line->leap_date)
        return date - SECOND;
    if (line->leap == LEAP_DELETE && date >= line->leap_date - SECOND)
        return date + SECOND;
    return date;
}

ntp_date clock_at(const struct clock_line *line, uint64_t ticks)
{
    return leap_over(line, clock_unleapt(line, ticks));
}

static ntp_short dispersion_at(const struct clock_line *line, ntp_span age)
{
    if (age < 0)
        age = 0;
    if (age > DISPERSION_AGE_MAX)
        age = DISPERSION_AGE_MAX;

    /* 2^-64 s, each product rounded up: 60 + 32 bits and 64 bits. */
    ntp_span grown = (age >> 32) * line->dispersion_rate + ((ntp_span)1 << 32);

    /* 28 + 32 + 1 bits of seconds, and no sum near 2^127. */
    return ntp_short_from_span(((ntp_span)line->root_dispersion << 32) + grown);
}

struct clock_status clock_status(const struct clock_line *line, uint64_t ticks)
{
    ntp_span age = elapsed(line, ticks);
    ntp_date date = leap_over(line, line->base_date + age);
    struct clock_status s = {
        .leap = line->leap,
        .stratum = line->stratum,
        .root_delay = line->root_delay,
        .root_dispersion = dispersion_at(line, age),
        .reference_id = line->reference_id,
        .reference_ts = line->reference_ts,
    };

    if (line->leap == LEAP_UNKNOWN || line->stratum == 0 ||
        (int64_t)(ticks - line->expiry_ticks) >= 0) {
        s.leap = LEAP_UNKNOWN;
        s.stratum = 0;
        s.reference_id = 0; /* with stratum 0 it would be a kiss code */
    } else if (date >= line->leap_date || date < line->leap_date - DAY) {
        /* It warns of the end of the current day only; RFC 5905, 7.3. */
        s.leap = LEAP_NONE;
    }
    return s;
}
