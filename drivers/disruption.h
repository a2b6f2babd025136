/* SPDX-License-Identifier: BSD-2-Clause */
/* The watch: has the virtual machine been paused, copied or taken back? */
#ifndef DRIVERS_DISRUPTION_H
#define DRIVERS_DISRUPTION_H

#include "drivers/hypervisor_pages.h"
#include "drivers/rtc.h"

#define GENERATION_ID_LEN 16

/* What it was noticed by; `noticed` has a bit for each. */
#define DISRUPTION_SIGNS(X)                                                    \
    X(DISRUPTION_MARKER, "vmclock's disruption marker")                        \
    X(DISRUPTION_GENERATION, "a new VM generation ID")                         \
    X(DISRUPTION_STOPPED, "kvm-clock's flag")                                  \
    X(DISRUPTION_RTC, "the RTC")                                               \
    X(DISRUPTION_COUNTER, "the counter against other clocks")                  \
    X(DISRUPTION_KVM, "kvm-clock's rate or time")                              \
    X(DISRUPTION_REFCLOCK, "a leap of a reference clock")

#define DISRUPTION_ENUM(id, text) id,
enum disruption_sign {
    DISRUPTION_SIGNS(DISRUPTION_ENUM) DISRUPTION_SIGN_COUNT
};
#undef DISRUPTION_ENUM

const char *disruption_text(enum disruption_sign sign);

/*
 * What the RTC showed at a counter value: from `shown` on by up to `width`, ms
 * since 1970.  An anchor that was taken at the turn of a second has next to no
 * width.
 */
struct disruption_anchor {
    uint64_t ticks;
    int64_t shown_ms;
    int32_t width_ms;
};

/* The places to look at; what is not there is NULL, or false. */
struct disruption_places {
    struct vmclock_place vmclock; /* page NULL: none */
    struct vmgenid_place vmgenid; /* id NULL: none */
    volatile uint8_t *kvm_flags;  /* of kvm-clock's page */
    /* After that flag: the counter ran on, so that nothing has happened. */
    bool (*kept_up)(void *kvm, uint64_t ticks_per_s);
    void *kvm;
    const struct rtc *rtc;
    bool invariant; /* the counter: the RTC is read every 10 ms at most */
    uint64_t ticks_per_s;
};

struct disruption {
    struct disruption_places at;
    bool by_rtc;           /* nothing better tells of pauses */
    uint64_t looked_ticks; /* at the RTC */
    uint32_t marker[2];    /* vmclock's, as it was last seen */
    uint32_t id[GENERATION_ID_LEN / 4];
    bool anchored;
    bool by_turn; /* it is of a turn that was seen */
    struct disruption_anchor anchor;
    int64_t today_ms; /* midnight, since 1970, and how the RTC shows ... */
    uint8_t day;      /* ... that day */

    /* Written by disruption_look(). */
    uint32_t count;        /* how often something was noticed */
    uint32_t noticed;      /* by what, since disruption_taken() */
    uint64_t notice_ticks; /* the first time since then */

    /* The background's: on the look-out for the turn of a second. */
    bool turning;
    uint8_t second;         /* as the RTC shows it */
    uint64_t before_ticks;  /* it still showed that then */
    uint64_t give_up_ticks; /* its seconds do not turn */
    uint64_t renew_ticks;   /* when to look for another turn */

    /* After a disruption the next turn tells whether the RTC ran through. */
    bool weighing;
    bool rtc_ran;
    struct disruption_anchor before;
    struct disruption_anchor recent; /* the last turn that was seen */
};

/* Level: boot. */
void disruption_init(struct disruption *d,
                     const struct disruption_places *places,
                     uint64_t now_ticks);

/*
 * Has something happened since the last look?  To be asked when all that an
 * answer stands on is there, the counter's last reading but for its departure,
 * and before it leaves.  True at the first look that notices.
 *
 * Takes 8 accesses of the RTC's ports where nothing better tells, and twenty
 * times as many when they look wrong.
 * Level: interrupt, or background with interrupts off.
 */
bool disruption_look(struct disruption *d, uint64_t now_ticks);

/* The same for what the background found out by itself.
 * Level: background, interrupts off. */
void disruption_tell(struct disruption *d, enum disruption_sign sign,
                     uint64_t now_ticks);

/*
 * Does the RTC show what the counter expects?  `known` is false where there is
 * none, or it has not been watched.
 * Level: background, interrupts off.
 */
bool disruption_rtc_agrees(const struct disruption *d, uint64_t now_ticks,
                           bool *known);

/*
 * Renew the anchor: now and each hour, at the next turn of the RTC's second.
 * In between a turn is looked at each minute, to weigh the next one by.
 * The RTC must have been looked at with disruption_look() just before.
 * Level: background, interrupts off.
 */
void disruption_poll(struct disruption *d, uint64_t now_ticks);

/* When disruption_poll() has something to do; UINT64_MAX: never. */
uint64_t disruption_next(const struct disruption *d);

/*
 * The counter runs at another rate: the RTC is anchored anew.
 * Level: background, interrupts off.
 */
void disruption_rate(struct disruption *d, uint64_t ticks_per_s,
                     uint64_t now_ticks);

/*
 * The counter's rate, as it has been all the time, is known better.
 * Level: background, interrupts off.
 */
void disruption_refined(struct disruption *d, uint64_t ticks_per_s);

/* What was noticed is taken care of.  Level: background, interrupts off. */
void disruption_taken(struct disruption *d);

#endif
