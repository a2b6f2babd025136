/* SPDX-License-Identifier: BSD-2-Clause */
/* A network card of the test's, which watches that every frame comes back. */
#ifndef TESTS_FAKE_CARD_H
#define TESTS_FAKE_CARD_H

#include "drivers/netdev.h"

#define CARD_FRAMES 512

enum card_holder { CARD_HAS, CARD_LENT, CARD_DROPPED, CARD_QUEUED, CARD_SENT };

struct card_frame {
    uint8_t data[NETDEV_FRAME_MAX + 64];
    uint32_t len;
    bool checksum_ok;
    enum card_holder holder;
};

struct card {
    struct netdev dev;
    struct netdev_driver driver;
    struct card_frame frame[CARD_FRAMES];
    unsigned filled; /* by the test */
    unsigned taken;  /* by rx() */
    unsigned lent;
    unsigned kicks;
    unsigned tx_room; /* tx() refuses when this is used up */
    bool masked;
    unsigned wrongs; /* frames given back that were not lent, and the like */
};

/* An empty card with that address. */
void card_init(struct card *card, const uint8_t mac[6]);

/* Let a frame be received; returns it. */
struct card_frame *card_put(struct card *card, const uint8_t *data, size_t len);

/* How many frames are with that holder. */
unsigned card_count(const struct card *card, enum card_holder holder);

#endif
