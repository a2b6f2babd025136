/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: NTP requests that the fast path left to lwIP. */
#include "net/slowpath.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "net/lwip_port.h"
#include "ntp/bytes.h"

#include <lwip/ip.h>
#include <lwip/udp.h>

#include <string.h>

/* A request; a longer one has nothing in it that we know. */
#define REQUEST_MAX 1500

static enum ntp_verdict check(struct net *net, const struct pbuf *p,
                              const struct ip_addr6 *source,
                              uint16_t source_port)
{
    enum ntp_verdict verdict;
    uint64_t flags;

    if (p->flags & (PBUF_FLAG_LLBCAST | PBUF_FLAG_LLMCAST) ||
        ip_addr_isbroadcast(ip_current_dest_addr(), &net->netif) ||
        ip_addr_ismulticast(ip_current_dest_addr()))
        return NTP_DROP_DESTINATION;

    /*
     * lwIP has only just moved past the UDP header.  It never looked at the
     * length there, and checks a checksum, but does not miss one (RFC 8200,
     * 8.1).
     */
    const uint8_t *udp = (const uint8_t *)p->payload - UDP_HLEN;

    if (get_u16(udp + 4) != UDP_HLEN + p->tot_len)
        return NTP_DROP_UDP;
    if (ip_current_is_v6() && get_u16(udp + 6) == 0)
        return NTP_DROP_CHECKSUM;
    if (p->tot_len > REQUEST_MAX)
        return NTP_DROP_FORMAT;

    /* The table of clients is interrupt level's own. */
    flags = irq_save();
    verdict = fastpath_admit(&net->fast, source, source_port, net->rx_ticks);
    irq_restore(flags);
    return verdict;
}

/* A reply of either kind; too large for the stack, and one at a time. */
struct answer {
    uint8_t data[REQUEST_MAX];
    bool nts;
    struct ntp_reply plain;
    struct nts_reply protected;
};

/* With `verdict` as fastpath_admit() gave it. */
static enum ntp_verdict make_reply(struct net *net, struct answer *a,
                                   size_t len, enum ntp_verdict verdict,
                                   const struct ip_addr6 *from, uint16_t port)
{
    const struct fastpath_config *config = &net->fast_config;
    struct clock_line line = clock_read(config->clock);
    bool kiss = verdict == NTP_KISS_RATE;

    verdict = NTP_PASS;
    if (net->nts != NULL)
        verdict = (kiss ? nts_server_kiss : nts_server_reply)(
            net->nts, &line, net->rx_ticks, a->data, len, &a->protected);
    a->nts = verdict != NTP_PASS;
    if (a->nts)
        return verdict;

    verdict = (kiss ? ntp_server_kiss : ntp_server_reply)(
        config->server, &line, net->rx_ticks, port, a->data, len, &a->plain);
    if (ntp_is_answer(verdict) &&
        !fastpath_satisfied(config, from, a->plain.key != NULL))
        return NTP_DROP_REQUIRED;
    return verdict;
}

/* Write what is written last; returns the length of the reply. */
static size_t finish(const struct net *net, struct answer *a)
{
    struct clock_line line = clock_read(net->fast_config.clock);

    if (!a->nts) {
        ntp_server_finish(&a->plain, &line, counter_read());
        return a->plain.len;
    }
    nts_server_finish(&a->protected, &line, counter_read());
    nts_server_forget(&a->protected);
    return a->protected.len;
}

/* It will not leave; the client's key does not stay either. */
static enum ntp_verdict abandon(struct answer *a, enum ntp_verdict verdict)
{
    if (a->nts)
        nts_server_forget(&a->protected);
    return verdict;
}

static enum ntp_verdict answer(struct net *net, struct udp_pcb *pcb,
                               const struct pbuf *request,
                               enum ntp_verdict verdict, const ip_addr_t *to,
                               uint16_t port)
{
    static struct answer a;
    struct ip_addr6 from = net_addr_from_lwip(to);
    struct pbuf *p;

    pbuf_copy_partial(request, a.data, request->tot_len, 0);
    verdict = make_reply(net, &a, request->tot_len, verdict, &from, port);
    if (!ntp_is_answer(verdict))
        return verdict;
    if (net_is_stale(net))
        return abandon(&a, NTP_DROP_DISRUPTED);

    /* No reply is longer than its request. */
    p = pbuf_alloc(PBUF_TRANSPORT, request->tot_len, PBUF_RAM);
    if (p == NULL)
        return abandon(&a, NTP_DROP_SEND);

    pbuf_realloc(p, (uint16_t)finish(net, &a));
    pbuf_take(p, a.data, p->tot_len);
    if (udp_sendto_if_src(pcb, p, to, port, &net->netif,
                          ip_current_dest_addr()) != ERR_OK)
        verdict = NTP_DROP_SEND;
    pbuf_free(p);
    return verdict;
}

static void on_request(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                       const ip_addr_t *from, uint16_t port)
{
    struct net *net = arg;
    struct ip_addr6 source = net_addr_from_lwip(from);
    enum ntp_verdict verdict = check(net, p, &source, port);

    if (ntp_is_answer(verdict))
        verdict = answer(net, pcb, p, verdict, from, port);
    net->count.verdict[verdict]++;
    pbuf_free(p);
}

bool slowpath_start(struct net *net)
{
    struct udp_pcb *pcb;

    if (net->fast_config.port == 0)
        return true;

    pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    if (pcb == NULL ||
        udp_bind(pcb, IP_ANY_TYPE, net->fast_config.port) != ERR_OK)
        return false;

    pcb->ttl = 64;
    pcb->tos = (uint8_t)(net->fast_config.dscp << 2);
    udp_recv(pcb, on_request, net);
    return true;
}
