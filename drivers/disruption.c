/* SPDX-License-Identifier: BSD-2-Clause */
/* The watch: has the virtual machine been paused, copied or taken back? */
#include "drivers/disruption.h"

#include "arch/io.h"
#include "drivers/kvmclock.h"

#include <string.h>

/* Offsets in vmclock's page. */
#define VMCLOCK_SEQ       12
#define VMCLOCK_MARKER    16
#define VMCLOCK_LEN_LEAST 24
#define VMCLOCK_TRIES     16

/*
 * The RTC may be so far from where the counter says that it is.  It shows
 * seconds: what it is ahead is seen to lie in a second, so that a pause of 2 s
 * is always told from none, and an hour's drift of 200 ppm is not told at all.
 */
#define TOLERANCE_MS       750
#define YOUNG_TOLERANCE_MS 250 /* before the first turn of its second */
#define SECOND_MS          1000
#define DAY_MS             86400000

#define READINGS     6    /* of a doubtful RTC, all in all */
#define LOOK_MS      10   /* between two looks with an invariant counter */
#define MIDNIGHT_MS  5000 /* before and after which the day is uncertain */
#define TURN_LOOK_MS 4    /* between two looks for the turn of a second */
#define TURN_WIDE_MS 40   /* an anchor that is no better than that: again */
#define GIVE_UP_MS   3000 /* the second does not turn */
#define RENEW_S      3600
#define RECENT_S     60 /* from one turn that is looked at to the next */
#define SOONER_MS    20 /* the looking begins before it */

/*
 * The RTC leapt, to be told from the drift of the two against each other, and
 * from what lies between reading one and the other.  The least pause of a copy
 * is twice that.
 */
#define LEAP_MS   25
#define DRIFT_PPM 50

#define DISRUPTION_TEXT(id, text) [id] = text,

const char *disruption_text(enum disruption_sign sign)
{
    static const char *const texts[] = {DISRUPTION_SIGNS(DISRUPTION_TEXT)};

    return sign < DISRUPTION_SIGN_COUNT ? texts[sign] : "?";
}

static void notice(struct disruption *d, enum disruption_sign sign,
                   uint64_t now)
{
    if (d->noticed == 0)
        d->notice_ticks = now;
    d->noticed |= 1u << sign;
}

/* Pages that the hypervisor writes. */

/*
 * The marker between two equal sequence numbers.  A host that refreshes its
 * time may be away amid that for longer than we wait: then the marker as it is,
 * since one that changes has changed before we run on.
 */
static void read_marker(const struct vmclock_place *v, uint32_t marker[2])
{
    const volatile uint8_t *page = v->page;

    for (unsigned i = 0; i < VMCLOCK_TRIES; i++) {
        uint32_t seq = mmio_read32(page + VMCLOCK_SEQ);

        marker[0] = mmio_read32(page + VMCLOCK_MARKER);
        marker[1] = mmio_read32(page + VMCLOCK_MARKER + 4);
        if ((seq & 1) == 0 && mmio_read32(page + VMCLOCK_SEQ) == seq)
            return;
    }
}

static bool marker_changed(struct disruption *d)
{
    uint32_t marker[2];

    read_marker(&d->at.vmclock, marker);
    if (marker[0] == d->marker[0] && marker[1] == d->marker[1])
        return false;
    memcpy(d->marker, marker, sizeof(marker));
    return true;
}

static bool id_changed(struct disruption *d)
{
    bool changed = false;

    for (unsigned i = 0; i < GENERATION_ID_LEN / 4; i++) {
        uint32_t word = mmio_read32(d->at.vmgenid.id + 4 * i);

        changed |= word != d->id[i];
        d->id[i] = word;
    }
    return changed;
}

static bool was_stopped(struct disruption *d)
{
    uint8_t flags = mmio_read8(d->at.kvm_flags);

    if ((flags & KVMCLOCK_STOPPED) == 0)
        return false;
    mmio_write8(d->at.kvm_flags, (uint8_t)(flags & ~KVMCLOCK_STOPPED));
    return d->at.kept_up == NULL ||
           !d->at.kept_up(d->at.kvm, d->at.ticks_per_s);
}

