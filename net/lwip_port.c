/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's view of us: the card, frames in and out, what it asks of the rest. */
#include "net/lwip_port.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/irq.h"
#include "arch/log.h"
#include "arch/panic.h"
#include "net/addr_text.h"
#include "net/addresses.h"
#include "net/lwip_hooks.h"
#include "net/lwip_timers.h"
#include "net/neighbour.h"
#include "net/sieve.h"
#include "net/slowpath.h"
#include "net/upstream.h"
#include "ntp/bytes.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <netif/ethernet.h>
#include <mbedtls/sha256.h>

#include <string.h>

#define MTU     1500
#define MIN_MTU 1280 /* of IPv6; a card that says less is not believed */

/* Offsets in IP headers, and of lwIP's IPv6 fragment header. */
#define IPV4_ID         4
#define IPV4_FRAGMENT   6
#define IPV4_PROTOCOL   9
#define IPV4_CHECKSUM   10
#define IPV4_SOURCE     12
#define IPV4_TO         16
#define IPV6_NEXT       6
#define IPV6_SOURCE     8
#define IPV6_TO         24
#define IPV6_FRAGMENT   42
#define IPV6_ID         44
#define NEXT_FRAGMENT   44
#define OFFSET_IPV4     0x1fff
#define OFFSET_IPV6     0xfff8
#define MIN_IPV4        20
#define MIN_IPV6        40
#define MIN_IPV6_FRAG   48
#define TRANSMIT_OFFSET 40 /* of the transmit timestamp in a packet */
#define MIN_NTP         48
#define TOO_BIG         2 /* type of ICMPv6 */
#define NO_TAG          (-1)

/*
 * From interrupt entry to the look at what the card has: 1 us, or 3 on an
 * emulated CPU, if nothing comes in between.
 */
#define NEAR_US 5

/* How long an answer about a neighbour is waited for. */
#define ASKED_MS 3000

/* How often an address conflict is told. */
#define CONFLICT_MS 60000

/* Errors that may be told in a row, and then one each so often: RFC 4443,
 * 2.4 (f), which names such a limit. */
#define ERRORS_MAX 32
#define ERRORS_MS  100

/* lwIP calls back without saying for whom. */
static struct net *self;

/* What lwIP asks of the machine (lwip_arch/arch/cc.h, lwip/sys.h). */

uint32_t net_random32(void)
{
    uint32_t value;

    entropy_fill(&value, sizeof(value));
    return value;
}

void lwip_failed(const char *what, const char *file, int line)
{
    panic("lwIP: %s (%s:%d)", what, file, line);
}

uint32_t sys_now(void)
{
    return (uint32_t)(self->now_ticks / self->ticks_per_ms);
}

/* What lwIP asks while it runs (net/lwip_hooks.h). */

int32_t net_vlan_tag(struct netif *netif)
{
    const struct net *net = netif->state;

    return net->vlan_tag;
}

const ip6_addr_t *net_gateway6(struct netif *netif)
{
    const struct net *net = netif->state;

    return ip6_addr_isany(&net->gateway6) ? NULL : &net->gateway6;
}

uint32_t net_tcp_isn(const ip_addr_t *local_ip, uint16_t local_port,
                     const ip_addr_t *remote_ip, uint16_t remote_port)
{
    uint64_t timer = counter_read() / (self->ticks_per_ms / 250); /* 4 us */
    struct ip_addr6 local = net_addr_from_lwip(local_ip);
    struct ip_addr6 remote = net_addr_from_lwip(remote_ip);
    uint8_t input[32 + 16 + 2 + 16 + 2];
    uint8_t digest[32];

    memcpy(input, self->secret, 32);
    memcpy(input + 32, local.byte, 16);
    put_u16(input + 48, local_port);
    memcpy(input + 50, remote.byte, 16);
    put_u16(input + 66, remote_port);
    mbedtls_sha256(input, sizeof(input), digest, 0);
    return (uint32_t)timer + get_u32(digest);
}

/*
 * Only what was looked at when it came in is believed: in fragments or behind
 * extension headers, which no honest neighbour uses (RFC 6980), it was not.
 * ICMPv6's "packet too big" comes this way as well.
 */
