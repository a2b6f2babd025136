/* SPDX-License-Identifier: BSD-2-Clause */
/* How the load generator reaches a server: raw frames, or UDP sockets. */
#ifndef TESTS_BENCH_LINK_H
#define TESTS_BENCH_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_BATCH       32   /* datagrams in one call to the kernel */
#define LINK_SOCKETS_MAX 256  /* each is one client port */
#define LINK_DATAGRAM    2048 /* bytes; longer ones are cut, and refused */

/* Who is simulated on the far side of the gateway, and who is asked. */
struct link_names {
    uint32_t server;  /* IPv4 addresses, in host order */
    uint32_t gateway; /* our own, on the server's link */
    uint32_t clients; /* the first of ... */
    uint32_t client_count;
    uint32_t port_count; /* source ports of each client */
    uint16_t server_port;
    uint8_t gateway_mac[6];
};

struct link_counts {
    uint64_t refused;      /* the kernel would not take them */
    uint64_t arp_requests; /* from the server */
    uint64_t bad_checksum;
    uint64_t malformed;
    uint64_t foreign; /* to an address or port that never asked */
};

struct link {
    struct link_names names;
    struct link_counts count;
    bool framed;
    bool connected; /* frames: the other socket exists */
    bool resolved;  /* frames: the server's MAC is known */
    uint8_t server_mac[6];
    const char *remote;
    int fd[LINK_SOCKETS_MAX];
    unsigned sockets;
    uint32_t next_flow;
    unsigned queued;
    size_t queued_len[LINK_BATCH];
    uint32_t queued_flow[LINK_BATCH];
    uint8_t tx[LINK_BATCH][LINK_DATAGRAM];
    uint8_t rx[LINK_BATCH][LINK_DATAGRAM];
};

/*
 * One Ethernet frame a datagram, between the unix sockets `local` (made here)
 * and `remote` (made by QEMU's -netdev dgram, sooner or later).
 */
void link_open_frames(struct link *l, const char *local, const char *remote);

/* `sockets` connected UDP sockets; `where` is ADDRESS:PORT, numeric IPv4. */
void link_open_udp(struct link *l, const char *where, unsigned sockets);

/*
 * Learn the server's MAC address, asking every `interval_ns`.
 * Returns false when `limit_ns` has passed without an answer.
 */
bool link_resolve(struct link *l, uint64_t interval_ns, uint64_t limit_ns);

/* Frames: ask for the server's MAC address once, if anybody listens. */
void link_ask_mac(struct link *l);

/*
 * Room for the next payload of the batch, `len` bytes, and in `flow` which
 * client sends it.  At most LINK_BATCH before link_flush().
 */
uint8_t *link_add(struct link *l, size_t len, uint32_t *flow);

/* Send the batch.  Returns how many, from its start, the kernel took. */
unsigned link_flush(struct link *l);

/* A payload that arrived for client `flow`, lent until the return. */
typedef void link_taker(void *self, uint32_t flow, const uint8_t *payload,
                        size_t len);

/* Hand over up to `batches` batches of what has arrived; returns how many. */
unsigned link_receive(struct link *l, unsigned batches, link_taker *take,
                      void *self);

/* Wait until something arrives, or can be sent if `room`, or `ns` pass. */
void link_wait(struct link *l, int64_t ns, bool room);

#endif