/* The RTC. */

/* Below 0 where the counter was set back. */
static int64_t elapsed_ms(const struct disruption *d,
                          const struct disruption_anchor *since, uint64_t now)
{
    return (int64_t)(now - since->ticks) / (int64_t)(d->at.ticks_per_s / 1000);
}

/* An anchor that no turn of a second has been seen for is wide, and young. */
static bool is_young(const struct disruption *d)
{
    return d->anchor.width_ms > TURN_WIDE_MS;
}

/* Is a clock that shows that second, ms, where it is expected? */
static bool is_expected(const struct disruption *d, int64_t shown_ms,
                        uint64_t now)
{
    int64_t tolerance = is_young(d) ? YOUNG_TOLERANCE_MS : TOLERANCE_MS;
    int64_t low = d->anchor.shown_ms + elapsed_ms(d, &d->anchor, now);
    int64_t high = low + d->anchor.width_ms;

    return shown_ms <= high + tolerance &&
           shown_ms + SECOND_MS >= low - tolerance;
}

/* So is one that its host has set back, to insert a leap second. */
static bool is_explained(const struct disruption *d, int64_t shown_ms,
                         uint64_t now)
{
    return is_expected(d, shown_ms, now) ||
           is_expected(d, shown_ms + SECOND_MS, now);
}

/*
 * A young anchor learns from each look, so that soon after a disruption, too,
 * a pause of 2 s is noticed.
 */
static void narrow(struct disruption *d, int64_t shown_ms, uint64_t now)
{
    int64_t low = d->anchor.shown_ms + elapsed_ms(d, &d->anchor, now);
    int64_t high = low + d->anchor.width_ms;
    int64_t later = shown_ms > low ? shown_ms - low : 0;
    int64_t sooner =
        high > shown_ms + SECOND_MS ? high - (shown_ms + SECOND_MS) : 0;

    if (!is_young(d) || later + sooner > d->anchor.width_ms)
        return;
    d->anchor.shown_ms += later;
    d->anchor.width_ms -= (int32_t)(later + sooner);
}

/*
 * Does the RTC show what is expected, as far as its time of day and its day
 * tell?  Past midnight, or around it, they do not.
 */
static bool is_plainly_right(struct disruption *d, uint64_t now)
{
    int32_t second;
    int64_t shown_ms;
    uint8_t day;

    if (!rtc_glance(d->at.rtc, &second, &day) || day != d->day)
        return false;
    shown_ms = d->today_ms + (int64_t)second * SECOND_MS;
    if (!is_explained(d, shown_ms, now))
        return false;
    narrow(d, shown_ms, now);
    return true;
}

/* Read it whole, twice alike. */
static bool read_whole(const struct disruption *d, int64_t *shown_ms)
{
    int64_t last = INT64_MIN;

    for (unsigned i = 0; i < READINGS; i++) {
        int64_t seconds;

        if (!rtc_read(d->at.rtc, &seconds))
            continue;
        if (seconds == last) {
            *shown_ms = seconds * SECOND_MS;
            return true;
        }
        last = seconds;
    }
    return false;
}

/* What day it is, for the next glances; not just before or after midnight. */
static void note_day(struct disruption *d, int64_t shown_ms)
{
    int64_t into_ms = shown_ms % DAY_MS;
    int32_t second;

    if (into_ms < MIDNIGHT_MS || into_ms > DAY_MS - MIDNIGHT_MS)
        return;
    if (rtc_glance(d->at.rtc, &second, &d->day))
        d->today_ms = shown_ms - into_ms;
}

static void set_anchor(struct disruption *d, int64_t shown_ms, int32_t width_ms,
                       uint64_t now)
{
    d->anchored = true;
    d->by_turn = width_ms <= TURN_WIDE_MS;
    d->anchor = (struct disruption_anchor){now, shown_ms, width_ms};
    note_day(d, shown_ms);
}