void __wrap_nd6_input(struct pbuf *p, struct netif *netif)
{
    struct net *net = netif->state;
    const uint8_t *type = p->payload;

    if (net->discovery || (p->len > 0 && *type == TOO_BIG)) {
        __real_nd6_input(p, netif);
        return;
    }
    net->count.unasked++;
    pbuf_free(p);
}

/* What the fast path asks of the machine. */

static void on_wake(void *arg, uint64_t entry_ticks)
{
    struct net *net = arg;

    fastpath_wake(&net->fast, entry_ticks);
}

static void wake_at(struct fastpath *fp, uint64_t ticks)
{
    (void)fp;
    timer_set(&self->wake, ticks);
}

static void vectors_begin(void)
{
    simd_begin(&self->simd);
}

static void vectors_end(void)
{
    simd_end(&self->simd);
}

static const struct fastpath_machine machine = {
    .counter = counter_read,
    .budget = irq_budget,
    .wake_at = wake_at,
    .simd_begin = vectors_begin,
    .simd_end = vectors_end,
};

/* The IP header of a frame, past a tag, or NULL; `type` is what it says. */
static const uint8_t *ip_header(const uint8_t *data, size_t len, uint16_t *type,
                                size_t *left)
{
    struct reader r = reader_of(data, len);

    *type = frame_read_type(&r);
    *left = r.left;
    if (*type == FRAME_TYPE_IPV4 && r.left >= MIN_IPV4)
        return data + (len - r.left);
    if (*type == FRAME_TYPE_IPV6 && r.left >= MIN_IPV6)
        return data + (len - r.left);
    return NULL;
}

/* Is that frame from, or to, a host beyond the private networks? */
static bool is_public(const uint8_t *data, size_t len, bool outgoing)
{
    static const struct ip_addr6 unspecified;
    struct ip_addr6 peer;
    uint16_t type;
    size_t left;
    const uint8_t *ip = ip_header(data, len, &type, &left);

    if (ip == NULL)
        return false;
    if (type == FRAME_TYPE_IPV4) {
        peer = ip_from_v4(ip + (outgoing ? IPV4_TO : IPV4_SOURCE));
        /* DHCP has to speak before it has an address, and to everybody. */
        if (get_u32(peer.byte + 12) == 0 || peer.byte[12] >= 224)
            return false;
    } else {
        memcpy(peer.byte, ip + (outgoing ? IPV6_TO : IPV6_SOURCE), 16);
        if (peer.byte[0] == 0xff || ip_equal(&peer, &unspecified))
            return false;
    }
    return !frame_is_private(&peer);
}

/* Frames out. */

/* We ask for a neighbour: his answer may be believed for a while. */
static void note_question(struct net *net, const uint8_t *data, size_t len)
{
    struct neighbour n;
    struct net_asked *slot = NULL;

    if (neighbour_parse(&n, data, len) != NEIGHBOUR_REQUEST)
        return;

    for (unsigned i = 0; i < NET_ASKED_MAX; i++)
        if (ip_equal(&net->asked[i].addr, &n.target))
            slot = &net->asked[i];
    if (slot == NULL)
        slot = &net->asked[net->asked_next++ % NET_ASKED_MAX];
    slot->addr = n.target;
    slot->until_ticks = net->now_ticks + ASKED_MS * net->ticks_per_ms;
}

/*
 * lwIP counts its datagrams where IP wants an identification; put one from the
 * generator there.  Fragments follow each other, and share it.
 */
static void renew_identification(struct net *net, uint8_t *data, size_t len)
{
    uint16_t type;
    size_t left;
    const uint8_t *header = ip_header(data, len, &type, &left);

    if (header == NULL)
        return;

    uint8_t *ip = data + (len - left);

    if (type == FRAME_TYPE_IPV4) {
        if ((get_u16(ip + IPV4_FRAGMENT) & OFFSET_IPV4) == 0)
            net->fragment_id = net_random32();

        /* RFC 1624, 3: HC' = ~(~HC + ~m + m'). */
        uint32_t sum = (uint16_t)~get_u16(ip + IPV4_CHECKSUM);

        sum += (uint16_t)~get_u16(ip + IPV4_ID);
        sum += (uint16_t)net->fragment_id;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        put_u16(ip + IPV4_ID, (uint16_t)net->fragment_id);
        put_u16(ip + IPV4_CHECKSUM, (uint16_t)~sum);
    } else if (ip[IPV6_NEXT] == NEXT_FRAGMENT && left >= MIN_IPV6_FRAG) {
        if ((get_u16(ip + IPV6_FRAGMENT) & OFFSET_IPV6) == 0)
            net->fragment_id = net_random32();
        put_u32(ip + IPV6_ID, net->fragment_id);
    }
}

