/* SPDX-License-Identifier: BSD-2-Clause */
/* vmclock: a page in which the hypervisor keeps the time, by our counter. */
#include "drivers/vmclock.h"

#include "arch/cpu.h"
#include "arch/io.h"

__extension__ typedef __int128 i128;

/* Linux, include/uapi/linux/vmclock-abi.h: the page, by offset. */
#define AT_MAGIC          0
#define AT_SIZE           4
#define AT_VERSION        8
#define AT_COUNTER_ID     10
#define AT_TIME_TYPE      11
#define AT_SEQ_COUNT      12
#define AT_FLAGS          24
#define AT_CLOCK_STATUS   34
#define AT_TAI_OFFSET     36
#define AT_LEAP           38
#define AT_PERIOD_SHIFT   39
#define AT_COUNTER_VALUE  40
#define AT_PERIOD         48
#define AT_PERIOD_ERROR   64
#define AT_TIME_SEC       72
#define AT_TIME_FRACTION  80
#define AT_TIME_MAX_ERROR 96
#define TIME_END          104 /* a page that is shorter has no time */

#define MAGIC              0x4b4c4356u /* "VCLK" */
#define VERSION            1
#define COUNTER_X86_TSC    1
#define TIME_UTC           0
#define TIME_TAI           1
#define STATUS_SYNCED      2
#define STATUS_FREERUN     3
#define STATUS_UNRELIABLE  4
#define LEAP_PRE_POSITIVE  1
#define LEAP_PRE_NEGATIVE  2
#define LEAP_IN_IT         3
#define TAI_OFFSET_VALID   (1u << 0)
#define PERIOD_ERROR_VALID (1u << 4)
#define TIME_ERROR_VALID   (1u << 6)

/* The host writes within microseconds; one that is paused amid it does not
 * make us wait. */
#define TRIES 20000

/* Dates past the year 10000, and errors past a day, are none. */
#define SECONDS_MAX 253402300800u
#define ERROR_MAX   86400000000000u
#define SHIFT_MAX   63

/* TAI was 10 s ahead of UTC in 1972, when that was first a whole number. */
#define TAI_OFFSET_MIN 10
#define TAI_OFFSET_MAX 999

#define ELAPSED_MAX (INT64_MAX / 2)

/* Of a counter whose error the host does not state; RFC 5905's PHI. */
#define PHI_PPM 15

#define NS_PER_S 1000000000u

/* A period error too large for any clock: one part in a thousand. */
#define PERIOD_ERROR_MOST(period) ((period) / 1000)

static uint8_t u8_at(struct view page, size_t offset)
{
    page = view_from(page, offset);
    return view_u8(&page);
}

static uint64_t u64_at(struct view page, size_t offset)
{
    page = view_from(page, offset);
    return view_le64(&page);
}

static uint32_t u32_at(struct view page, size_t offset)
{
    page = view_from(page, offset);
    return view_le32(&page);
}

/* What is said of the page as a whole. */
static const char *check_header(struct view page)
{
    struct view version = view_from(page, AT_VERSION);

    if (page.left < VMCLOCK_BYTES - 8 || u32_at(page, AT_MAGIC) != MAGIC)
        return "no vmclock page";
    if (view_le16(&version) != VERSION)
        return "its page is of another version";
    if (u32_at(page, AT_SIZE) < TIME_END ||
        u8_at(page, AT_COUNTER_ID) != COUNTER_X86_TSC)
        return "it tells of disruptions only, not of time";
    return NULL;
}

/* By how much it is ahead of UTC at its reference time, s; below 0: that is not
 * known.  UAPI.13: the offset of TAI, 37 since 2017. */
static int ahead_of_utc(struct view page)
{
    struct view at = view_from(page, AT_TAI_OFFSET);
    unsigned offset = view_le16(&at);

    if (u8_at(page, AT_TIME_TYPE) == TIME_UTC)
        return 0;
    if (!(u64_at(page, AT_FLAGS) & TAI_OFFSET_VALID) ||
        offset < TAI_OFFSET_MIN || offset > TAI_OFFSET_MAX)
        return -1;
    return (int)offset;
}

/* What is said of the clock behind it. */
static const char *check_clock(struct view page)
{
    uint8_t status = u8_at(page, AT_CLOCK_STATUS);
    uint8_t type = u8_at(page, AT_TIME_TYPE);

    if (status == STATUS_UNRELIABLE)
        return "the host says that it is unreliable";
    if (status != STATUS_SYNCED && status != STATUS_FREERUN)
        return "the host does not say that it is synchronised";
    if (type != TIME_UTC && type != TIME_TAI)
        return "it is smeared, or no time of day";
    if (ahead_of_utc(page) < 0)
        return "it is TAI, and its offset from UTC is not said";
    if (u8_at(page, AT_LEAP) == LEAP_IN_IT)
        return "it is in a leap second";
    if (!(u64_at(page, AT_FLAGS) & TIME_ERROR_VALID))
        return "the host states no largest error";
    return NULL;
}

static int8_t leap_of(struct view page)
{
    uint8_t indicator = u8_at(page, AT_LEAP);

    return (int8_t)((indicator == LEAP_PRE_POSITIVE) -
                    (indicator == LEAP_PRE_NEGATIVE));
}