/* What it shows now is where it is expected from now on. */
static bool anchor_here(struct disruption *d, uint64_t now)
{
    int64_t shown_ms;

    d->turning = false;
    d->renew_ticks = now;
    if (!read_whole(d, &shown_ms))
        return false;
    set_anchor(d, shown_ms, SECOND_MS, now);
    return true;
}

/* A doubtful reading is taken again; one that cannot be read says nothing. */
static bool rtc_leapt(struct disruption *d, uint64_t now)
{
    int64_t shown_ms;

    if (!d->anchored || is_plainly_right(d, now) || !read_whole(d, &shown_ms))
        return false;
    if (is_explained(d, shown_ms, now)) {
        note_day(d, shown_ms);
        return false;
    }
    (void)anchor_here(d, now);
    return true;
}

/*
 * The RTC may have leapt by less than is noticed: expect it where it is now.
 * How far it leapt will be seen when its second turns, which is looked for at
 * once.  If it was noticed by that, it is known already; if that was just now,
 * it is expected there.
 */
static void weigh_rtc(struct disruption *d, bool leapt, uint64_t now)
{
    if (!d->by_rtc || !d->anchored)
        return;
    d->rtc_ran = d->noticed & 1u << DISRUPTION_RTC;
    if (!d->rtc_ran && !d->weighing)
        d->before = d->by_turn ? d->recent : d->anchor;
    d->weighing = (leapt || anchor_here(d, now)) && !d->rtc_ran;
}

static bool rtc_is_due(const struct disruption *d, uint64_t now)
{
    uint64_t since = now - d->looked_ticks; /* at once if it was set back */

    return d->by_rtc &&
           (!d->at.invariant || since >= d->at.ticks_per_s / 1000 * LOOK_MS);
}

bool disruption_look(struct disruption *d, uint64_t now_ticks)
{
    bool found = false;
    bool leapt = false;

    if (d->at.vmclock.page != NULL && marker_changed(d)) {
        notice(d, DISRUPTION_MARKER, now_ticks);
        found = true;
    }
    if (d->at.vmgenid.id != NULL && id_changed(d)) {
        notice(d, DISRUPTION_GENERATION, now_ticks);
        found = true;
    }
    if (d->at.kvm_flags != NULL && was_stopped(d)) {
        notice(d, DISRUPTION_STOPPED, now_ticks);
        found = true;
    }
    if (rtc_is_due(d, now_ticks)) {
        d->looked_ticks = now_ticks;
        if (rtc_leapt(d, now_ticks)) {
            notice(d, DISRUPTION_RTC, now_ticks);
            found = leapt = true;
        }
    }
    if (found) {
        weigh_rtc(d, leapt, now_ticks);
        d->count++;
    }
    return found;
}

void disruption_tell(struct disruption *d, enum disruption_sign sign,
                     uint64_t now_ticks)
{
    notice(d, sign, now_ticks);
    weigh_rtc(d, false, now_ticks);
    d->count++;
}

bool disruption_rtc_agrees(const struct disruption *d, uint64_t now_ticks,
                           bool *known)
{
    int64_t shown_ms;

    *known = d->by_rtc && d->anchored && read_whole(d, &shown_ms);
    return *known && is_expected(d, shown_ms, now_ticks);
}

void disruption_taken(struct disruption *d)
{
    d->noticed = 0;
}

void disruption_init(struct disruption *d,
                     const struct disruption_places *places, uint64_t now_ticks)
{
    memset(d, 0, sizeof(*d));
    d->at = *places;
    if (places->vmclock.bytes < VMCLOCK_LEN_LEAST)
        d->at.vmclock.page = NULL;
    if (d->at.vmclock.page != NULL)
        (void)marker_changed(d);
    if (d->at.vmgenid.id != NULL)
        (void)id_changed(d);
    if (d->at.kvm_flags != NULL)
        (void)was_stopped(d);
    d->renew_ticks = UINT64_MAX;
    /* Neither of them tells of a pause, in which a counter may stand still. */
    d->by_rtc = places->rtc != NULL &&
                (!places->invariant ||
                 (d->at.vmclock.page == NULL && d->at.vmgenid.id == NULL));
    if (d->by_rtc)
        d->by_rtc = anchor_here(d, now_ticks);
}