/* Tell upstream when its request really left; ARP may have held it back. */
static void note_departure(struct net *net, const uint8_t *data, size_t len,
                           uint64_t tx_ticks)
{
    struct frame f;

    if (net->upstream != NULL && frame_parse(&f, data, len) == NTP_OK &&
        f.payload_len >= MIN_NTP)
        upstream_sent(net->upstream,
                      data + f.udp_offset + FRAME_UDP_LEN + TRANSMIT_OFFSET,
                      tx_ticks);
}

/* Send the `len` bytes in `net->out`. */
static bool send_frame(struct net *net, size_t len)
{
    struct netdev *dev = net->dev;
    uint64_t flags = irq_save();
    bool sent = dev->driver->send(dev, net->out, (uint32_t)len);
    uint64_t tx_ticks = counter_read();

    if (sent)
        dev->driver->kick(dev);
    irq_restore(flags);

    if (sent)
        note_departure(net, net->out, len, tx_ticks);
    else
        net->count.tx_full++;
    return sent;
}

/* Take one from what may be told; it is all there again at `errors_ticks`. */
static bool may_tell_error(struct net *net)
{
    uint64_t each = ERRORS_MS * net->ticks_per_ms;

    if (net->errors_ticks < net->now_ticks)
        net->errors_ticks = net->now_ticks;
    if (net->errors_ticks - net->now_ticks > (ERRORS_MAX - 1) * each)
        return false;
    net->errors_ticks += each;
    return true;
}

bool net_is_stale(struct net *net)
{
    uint64_t flags = irq_save();

    (void)fastpath_disrupted(&net->fast);
    irq_restore(flags);
    return net->fast.stale;
}

static void keep_silent(struct net *net, const struct tcp_pcb *pcb)
{
    for (; pcb != NULL; pcb = pcb->next)
        gone_add(&net->gone, &(struct gone_connection){
                                 .peer = net_addr_from_lwip(&pcb->remote_ip),
                                 .own_port = pcb->local_port,
                                 .peer_port = pcb->remote_port,
                             });
}

_Static_assert(GONE_MAX >= MEMP_NUM_TCP_PCB,
               "no connection that there is pushes another one out");

void net_silence(struct net *net)
{
    keep_silent(net, tcp_active_pcbs);
    keep_silent(net, tcp_tw_pcbs);
}

void net_renew(struct net *net)
{
    struct tcp_pcb *pcb;

    entropy_fill(net->secret, sizeof(net->secret));
    while ((pcb = tcp_active_pcbs) != NULL)
        tcp_abandon(pcb, 0);
    while ((pcb = tcp_tw_pcbs) != NULL)
        tcp_abandon(pcb, 0);
}

static err_t on_output(struct netif *netif, struct pbuf *p)
{
    struct net *net = netif->state;
    size_t len = p->tot_len;

    if (len > sizeof(net->out))
        return ERR_BUF;
    if (net_is_stale(net))
        return ERR_OK; /* as if it were lost on the way */

    pbuf_copy_partial(p, net->out, (u16_t)len, 0);
    if (net->config->private_only && is_public(net->out, len, true)) {
        net->count.refused++;
        return ERR_RTE;
    }
    if (!gone_passes(&net->gone, net->out, len))
        return ERR_OK;
    if (sieve_is_error(net->out, len) && !may_tell_error(net)) {
        net->count.untold++;
        return ERR_OK;
    }
    note_question(net, net->out, len);
    renew_identification(net, net->out, len);
    return send_frame(net, len) ? ERR_OK : ERR_IF;
}

/*
 * What answers the frame at hand goes back to the card that it came from, as on
 * the fast path: were its sender looked up, anybody could fill the tables of
 * neighbours with senders, and push our sources out.
 */
static bool is_answer(const struct net *net, const struct ip_addr6 *to)
{
    return net->sender != NULL && ip_equal(&net->source, to);
}