const char *vmclock_parse(struct view page, struct vmclock_time *t)
{
    const char *wrong = check_header(page);

    if (!wrong)
        wrong = check_clock(page);
    if (wrong)
        return wrong;

    unsigned ahead = (unsigned)ahead_of_utc(page);
    bool stated = u64_at(page, AT_FLAGS) & PERIOD_ERROR_VALID;
    struct vmclock_time told = {
        .counter = u64_at(page, AT_COUNTER_VALUE),
        .seconds = u64_at(page, AT_TIME_SEC),
        .fraction = u64_at(page, AT_TIME_FRACTION),
        .period = u64_at(page, AT_PERIOD),
        .period_error = stated ? u64_at(page, AT_PERIOD_ERROR) : 0,
        .period_shift = u8_at(page, AT_PERIOD_SHIFT),
        .error_ns = u64_at(page, AT_TIME_MAX_ERROR),
        .leap = leap_of(page),
    };

    if (told.period == 0 || told.period_shift > SHIFT_MAX)
        return "its counter has no rate";
    if (told.seconds >= SECONDS_MAX || told.seconds < ahead)
        return "no date";
    told.seconds -= ahead;
    if (!stated)
        told.period_error = told.period / 1000000 * PHI_PPM;
    if (told.error_ns > ERROR_MAX ||
        told.period_error > PERIOD_ERROR_MOST(told.period))
        return "the error that the host states is huge";
    *t = told;
    return NULL;
}

/* Ticks of that length, as 2^-64 s. */
static i128 span(const struct vmclock_time *t, int64_t ticks, uint64_t length)
{
    return (i128)ticks * (i128)length >> t->period_shift;
}

const char *vmclock_at(const struct vmclock_time *t, uint64_t ticks,
                       struct refclock_sample *sample)
{
    int64_t elapsed = (int64_t)(ticks - t->counter);

    if (elapsed > ELAPSED_MAX || elapsed < -ELAPSED_MAX)
        return "its counter is not ours";

    i128 since = span(t, elapsed, t->period);
    i128 error = span(t, elapsed < 0 ? -elapsed : elapsed, t->period_error);
    i128 fraction = (i128)t->fraction + since;
    int64_t whole = (int64_t)(fraction >> 64);
    i128 seconds = (i128)t->seconds + (fraction >> 64);

    if ((fraction >> 64) != whole || seconds < 0 || seconds >= SECONDS_MAX ||
        error >> 64 >= ERROR_MAX / NS_PER_S)
        return "its counter is not ours";
    sample->ticks = ticks;
    sample->seconds = (int64_t)seconds;
    sample->nanoseconds =
        (uint32_t)((((uint64_t)fraction >> 32) * NS_PER_S) >> 32);
    /* Rounded up, and by the nanosecond that was cut off above. */
    sample->bound_ns =
        t->error_ns + (uint64_t)((error >> 32) * NS_PER_S >> 32) + 2;
    sample->bound_ticks = 0;
    sample->leap = t->leap;
    sample->leap_from = (int64_t)t->seconds;
    return NULL;
}

static bool probe(const struct refclock_machine *machine)
{
    struct vmclock_place place;

    return machine->acpi && vmclock_page(machine->acpi, &place);
}

static bool attach(struct refclock *clock,
                   const struct refclock_machine *machine)
{
    struct vmclock *v = clock->state;

    if (!machine->acpi || !vmclock_page(machine->acpi, &v->place))
        return refclock_fail(clock, "there is none");
    return true;
}

static uint32_t sequence(const struct vmclock *v)
{
    return mmio_read32(v->place.page + AT_SEQ_COUNT);
}

/* The page between two equal, even sequence counts, and the counter then. */
static bool read_page(const struct vmclock *v, uint8_t *bytes, size_t len,
                      uint64_t *ticks)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t before = sequence(v);

        for (size_t at = 0; at < len; at += 4) {
            uint32_t word = mmio_read32(v->place.page + at);
            for (unsigned b = 0; b < 4; b++)
                bytes[at + b] = (uint8_t)(word >> 8 * b);
        }
        *ticks = counter_read();
        if (before % 2 == 0 && sequence(v) == before)
            return true;
        cpu_relax();
    }
    return false;
}

static bool sample(struct refclock *clock, struct refclock_sample *sample)
{
    const struct vmclock *v = clock->state;
    uint8_t bytes[VMCLOCK_BYTES];
    size_t len = v->place.bytes & ~(size_t)3;
    struct vmclock_time t;
    uint64_t ticks;

    if (len > sizeof(bytes))
        len = sizeof(bytes);
    if (!read_page(v, bytes, len, &ticks))
        return refclock_fail(clock, "the host never finishes its page");
    clock->failed = vmclock_parse(view_of(bytes, len), &t);
    if (!clock->failed)
        clock->failed = vmclock_at(&t, ticks, sample);
    return clock->failed == NULL;
}

const struct refclock_driver vmclock_driver = {
    .name = "vmclock", .probe = probe, .attach = attach, .sample = sample};
