/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt level: a frame in, an answer out, or on to the ring. */
#ifndef NET_FASTPATH_H
#define NET_FASTPATH_H

#include "drivers/netdev.h"
#include "net/frame.h"
#include "net/ring.h"
#include "ntp/access.h"
#include "ntp/limit.h"
#include "ntp/server.h"
#include "nts/server.h"

/*
 * Answers finished together, with one look at the counter and one doorbell.
 * More of them cost a doorbell less each, and make the timestamps older.
 */
#define FASTPATH_BATCH 32

/* Our addresses: one IPv4 and eight IPv6, and room for more.  Those past it
 * are served by way of the background. */
#define FASTPATH_ADDRS 16

struct disruption;
struct fastpath;

/* What the fast path asks of the machine; a test has its own. */
struct fastpath_machine {
    uint64_t (*counter)(void);
    /* Ticks that interrupt level may still spend; zero or less: shed. */
    int64_t (*budget)(uint64_t now_ticks);
    /* Call fastpath_wake() at that counter value, at interrupt level. */
    void (*wake_at)(struct fastpath *fp, uint64_t ticks);
    /* Save and restore vector registers, around MACs and ciphers. */
    void (*simd_begin)(void);
    void (*simd_end)(void);
};

/* Const after boot; shared by all queues. */
struct fastpath_config {
    struct clock *clock;
    const struct ntp_server *server;
    const struct nts_server *nts; /* interrupt level's; NULL: not served */
    const struct access *access;
    const struct access *require; /* who must authenticate; NULL: nobody */
    const struct fastpath_machine *machine;
    /* Was the machine paused, copied or taken back since it was asked last, so
     * that nothing made until now may leave?  NULL: it never is. */
    bool (*disrupted)(struct disruption *watch, uint64_t now_ticks);
    struct disruption *watch;
    uint64_t ticks_per_s;
    uint16_t port; /* 0: client only, nothing is answered */
    uint8_t dscp;
    bool private_only; /* drop what comes from public addresses */
};

/* One of our addresses, with its subnet. */
struct fastpath_addr {
    struct ip_addr6 addr;
    uint8_t bits; /* as in struct access_rule */
};

/* A frame of the batch that will be answered. */
struct fastpath_answer {
    struct netdev_frame frame;
    struct frame head;
    struct ntp_reply reply; /* its length also if `nts` */
    enum ntp_verdict verdict;
    uint32_t len; /* of the answering frame */
    bool asked;   /* if passed on: it may be an answer to us */
    bool nts;     /* protected: the reply is the fast path's `nts` */
    struct limit_client *client; /* whose last answer it is, or NULL */
    ntp_ts receive_ts;           /* in that answer */
};

/* One receive queue, and the CPU that serves it. */
struct fastpath {
    const struct fastpath_config *config;
    struct netdev *dev;
    struct limit *limit; /* this queue's own */
    struct ring *ring;

    struct fastpath_answer answer[FASTPATH_BATCH];
    unsigned answers;

    /* A protected answer ends its batch, so that nothing but its own seal comes
     * between its timestamp and the doorbell: there is one of them. */
    struct nts_reply nts;
    uint64_t
        nts_pace;  /* least ticks that sealing 1024 bytes took; 0: none yet */
    bool ciphered; /* the last frame took so long that the budget is looked at
                      before the next */

    /* Replaced by fastpath_addrs(). */
    struct fastpath_addr addr[FASTPATH_ADDRS];
    unsigned addrs;

    /* Each frame received has one verdict: their sum is what was received. */
    uint64_t count[NTP_VERDICT_COUNT];
    uint64_t redone;    /* batches stamped again, the CPU having been away */
    uint64_t exhausted; /* times the budget ran out */
    bool masked;        /* shedding, until fastpath_wake() */

    /* Since a disruption: generators and keys may be those of a copy, and
     * nothing leaves that stands on them, until the background has replaced
     * them and clears this. */
    volatile bool stale;
};

/* Start without addresses.  What is pointed to is lent for good.  Level:
 * boot. */
void fastpath_init(struct fastpath *fp, const struct fastpath_config *config,
                   struct netdev *dev, struct limit *limit, struct ring *ring);

/*
 * The card's interrupt, as netdev's on_irq with a struct fastpath as `arg`.
 * Takes frames until there are none or the budget is used up: at most 90 % of
 * any 20 ms.
 * Level: interrupt.
 */
void fastpath_irq(void *arg, struct netdev *dev, uint64_t entry_ticks);

/*
 * The time that machine->wake_at() was told has come, or may have come.
 * Level: interrupt.
 */
void fastpath_wake(struct fastpath *fp, uint64_t entry_ticks);

/*
 * Replace our addresses; at most FASTPATH_ADDRS of them.
 * Level: background, with interrupts off.
 */
void fastpath_addrs(struct fastpath *fp, const struct fastpath_addr *addr,
                    unsigned count);

/*
 * Was there a disruption?  If so, the clock is disowned, and `stale` set.
 * Level: interrupt, or background with interrupts off.
 */
bool fastpath_disrupted(struct fastpath *fp);

/* There was one, as the background found out by itself.
 * Level: background with interrupts off. */
void fastpath_disown(struct fastpath *fp);

/* May a request from there be answered, given whether NTS or a key
 * authenticates it?  Level: any. */
bool fastpath_satisfied(const struct fastpath_config *config,
                        const struct ip_addr6 *source, bool authenticated);

/*
 * The checks of source, access and rate: NTP_OK, NTP_KISS_RATE, or why not.
 * Level: interrupt, or background with interrupts off.
 */
enum ntp_verdict fastpath_admit(struct fastpath *fp,
                                const struct ip_addr6 *source,
                                uint16_t source_port, uint64_t rx_ticks);

#endif