static err_t send_back(struct netif *netif, struct pbuf *p, uint16_t type)
{
    const struct net *net = netif->state;
    struct eth_addr ours;
    struct eth_addr theirs;

    memcpy(ours.addr, net->dev->mac, sizeof(ours.addr));
    memcpy(theirs.addr, net->sender, sizeof(theirs.addr));
    return ethernet_output(netif, p, &ours, &theirs, type);
}

static const struct net_peer *find_peer(const struct net *net,
                                        const struct ip_addr6 *addr)
{
    const struct net_peer *peer = net->peers;

    while (peer != NULL && !ip_equal(&peer->addr, addr))
        peer = peer->next;
    return peer;
}

void net_peer_note(struct net_peer *peer, const struct ip_addr6 *addr)
{
    const struct net_peer *other = find_peer(self, addr);
    const uint8_t *mac = self->sender;
    int32_t vlan_tag = self->vlan_tag;

    if (mac == NULL && (peer->known || other == NULL))
        return;
    if (mac == NULL) {
        mac = other->mac;
        vlan_tag = other->vlan_tag;
    }
    if (!peer->known) {
        peer->known = true;
        peer->addr = *addr;
        peer->next = self->peers;
        self->peers = peer;
    }
    memcpy(peer->mac, mac, sizeof(peer->mac));
    peer->vlan_tag = vlan_tag;
}

void net_peer_forget(struct net_peer *peer)
{
    struct net_peer **link = &self->peers;

    while (*link != NULL && *link != peer)
        link = &(*link)->next;
    if (*link != NULL)
        *link = peer->next;
    peer->known = false;
}

static err_t send_to_peer(struct netif *netif, struct pbuf *p, uint16_t type,
                          const struct net_peer *peer)
{
    struct net *net = netif->state;
    int32_t vlan_tag = net->vlan_tag;
    struct eth_addr ours;
    struct eth_addr theirs;
    err_t error;

    memcpy(ours.addr, net->dev->mac, sizeof(ours.addr));
    memcpy(theirs.addr, peer->mac, sizeof(theirs.addr));
    net->vlan_tag = peer->vlan_tag;
    error = ethernet_output(netif, p, &ours, &theirs, type);
    net->vlan_tag = vlan_tag;
    return error;
}

/*
 * Is it a segment of a port that we listen on?  What is said again to somebody
 * whose connection never came about is not worth a question to all.
 */
static bool is_of_listener(const struct pbuf *p, uint16_t type)
{
    const uint8_t *ip = p->payload;
    size_t header = type == FRAME_TYPE_IPV4 ? MIN_IPV4 : MIN_IPV6;
    uint8_t protocol;

    if (p->len < header)
        return false;
    protocol = type == FRAME_TYPE_IPV4 ? ip[IPV4_PROTOCOL] : ip[IPV6_NEXT];
    if (protocol != IP_PROTO_TCP || p->tot_len < header + sizeof(uint16_t))
        return false;

    uint16_t port = (uint16_t)(pbuf_get_at(p, (uint16_t)header) << 8 |
                               pbuf_get_at(p, (uint16_t)(header + 1)));

    for (const struct tcp_pcb_listen *l = tcp_listen_pcbs.listen_pcbs;
         l != NULL; l = l->next)
        if (l->local_port == port)
            return true;
    return false;
}

/* Send what needs no question; false: find out where `to` is, and send it. */
static bool send_known(struct netif *netif, struct pbuf *p, uint16_t type,
                       const struct ip_addr6 *to, err_t *error)
{
    struct net *net = netif->state;
    const struct net_peer *peer;

    if (is_answer(net, to)) {
        *error = send_back(netif, p, type);
        return true;
    }
    if (!is_of_listener(p, type))
        return false;
    peer = find_peer(net, to);
    if (peer != NULL) {
        *error = send_to_peer(netif, p, type, peer);
    } else {
        net->count.stray++;
        *error = ERR_OK;
    }
    return true;
}

static err_t output_ipv4(struct netif *netif, struct pbuf *p,
                         const ip4_addr_t *to)
{
    struct ip_addr6 addr = ip_from_v4((const uint8_t *)&to->addr);

    err_t error;

    return send_known(netif, p, FRAME_TYPE_IPV4, &addr, &error)
               ? error
               : etharp_output(netif, p, to);
}

