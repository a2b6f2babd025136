/* SPDX-License-Identifier: BSD-2-Clause */
/* How the load generator reaches a server: raw frames, or UDP sockets. */
#define _GNU_SOURCE /* sendmmsg(), ppoll() */
#include "tests/bench/link.h"

#include "ntp/bytes.h"
#include "tests/bench/now.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ETHERNET     14
#define IPV4         20
#define UDP          8
#define HEADERS      (ETHERNET + IPV4 + UDP)
#define ARP          28
#define FRAME_MIN    60
#define TYPE_IPV4    0x0800
#define TYPE_ARP     0x0806
#define PROTOCOL_UDP 17
#define FIRST_PORT   20000

/* Frames. */

static uint32_t sum_of(uint32_t sum, const uint8_t *p, size_t n)
{
    for (; n > 1; p += 2, n -= 2)
        sum += get_u16(p);
    if (n == 1)
        sum += (uint32_t)p[0] << 8;
    return sum;
}

static uint16_t checksum(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The sum over the pseudo header and the whole UDP datagram. */
static uint32_t udp_sum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
    uint32_t sum = sum_of(PROTOCOL_UDP + (uint32_t)len, ip + 12, 8);

    return sum_of(sum, udp, len);
}

static void put_headers(const struct link *l, uint8_t *frame, uint32_t flow,
                        size_t payload_len)
{
    const struct link_names *n = &l->names;
    uint8_t *ip = frame + ETHERNET;
    uint8_t *udp = ip + IPV4;
    uint16_t udp_len = (uint16_t)(UDP + payload_len);

    memcpy(frame, l->server_mac, 6);
    memcpy(frame + 6, n->gateway_mac, 6);
    put_u16(frame + 12, TYPE_IPV4);

    memset(ip, 0, IPV4);
    ip[0] = 0x45;
    put_u16(ip + 2, (uint16_t)(IPV4 + udp_len));
    ip[8] = 64;
    ip[9] = PROTOCOL_UDP;
    put_u32(ip + 12, n->clients + flow % n->client_count);
    put_u32(ip + 16, n->server);
    put_u16(ip + 10, checksum(sum_of(0, ip, IPV4)));

    put_u16(udp, (uint16_t)(FIRST_PORT + flow / n->client_count));
    put_u16(udp + 2, n->server_port);
    put_u16(udp + 4, udp_len);
    put_u16(udp + 6, 0);

    uint16_t sum = checksum(udp_sum(ip, udp, udp_len));
    put_u16(udp + 6, sum != 0 ? sum : 0xffff);
}

static void send_arp(struct link *l, uint16_t operation, uint32_t sender,
                     uint32_t target, const uint8_t *target_mac)
{
    uint8_t frame[FRAME_MIN] = {0};
    uint8_t *arp = frame + ETHERNET;

    memset(frame, 0xff, 6);
    if (target_mac != NULL) {
        memcpy(frame, target_mac, 6);
        memcpy(arp + 18, target_mac, 6);
    }
    memcpy(frame + 6, l->names.gateway_mac, 6);
    put_u16(frame + 12, TYPE_ARP);
    put_u16(arp, 1);
    put_u16(arp + 2, TYPE_IPV4);
    arp[4] = 6;
    arp[5] = 4;
    put_u16(arp + 6, operation);
    memcpy(arp + 8, l->names.gateway_mac, 6);
    put_u32(arp + 14, sender);
    put_u32(arp + 24, target);
    if (send(l->fd[0], frame, sizeof frame, MSG_DONTWAIT) < 0)
        l->count.refused++;
}

/* Every address but the server's is behind us, and we answer for it. */
static void take_arp(struct link *l, const uint8_t *frame, size_t len)
{
    const uint8_t *arp = frame + ETHERNET;

    if (len < ETHERNET + ARP || get_u32(arp + 14) != l->names.server)
        return;

    uint32_t target = get_u32(arp + 24);

    memcpy(l->server_mac, arp + 8, 6);
    l->resolved = true;
    if (get_u16(arp + 6) != 1)
        return;
    l->count.arp_requests++;
    if (target != l->names.server)
        send_arp(l, 2, target, l->names.server, l->server_mac);
}

