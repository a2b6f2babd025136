/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: a name into addresses, by the name servers we know. */
#include "net/resolve.h"

#include "arch/entropy.h"
#include "net/addresses.h"
#include "net/lwip_port.h"

#include <lwip/udp.h>

#include <string.h>

#define DNS_PORT 53

/* Each attempt asks the next server, and waits longer: 1, 1, 2, 2, 4 s. */
#define ATTEMPTS 5

/* Random ports lie from here to the end; no service of ours does. */
#define FIRST_PORT 16384

/* How often a port in use is drawn before giving up; there are 49152. */
#define PORT_DRAWS 16

struct udp_pcb *resolve_socket(const struct ip_addr6 *peer, uint16_t port)
{
    ip_addr_t to = net_addr_to_lwip(peer);
    struct udp_pcb *pcb = udp_new_ip_type(IP_GET_TYPE(&to));
    uint32_t drawn;

    if (pcb == NULL)
        return NULL;
    for (int i = 0; i < PORT_DRAWS; i++) {
        entropy_fill(&drawn, sizeof(drawn));
        drawn = FIRST_PORT + drawn % (65536 - FIRST_PORT);
        if (udp_bind(pcb, ip_is_v4(peer) ? IP4_ADDR_ANY : IP6_ADDR_ANY,
                     (uint16_t)drawn) == ERR_OK &&
            udp_connect(pcb, &to, port) == ERR_OK)
            return pcb;
    }
    udp_remove(pcb);
    return NULL;
}

bool resolve_literal(const char *text, struct ip_addr6 *addr)
{
    ip_addr_t parsed;

    /* lwIP would take "10" and "0x7f.1" for addresses. */
    if (strchr(text, ':') == NULL &&
        (text[strspn(text, "0123456789.")] != '\0' ||
         strchr(text, '.') == NULL))
        return false;
    if (!ipaddr_aton(text, &parsed))
        return false;
    *addr = net_addr_from_lwip(&parsed);
    return true;
}

const char *resolve_text(enum resolve_state state)
{
    switch (state) {
    case RESOLVE_NO_NAME:
        return "there is no such name";
    case RESOLVE_NO_ADDR:
        return "it has no address that can be used";
    case RESOLVE_NO_SERVER:
        return "no name server is known";
    case RESOLVE_NO_REPLY:
        return "no name server answers";
    case RESOLVE_IDLE:
    case RESOLVE_ASKING:
    case RESOLVE_DONE:
        break;
    }
    return "resolved";
}

static void close_query(struct resolve_query *query)
{
    if (query->pcb != NULL)
        udp_remove(query->pcb);
    query->pcb = NULL;
}

static void on_reply(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                     const ip_addr_t *from, u16_t port)
{
    struct resolve_query *query = arg;
    uint8_t data[DNS_MESSAGE_MAX];
    uint16_t len = pbuf_copy_partial(p, data, sizeof(data), 0);
    enum dns_result result =
        dns_reply(&query->question, data, len, &query->addrs);

    (void)pcb;
    (void)from;
    (void)port;
    pbuf_free(p);
    if (result == DNS_IGNORED)
        return;

    query->result = result;
    close_query(query);
    /* A server that will not say: ask the next one at once. */
    if (result == DNS_FAILED)
        query->owner->next_ticks = 0;
}

static void ask(struct resolve_query *query, const struct ip_addr6 *server)
{
    uint8_t data[DNS_MESSAGE_MAX];
    struct pbuf *p;
    size_t len;

    close_query(query);
    entropy_fill(&query->question.id, sizeof(query->question.id));
    len = dns_query(&query->question, data);
    if (len == 0) {
        query->result = DNS_NO_NAME;
        return;
    }
    query->pcb = resolve_socket(server, DNS_PORT);
    p = pbuf_alloc(PBUF_TRANSPORT, (uint16_t)len, PBUF_RAM);
    if (query->pcb != NULL && p != NULL) {
        pbuf_take(p, data, (uint16_t)len);
        udp_recv(query->pcb, on_reply, query);
        udp_send(query->pcb, p);
    }
    if (p != NULL)
        pbuf_free(p);
}

/* Is the question still open? */
static bool is_open(const struct resolve_query *query)
{
    return query->question.type != 0 &&
           (query->result == DNS_IGNORED || query->result == DNS_FAILED);
}

/* The server for this attempt: one after another, round and round. */
static bool choose_server(const struct resolve *r, struct ip_addr6 *server)
{
    unsigned count = 0;

    while (addresses_nameserver(r->net, count, server))
        count++;
    return count > 0 &&
           addresses_nameserver(r->net, r->attempt % count, server);
}

static enum resolve_state finish(struct resolve *r, enum resolve_state state)
{
    resolve_stop(r);
    r->state = state;
    return state;
}

static enum resolve_state conclude(struct resolve *r)
{
    const struct resolve_query *query = r->query;
    bool no_name = false;
    bool no_reply = false;

    for (int i = 0; i < 2; i++) {
        if (query[i].question.type == 0)
            continue;
        if (query[i].result == DNS_OK)
            return finish(r, RESOLVE_DONE);
        no_name |= query[i].result == DNS_NO_NAME;
        no_reply |= is_open(&query[i]);
    }
    return finish(r, no_reply  ? RESOLVE_NO_REPLY
                     : no_name ? RESOLVE_NO_NAME
                               : RESOLVE_NO_ADDR);
}

static enum resolve_state next_attempt(struct resolve *r, uint64_t now_ticks)
{
    struct ip_addr6 server;

    if (r->attempt >= ATTEMPTS)
        return conclude(r);
    if (!choose_server(r, &server))
        return finish(r, RESOLVE_NO_SERVER);

    /* One address is enough; the other kind had its chance. */
    if (r->query[0].result == DNS_OK || r->query[1].result == DNS_OK)
        return conclude(r);

    r->next_ticks = now_ticks + (r->ticks_per_s << (r->attempt / 2));
    r->attempt++;
    for (int i = 0; i < 2; i++)
        if (is_open(&r->query[i])) {
            r->query[i].result = DNS_IGNORED;
            ask(&r->query[i], &server);
        }
    return RESOLVE_ASKING;
}

void resolve_start(struct resolve *r, struct net *net, const char *name,
                   bool ipv4, bool ipv6, uint64_t now_ticks)
{
    resolve_stop(r);
    r->state = RESOLVE_ASKING;
    r->net = net;
    r->ticks_per_s = net->fast_config.ticks_per_s;
    r->attempt = 0;
    r->next_ticks = now_ticks;
    for (int i = 0; i < 2; i++) {
        r->query[i] = (struct resolve_query){
            .owner = r,
            .question = {.name = name,
                         .type = i == 0 ? (ipv4 ? DNS_TYPE_A : 0)
                                        : (ipv6 ? DNS_TYPE_AAAA : 0)},
            .result = DNS_IGNORED,
        };
    }
}

enum resolve_state resolve_poll(struct resolve *r, uint64_t now_ticks)
{
    if (r->state != RESOLVE_ASKING)
        return r->state;
    if (!is_open(&r->query[0]) && !is_open(&r->query[1]))
        return conclude(r);
    if (now_ticks < r->next_ticks)
        return RESOLVE_ASKING;
    return next_attempt(r, now_ticks);
}

void resolve_stop(struct resolve *r)
{
    close_query(&r->query[0]);
    close_query(&r->query[1]);
    r->state = RESOLVE_IDLE;
}