static err_t output_ipv6(struct netif *netif, struct pbuf *p,
                         const ip6_addr_t *to)
{
    struct ip_addr6 addr;
    err_t error;

    memcpy(addr.byte, to->addr, sizeof(addr.byte));
    return send_known(netif, p, FRAME_TYPE_IPV6, &addr, &error)
               ? error
               : ethip6_output(netif, p, to);
}

/* Frames in. */

static bool is_ours(const struct net *net, const struct ip_addr6 *addr)
{
    for (unsigned i = 0; i < net->addrs; i++)
        if (ip_equal(&net->addr[i].addr, addr))
            return true;
    return false;
}

/* Is it an IPv6 address that we want, and still look for others who have it? */
static bool is_tentative(const struct net *net, const struct ip_addr6 *addr)
{
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_istentative(netif_ip6_addr_state(&net->netif, i)) &&
            memcmp(netif_ip6_addr(&net->netif, i)->addr, addr->byte, 16) == 0)
            return true;
    return false;
}

/* Did we ask for him?  The first answer counts; then the question is over. */
static bool was_asked(struct net *net, const struct ip_addr6 *addr)
{
    for (unsigned i = 0; i < NET_ASKED_MAX; i++) {
        struct net_asked *asked = &net->asked[i];

        if (ip_equal(&asked->addr, addr) &&
            asked->until_ticks > net->now_ticks) {
            asked->until_ticks = 0;
            return true;
        }
    }
    return false;
}

static void tell_conflict(struct net *net, const struct ip_addr6 *addr,
                          const uint8_t mac[6])
{
    uint64_t pause = CONFLICT_MS * net->ticks_per_ms;

    if (net->conflict_ticks != 0 &&
        net->now_ticks - net->conflict_ticks < pause)
        return;
    net->conflict_ticks = net->now_ticks;
    log_line("address conflict: %02x:%02x:%02x:%02x:%02x:%02x also uses %s",
             mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
             addr_text(addr).text);
}

static void answer_neighbour(struct net *net, const struct neighbour *n,
                             const struct ring_slot *slot)
{
    memcpy(net->out, slot->data, slot->len);
    send_frame(net, neighbour_answer(n, net->out, net->dev->mac));
}

/*
 * ARP and neighbour discovery: questions are answered here, so that nobody
 * gets into lwIP's tables by asking; answers are believed when we asked.
 * Returns whether lwIP is to see the frame.
 */
static bool meet_neighbour(struct net *net, const struct ring_slot *slot)
{
    const uint8_t *mac = slot->data + 6;
    struct neighbour n;

    net->discovery = false;
    switch (neighbour_parse(&n, slot->data, slot->len)) {
    case NEIGHBOUR_NONE:
        return true;
    case NEIGHBOUR_ROUTER:
    case NEIGHBOUR_PROBE: /* lwIP defends the address, or gives it up */
        net->discovery = true;
        return true;
    case NEIGHBOUR_REQUEST:
        if (memcmp(mac, net->dev->mac, sizeof(net->dev->mac)) == 0)
            return false; /* our own, come back */
        if (is_ours(net, &n.source))
            tell_conflict(net, &n.source, mac);
        else if (is_ours(net, &n.target))
            answer_neighbour(net, &n, slot);
        return false;
    case NEIGHBOUR_REPLY:
        if (was_asked(net, &n.target) || is_tentative(net, &n.target)) {
            net->discovery = true;
            return true;
        }
        if (is_ours(net, &n.target))
            tell_conflict(net, &n.target, mac);
        break;
    case NEIGHBOUR_BAD:
        break;
    }
    net->count.unasked++;
    return false;
}

static void input(struct net *net, const struct ring_slot *slot)
{
    struct pbuf *p;

    if (!sieve_passes(slot->data, slot->len, &net->source)) {
        net->count.unfit++;
        return;
    }
    if (!meet_neighbour(net, slot))
        return;
    /* Nobody else has our address; who claims it was met above. */
    if (is_ours(net, &net->source)) {
        net->count.unfit++;
        return;
    }

    p = pbuf_alloc(PBUF_RAW, slot->len, PBUF_POOL);
    if (p == NULL) {
        net->count.no_buffer++;
        return;
    }
    pbuf_take(p, slot->data, slot->len);
    net->sender = slot->data + ETH_HWADDR_LEN;
    if (net->netif.input(p, &net->netif) != ERR_OK)
        pbuf_free(p);
    net->sender = NULL;
}