static bool flow_of(const struct link *l, uint32_t client, uint16_t port,
                    uint32_t *flow)
{
    uint32_t c = client - l->names.clients;
    uint32_t p = (uint32_t)port - FIRST_PORT;

    if (c >= l->names.client_count || p >= l->names.port_count)
        return false;
    *flow = p * l->names.client_count + c;
    return true;
}

static void take_udp(struct link *l, const uint8_t *ip, size_t left,
                     link_taker *take, void *self)
{
    size_t header = (size_t)(ip[0] & 15) * 4;
    size_t total = get_u16(ip + 2);
    uint32_t flow;

    if (ip[0] >> 4 != 4 || header < IPV4 || total < header + UDP ||
        total > left || checksum(sum_of(0, ip, header)) != 0) {
        l->count.malformed++;
        return;
    }

    const uint8_t *udp = ip + header;
    size_t len = get_u16(udp + 4);

    if (len < UDP || len > total - header) {
        l->count.malformed++;
        return;
    }
    if (get_u16(udp + 6) != 0 && checksum(udp_sum(ip, udp, len)) != 0) {
        l->count.bad_checksum++;
        return;
    }
    if (get_u16(udp) != l->names.server_port ||
        !flow_of(l, get_u32(ip + 16), get_u16(udp + 2), &flow)) {
        l->count.foreign++;
        return;
    }
    take(self, flow, udp + UDP, len - UDP);
}

/* What else the server says on its link (IPv6, DHCP, ICMP) is no answer. */
static void take_frame(struct link *l, const uint8_t *frame, size_t len,
                       link_taker *take, void *self)
{
    if (len < ETHERNET)
        return;

    uint16_t type = get_u16(frame + 12);
    const uint8_t *ip = frame + ETHERNET;

    if (type == TYPE_ARP)
        take_arp(l, frame, len);
    else if (type == TYPE_IPV4 && len >= HEADERS && ip[9] == PROTOCOL_UDP &&
             get_u32(ip + 12) == l->names.server)
        take_udp(l, ip, len - ETHERNET, take, self);
}

/* Sockets. */

static struct sockaddr_un unix_name(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof a.sun_path)
        errx(2, "socket path too long: %s", path);
    strcpy(a.sun_path, path);
    return a;
}

static void connect_frames(struct link *l)
{
    struct sockaddr_un a = unix_name(l->remote);

    l->connected = connect(l->fd[0], (struct sockaddr *)&a, sizeof a) == 0;
}