void disruption_rate(struct disruption *d, uint64_t ticks_per_s,
                     uint64_t now_ticks)
{
    d->at.ticks_per_s = ticks_per_s;
    d->weighing = false;
    if (d->by_rtc)
        d->anchored = anchor_here(d, now_ticks);
}

void disruption_refined(struct disruption *d, uint64_t ticks_per_s)
{
    d->at.ticks_per_s = ticks_per_s;
}

/* The turn of a second. */

static uint64_t ms_ticks(const struct disruption *d, uint64_t ms)
{
    return d->at.ticks_per_s / 1000 * ms;
}

static void begin_turn(struct disruption *d, uint64_t now)
{
    d->turning = true;
    d->second = rtc_second();
    d->before_ticks = now;
    d->give_up_ticks = now + ms_ticks(d, GIVE_UP_MS);
}

static void end_turn(struct disruption *d, uint64_t after_s, uint64_t now)
{
    d->turning = false;
    d->renew_ticks = now + after_s * d->at.ticks_per_s - ms_ticks(d, SOONER_MS);
}

/* How far what it shows, since `wide_ms` at most, is from where it was
 * expected. */
static int64_t leap_ms(const struct disruption *d, int64_t shown_ms,
                       int64_t wide_ms, uint64_t now)
{
    int64_t low = d->before.shown_ms + elapsed_ms(d, &d->before, now);
    int64_t high = low + d->before.width_ms;

    return shown_ms < low ? low - (shown_ms + wide_ms) : shown_ms - high;
}

/* One that did not leap by that much may have stood still with the counter. */
static int64_t leap_least_ms(const struct disruption *d, uint64_t now)
{
    int64_t drift_ms = elapsed_ms(d, &d->before, now) * DRIFT_PPM / 1000000;

    return LEAP_MS + (drift_ms < 0 ? -drift_ms : drift_ms);
}

static bool is_due_anew(const struct disruption *d, uint64_t now)
{
    return !d->anchored || !d->by_turn ||
           now - d->anchor.ticks >=
               (RENEW_S - 1) * d->at.ticks_per_s - ms_ticks(d, SECOND_MS);
}

/* The second has turned between the last look and this one. */
static void turned(struct disruption *d, uint64_t now)
{
    uint64_t wide_ms = (now - d->before_ticks) / ms_ticks(d, 1) + 1;
    int64_t shown_ms;

    if (wide_ms > TURN_WIDE_MS) {
        begin_turn(d, now); /* we were away: the next one, then */
        return;
    }
    /* Where it is not expected it leapt, which the next look will notice. */
    if (!read_whole(d, &shown_ms) ||
        (d->anchored && !is_explained(d, shown_ms, now)))
        return;
    if (d->weighing)
        d->rtc_ran =
            leap_ms(d, shown_ms, (int64_t)wide_ms, now) > leap_least_ms(d, now);
    d->weighing = false;
    /* Short pauses add up in the anchor for as long as it lasts. */
    if (is_due_anew(d, now))
        set_anchor(d, shown_ms, (int32_t)wide_ms, now);
    d->recent = (struct disruption_anchor){now, shown_ms, (int32_t)wide_ms};
    end_turn(d, RECENT_S, now);
}

void disruption_poll(struct disruption *d, uint64_t now_ticks)
{
    if (!d->by_rtc || now_ticks < disruption_next(d))
        return;
    if (!d->turning) {
        begin_turn(d, now_ticks);
        return;
    }
    if (now_ticks >= d->give_up_ticks) {
        d->weighing = false;
        end_turn(d, RENEW_S, now_ticks);
        return;
    }
    if (rtc_second() != d->second)
        turned(d, now_ticks);
    else
        d->before_ticks = now_ticks;
}

uint64_t disruption_next(const struct disruption *d)
{
    if (!d->by_rtc)
        return UINT64_MAX;
    if (d->turning)
        return d->before_ticks + ms_ticks(d, TURN_LOOK_MS);
    return d->renew_ticks;
}