/* One frame from the ring, answered with its own tag if it has one. */
static void take(struct net *net, const struct ring_slot *slot)
{
    struct reader r = reader_of(slot->data, slot->len);

    if (net->config->private_only && is_public(slot->data, slot->len, false)) {
        net->count.refused++;
        return;
    }
    (void)read_bytes(&r, 2 * FRAME_MAC_LEN);
    if (read_u16(&r) == FRAME_TYPE_VLAN) {
        net->vlan_tag = read_u16(&r);
        if (!r.ok)
            net->vlan_tag = NO_TAG;
    }
    net->rx_ticks = slot->rx_ticks;
    input(net, slot);
    net->vlan_tag = NO_TAG;
}

static void follow_link(struct net *net)
{
    bool up = net->dev->link_up;

    if (up == net->link_up)
        return;

    net->link_up = up;
    log_line("link %s", up ? "up" : "down");
    if (!up) {
        netif_set_link_down(&net->netif);
        return;
    }
    netif_set_link_up(&net->netif);
    if (net->upstream != NULL)
        upstream_link_up(net->upstream);
}

static err_t init_netif(struct netif *netif)
{
    struct net *net = netif->state;
    uint16_t mtu = net->dev->mtu;

    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = mtu >= MIN_MTU && mtu < MTU ? mtu : MTU;
    netif->hwaddr_len = sizeof(net->dev->mac);
    memcpy(netif->hwaddr, net->dev->mac, sizeof(net->dev->mac));
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
                   NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    netif->output = output_ipv4;
    netif->output_ip6 = output_ipv6;
    netif->linkoutput = on_output;
    return ERR_OK;
}

static void start_fastpath(struct net *net, const struct net_setup *setup)
{
    net->fast_config = setup->fastpath;
    net->nts = setup->nts;
    net->fast_config.machine = &machine;
    net->fast_config.private_only |= net->config->private_only;
    fastpath_init(&net->fast, &net->fast_config, net->dev, setup->limit,
                  &net->ring);

    net->wake = (struct timer){.fn = on_wake, .arg = net};
    timer_add(&net->wake);
    net->dev->near_ticks = setup->fastpath.ticks_per_s / 1000000 * NEAR_US;
    net->dev->on_irq = fastpath_irq;
    net->dev->on_irq_arg = &net->fast;
}

bool net_attach(struct net *net, const struct net_setup *setup)
{
    memset(net, 0, sizeof(*net));
    self = net;
    net->config = setup->config;
    net->dev = setup->dev;
    net->ticks_per_ms = setup->fastpath.ticks_per_s / 1000;
    net->now_ticks = counter_read();
    net->vlan_tag = NO_TAG;
    entropy_fill(net->secret, sizeof(net->secret));

    start_fastpath(net, setup);
    if (!netdev_attach(net->dev, setup->pci))
        return false;

    lwip_init();
    netif_add(&net->netif, NULL, NULL, NULL, net, init_netif, ethernet_input);
    netif_set_default(&net->netif);
    netif_set_hostname(&net->netif, net->config->hostname);
    netif_set_up(&net->netif);
    addresses_start(net);
    net->attached = true;
    if (!slowpath_start(net))
        log_line("NTP by way of lwIP could not be started");
    follow_link(net);
    addresses_poll(net);
    return true;
}

void net_poll(struct net *net, uint64_t now_ticks)
{
    const struct ring_slot *slot;

    net->now_ticks = now_ticks;
    if (!net->attached)
        return;
    follow_link(net);
    for (unsigned n = 0; n < RING_SLOTS; n++) {
        slot = ring_peek(&net->ring);
        if (slot == NULL)
            break;
        take(net, slot);
        ring_release(&net->ring);
    }
    lwip_timers_poll(&net->netif, sys_now());
    addresses_poll(net);
}

uint32_t net_next_timeout_ms(struct net *net)
{
    return net->attached ? lwip_timers_next(&net->netif, sys_now())
                         : UINT32_MAX;
}