void link_open_frames(struct link *l, const char *local, const char *remote)
{
    struct sockaddr_un a = unix_name(local);
    int size = 8 << 20;

    unlink(local);
    l->framed = true;
    l->remote = remote;
    l->sockets = 1;
    l->fd[0] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd[0] < 0 || bind(l->fd[0], (struct sockaddr *)&a, sizeof a) != 0)
        err(2, "%s", local);
    if (setsockopt(l->fd[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
        setsockopt(l->fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    connect_frames(l);
}

void link_open_udp(struct link *l, const char *where, unsigned sockets)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(where, ':');
    int size = 4 << 20;

    if (colon == NULL || (size_t)(colon - where) >= sizeof host)
        errx(2, "%s is not ADDRESS:PORT", where);
    memcpy(host, where, (size_t)(colon - where));
    host[colon - where] = '\0';
    a.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
        errx(2, "%s is not an IPv4 address", host);

    l->connected = l->resolved = true;
    l->sockets = sockets;
    for (unsigned i = 0; i < sockets; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
            err(2, "%s", where);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        l->fd[i] = fd;
    }
}

void link_ask_mac(struct link *l)
{
    if (!l->connected)
        connect_frames(l);
    if (l->connected)
        send_arp(l, 1, l->names.gateway, l->names.server, NULL);
}

static void ignore(void *self, uint32_t flow, const uint8_t *payload,
                   size_t len)
{
    (void)self;
    (void)flow;
    (void)payload;
    (void)len;
}

bool link_resolve(struct link *l, uint64_t interval_ns, uint64_t limit_ns)
{
    uint64_t end = now_ns() + limit_ns;

    while (!l->resolved && now_ns() < end) {
        link_ask_mac(l);
        link_wait(l, (int64_t)interval_ns, false);
        link_receive(l, 4, ignore, NULL);
    }
    return l->resolved;
}

uint8_t *link_add(struct link *l, size_t len, uint32_t *flow)
{
    unsigned i = l->queued++;

    if (l->framed) {
        *flow = l->next_flow++;
        l->next_flow %= l->names.client_count * l->names.port_count;
    } else {
        *flow = l->next_flow;
    }
    l->queued_flow[i] = *flow;
    l->queued_len[i] = len;
    return l->tx[i] + (l->framed ? HEADERS : 0);
}

/* A socket gone is an appliance restarted: look for the next one. */
static void note_refusal(struct link *l)
{
    if (errno == EAGAIN || errno == ENOBUFS)
        return;
    l->count.refused++;
    if (l->framed)
        connect_frames(l);
}

unsigned link_flush(struct link *l)
{
    struct mmsghdr message[LINK_BATCH] = {0};
    struct iovec part[LINK_BATCH];
    int fd = l->fd[l->framed ? 0 : l->next_flow];

    for (unsigned i = 0; i < l->queued; i++) {
        part[i].iov_base = l->tx[i];
        part[i].iov_len = l->queued_len[i];
        if (l->framed) {
            put_headers(l, l->tx[i], l->queued_flow[i], l->queued_len[i]);
            part[i].iov_len += HEADERS;
        }
        message[i].msg_hdr.msg_iov = &part[i];
        message[i].msg_hdr.msg_iovlen = 1;
    }

    int sent = sendmmsg(fd, message, l->queued, MSG_DONTWAIT);

    if (sent < 0)
        note_refusal(l);
    if (!l->framed)
        l->next_flow = (l->next_flow + 1) % l->sockets;
    l->queued = 0;
    return sent < 0 ? 0 : (unsigned)sent;
}

static int receive_batch(struct link *l, unsigned s, link_taker *take,
                         void *self)
{
    struct mmsghdr message[LINK_BATCH] = {0};
    struct iovec part[LINK_BATCH];

    for (unsigned i = 0; i < LINK_BATCH; i++) {
        part[i] = (struct iovec){l->rx[i], LINK_DATAGRAM};
        message[i].msg_hdr.msg_iov = &part[i];
        message[i].msg_hdr.msg_iovlen = 1;
    }

    int n = recvmmsg(l->fd[s], message, LINK_BATCH, MSG_DONTWAIT, NULL);

    for (int i = 0; i < n; i++) {
        size_t len = message[i].msg_len;

        if (l->framed)
            take_frame(l, l->rx[i], len, take, self);
        else
            take(self, s, l->rx[i], len);
    }
    return n;
}

unsigned link_receive(struct link *l, unsigned batches, link_taker *take,
                      void *self)
{
    unsigned received = 0;

    for (unsigned s = 0; s < l->sockets; s++) {
        for (unsigned b = 0; b < batches; b++) {
            int n = receive_batch(l, s, take, self);

            if (n > 0)
                received += (unsigned)n;
            if (n < LINK_BATCH)
                break;
        }
    }
    return received;
}

void link_wait(struct link *l, int64_t ns, bool room)
{
    struct pollfd p[LINK_SOCKETS_MAX];
    short events = (short)(POLLIN | (room ? POLLOUT : 0));

    if (ns < 0)
        ns = 0;
    for (unsigned i = 0; i < l->sockets; i++)
        p[i] = (struct pollfd){.fd = l->fd[i], .events = events};

    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    ppoll(p, l->sockets, &t, NULL);
}
