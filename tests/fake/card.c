/* SPDX-License-Identifier: BSD-2-Clause */
/* A network card of the test's, which watches that every frame comes back. */
#include "tests/fake/card.h"

#include <stdlib.h>
#include <string.h>

static bool rx(struct netdev *dev, struct netdev_frame *frame, uint64_t now)
{
    struct card *card = dev->state;
    struct card_frame *f = &card->frame[card->taken];

    if (card->taken == card->filled)
        return false;
    *frame = (struct netdev_frame){.data = f->data,
                                   .len = f->len,
                                   .rx_ticks = now,
                                   .id = (uint16_t)card->taken,
                                   .checksum_ok = f->checksum_ok};
    f->holder = CARD_LENT;
    card->taken++;
    card->lent++;
    dev->count.rx++;
    return true;
}

static bool give_back(struct card *card, uint16_t id, enum card_holder to)
{
    if (id >= card->taken || card->frame[id].holder != CARD_LENT) {
        card->wrongs++;
        return false;
    }
    card->frame[id].holder = to;
    card->lent--;
    return true;
}

static void drop(struct netdev *dev, const struct netdev_frame *frame)
{
    give_back(dev->state, frame->id, CARD_DROPPED);
}

static bool tx(struct netdev *dev, const struct netdev_frame *frame,
               uint32_t len)
{
    struct card *card = dev->state;

    if (card->tx_room == 0)
        return false;
    if (len > NETDEV_FRAME_MAX || !give_back(card, frame->id, CARD_QUEUED)) {
        card->wrongs++;
        return false;
    }
    card->tx_room--;
    card->frame[frame->id].len = len;
    return true;
}

static void kick(struct netdev *dev)
{
    struct card *card = dev->state;

    card->kicks++;
    for (unsigned i = 0; i < card->taken; i++)
        if (card->frame[i].holder == CARD_QUEUED)
            card->frame[i].holder = CARD_SENT;
}

static void rx_mask(struct netdev *dev, bool masked)
{
    struct card *card = dev->state;

    card->masked = masked;
}

void card_init(struct card *card, const uint8_t mac[6])
{
    memset(card, 0, sizeof(*card));
    card->driver = (struct netdev_driver){.name = "fake",
                                          .rx = rx,
                                          .drop = drop,
                                          .tx = tx,
                                          .kick = kick,
                                          .rx_mask = rx_mask};
    card->dev.driver = &card->driver;
    card->dev.state = card;
    memcpy(card->dev.mac, mac, sizeof(card->dev.mac));
    card->tx_room = CARD_FRAMES;
}

struct card_frame *card_put(struct card *card, const uint8_t *data, size_t len)
{
    struct card_frame *f;

    if (card->filled == CARD_FRAMES || len > sizeof(f->data))
        abort();
    f = &card->frame[card->filled++];
    memcpy(f->data, data, len);
    f->len = (uint32_t)len;
    f->checksum_ok = false;
    f->holder = CARD_HAS;
    return f;
}

unsigned card_count(const struct card *card, enum card_holder holder)
{
    unsigned n = 0;

    for (unsigned i = 0; i < card->filled; i++)
        n += card->frame[i].holder == holder;
    return n;
}
