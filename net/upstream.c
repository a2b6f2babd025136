/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: asks the servers we follow. */
#include "net/upstream.h"

#include "arch/cpu.h"
#include "arch/fmt.h"
#include "arch/log.h"
#include "arch/mem.h"
#include "net/addr_text.h"
#include "net/addresses.h"
#include "net/frame.h"
#include "net/lwip_port.h"

#include <lwip/udp.h>

#include <string.h>

/* A later reply would be no sample (maxdelay is 3 s at most by default). */
#define REPLY_S 4

/* A name that does not resolve is asked for again after 2, 4, ... 256 s. */
#define RETRY_MAX 8

/* So many attempts (14 s) without any name server are not worth a line. */
#define PATIENCE 3

/* A source that does not serve us is replaced at most so often. */
#define REPLACE_S 1800

#define NAME_MAX_LEN    253 /* RFC 1035, 2.3.4 */
#define TRANSMIT_OFFSET 40  /* of the transmit timestamp in a packet */
#define PACKET_MAX      1500

static uint64_t seconds(const struct upstream *u, uint64_t s)
{
    return s * u->ticks_per_s;
}

static const char *name_of(const struct upstream *u, int slot)
{
    if (u->slot[slot].clock)
        return u->slot[slot].clock;
    return u->name[u->slot[slot].name].source.name;
}

/* Which addresses are asked. */

static bool is_own(const struct upstream *u, const struct ip_addr6 *addr)
{
    for (unsigned i = 0; i < u->owns; i++)
        if (ip_equal(&u->own[i], addr))
            return true;
    return false;
}

/* Have we an address to ask that one from? */
static bool can_reach(const struct upstream *u, const struct ip_addr6 *addr)
{
    bool link_local = addr->byte[0] == 0xfe && (addr->byte[1] & 0xc0) == 0x80;

    for (unsigned i = 0; i < u->owns; i++) {
        const struct ip_addr6 *own = &u->own[i];

        if (ip_is_v4(own) != ip_is_v4(addr))
            continue;
        if (ip_is_v4(own) || link_local || own->byte[0] != 0xfe)
            return true;
    }
    return false;
}

/* Why that address must not be asked, or NULL. */
static const char *refusal(const struct upstream *u,
                           const struct upstream_name *name,
                           const struct ip_addr6 *addr)
{
    bool v4 = ip_is_v4(addr);

    if (!frame_source_ok(addr))
        return "is loopback, multicast or no host's address";
    if (is_own(u, addr))
        return "is our own address";
    if ((v4 && name->source.family == UPSTREAM_IPV6) ||
        (!v4 && name->source.family == UPSTREAM_IPV4))
        return "is of the other family";
    return NULL;
}

/* Is it asked for a source's name, of the same kind, already? */
static bool is_taken(const struct upstream *u,
                     const struct upstream_source *source,
                     const struct ip_addr6 *addr)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        const struct upstream_slot *s = &u->slot[i];
        const struct upstream_source *other = &u->name[s->name].source;

        if (s->used && s->has_addr && ip_equal(&s->addr, addr) &&
            other->nts == source->nts &&
            (source->nts ? other->nts_port == source->nts_port
                         : other->port == source->port))
            return true;
    }
    return false;
}

/* An address of the name that nobody asks yet: the next after that of `slot`,
 * if it has one, so that all of them get their turn. */
static const struct ip_addr6 *choose(const struct upstream *u,
                                     const struct upstream_name *name,
                                     const struct upstream_slot *slot)
{
    unsigned first = 0;

    for (unsigned i = 0; i < name->addrs; i++)
        if (slot->has_addr && ip_equal(&name->addr[i], &slot->addr))
            first = i + 1;
    for (unsigned i = 0; i < name->addrs; i++) {
        const struct ip_addr6 *addr = &name->addr[(first + i) % name->addrs];

        if (refusal(u, name, addr) == NULL && can_reach(u, addr) &&
            !is_taken(u, &name->source, addr))
            return addr;
    }
    return NULL;
}

/* How many addresses of the name could be asked in place of that one. */
static unsigned choices(const struct upstream *u,
                        const struct upstream_name *name)
{
    unsigned count = 0;

    for (unsigned i = 0; i < name->addrs; i++) {
        const struct ip_addr6 *addr = &name->addr[i];

        count += refusal(u, name, addr) == NULL && can_reach(u, addr) &&
                 !is_taken(u, &name->source, addr);
    }
    return count;
}

/* One request under way. */

static void close_slot(struct upstream_slot *s)
{
    if (s->pcb != NULL)
        udp_remove(s->pcb);
    s->pcb = NULL;
}

/* Say once that answers to our requests are not proven to be the server's. */
static void tell_doubt(struct upstream_slot *s, enum source_verdict verdict,
                       uint64_t now_ticks)
{
    const struct upstream *u = s->upstream;
    uint64_t due = u->client->source[s - u->slot].due_ticks;
    uint64_t wait = due > now_ticks ? due - now_ticks : 0;
    bool doubt = verdict == SOURCE_AUTH || verdict == SOURCE_FORMAT ||
                 verdict == SOURCE_EXPIRED;

    if (doubt && !s->doubted)
        log_line(
            "nts %s: an answer from %s is refused: %s; next try in %llu s",
            s->ke->name, addr_text(&s->ntp_addr).text,
            source_verdict_text(verdict),
            (unsigned long long)((wait + u->ticks_per_s - 1) / u->ticks_per_s));
    if (doubt || verdict == SOURCE_OK)
        s->doubted = doubt;
}

static void tell_stolen(struct upstream *u, int more)
{
    if (u->stolen_ns != NULL)
        client_stolen(u->client,
                      (double)u->stolen_ns(u->stolen_arg, more) * 1e-9);
}

static void on_reply(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                     const ip_addr_t *from, u16_t port)
{
    static uint8_t data[PACKET_MAX]; /* too large for the stack */
    struct upstream_slot *s = arg;
    struct upstream *u = s->upstream;
    int slot = (int)(s - u->slot);
    uint16_t len = pbuf_copy_partial(p, data, sizeof(data), 0);
    bool whole = len == p->tot_len;

    (void)pcb;
    (void)from;
    (void)port;
    pbuf_free(p);
    if (!whole)
        return;

    tell_stolen(u, 0);

    enum source_verdict verdict =
        client_receive(u->client, slot, data, len, u->net->rx_ticks);

    if (s->ke != NULL)
        tell_doubt(s, verdict, u->net->rx_ticks);
    switch (verdict) {
    case SOURCE_UNASKED:
    case SOURCE_SHORT:
    case SOURCE_MODE:
    case SOURCE_VERSION:
    case SOURCE_DUPLICATE:
    case SOURCE_BOGUS:
    case SOURCE_AUTH:
    case SOURCE_FORMAT:
    case SOURCE_NAK:
    case SOURCE_EXPIRED:
        return; /* anybody may have sent it; the answer may still come */
    default:
        tell_stolen(u, -1);
        close_slot(s);
    }
}

static void send_request(struct upstream *u,
                         const struct client_request *request,
                         uint64_t now_ticks)
{
    struct upstream_slot *s = &u->slot[request->slot];
    struct pbuf *p;

    close_slot(s);
    if (!s->has_ntp)
        return;

    s->pcb = resolve_socket(&s->ntp_addr, s->ntp_port);
    p = pbuf_alloc(PBUF_TRANSPORT, (uint16_t)request->len, PBUF_RAM);
    if (s->pcb == NULL || p == NULL) {
        u->unsent++;
    } else {
        memcpy(s->transmit_ts, request->data + TRANSMIT_OFFSET, 8);
        s->close_ticks = now_ticks + seconds(u, REPLY_S);
        s->pcb->tos = (uint8_t)(u->net->fast_config.dscp << 2);
        udp_recv(s->pcb, on_reply, s);
        pbuf_take(p, request->data, (uint16_t)request->len);
        if (udp_send(s->pcb, p) != ERR_OK)
            u->unsent++;
    }
    if (p != NULL)
        pbuf_free(p);
}

void upstream_sent(struct upstream *u, const uint8_t transmit_ts[8],
                   uint64_t tx_ticks)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        const struct upstream_slot *s = &u->slot[i];

        if (s->pcb != NULL && memcmp(s->transmit_ts, transmit_ts, 8) == 0) {
            tell_stolen(u, 1);
            client_sent(u->client, i, tx_ticks);
            return;
        }
    }
}

/* Names and slots. */

static void tell_refused(const struct upstream *u, struct upstream_name *name)
{
    for (unsigned i = 0; i < name->addrs; i++) {
        const char *why = refusal(u, name, &name->addr[i]);

        if (why == NULL)
            continue;
        log_line("source %s is not asked: %s %s", name->source.name,
                 addr_text(&name->addr[i]).text, why);
        name->told = true;
    }
}

/* Ask that one for time, from now on. */
static void ask_at(struct upstream *u, int slot, const struct ip_addr6 *addr,
                   uint16_t port, uint64_t now_ticks)
{
    struct upstream_slot *s = &u->slot[slot];

    close_slot(s);
    s->ntp_addr = *addr;
    s->ntp_port = port;
    s->has_ntp = true;
    client_resolved(u->client, slot, addr, now_ticks);
    client_enabled(u->client, slot, now_ticks);
}

static void give(struct upstream *u, int slot, const struct ip_addr6 *addr,
                 uint64_t now_ticks)
{
    struct upstream_slot *s = &u->slot[slot];
    const struct upstream_name *name = &u->name[s->name];

    s->addr = *addr;
    s->has_addr = true;
    s->unwanted = false;
    if (s->ke != NULL)
        ke_client_address(s->ke, addr, choices(u, name));
    else
        ask_at(u, slot, addr, name->source.port, now_ticks);
    if (!name->literal)
        log_line("source %s is %s", name_of(u, slot), addr_text(addr).text);
}

static void take_away(struct upstream *u, int slot)
{
    struct upstream_slot *s = &u->slot[slot];

    close_slot(s);
    s->has_addr = false;
    s->has_ntp = false;
    s->unwanted = false;
    client_unresolved(u->client, slot);
}

static void remove_slot(struct upstream *u, int slot)
{
    struct upstream_slot *s = &u->slot[slot];

    close_slot(s);
    s->used = false;
    s->has_addr = false;
    s->has_ntp = false;
    client_remove(u->client, slot);
}

/*
 * Give addresses of the name to its slots that have none, or a bad one.  Of
 * those that are asked at an address of their own, one is replaced, and the
 * next one when it is time again: a network that fails for an hour must not
 * cost us all servers that we know.  Under NTS, who does not agree serves
 * nothing anyway.
 */
static void assign(struct upstream *u, unsigned index, uint64_t now_ticks)
{
    struct upstream_name *name = &u->name[index];
    bool replaced = false;

    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        struct upstream_slot *s = &u->slot[i];
        const struct ip_addr6 *addr;
        bool one_of_many;

        if (!s->used || s->name != index)
            continue;
        if (s->has_addr && refusal(u, name, &s->addr) != NULL)
            take_away(u, i); /* it has become our own */
        one_of_many = s->has_addr && s->ke == NULL;
        if (s->has_addr && (!s->unwanted || (one_of_many && replaced)))
            continue;
        addr = choose(u, name, s);
        replaced |= one_of_many && addr != NULL;
        if (addr != NULL)
            give(u, i, addr, now_ticks);
        else
            s->unwanted = false; /* there is nothing better */
    }
}

/* Has a slot of that name use for another address? */
static bool wants_address(const struct upstream *u, unsigned index)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        const struct upstream_slot *s = &u->slot[i];

        if (s->used && s->name == index && (!s->has_addr || s->unwanted))
            return true;
    }
    return false;
}

static void resolved(struct upstream *u, unsigned index, uint64_t now_ticks)
{
    struct upstream_name *name = &u->name[index];

    name->addrs = 0;
    for (int i = 0; i < 2; i++) {
        const struct resolve_query *query = &name->resolve.query[i];

        if (query->result != DNS_OK)
            continue;
        for (unsigned k = 0; k < query->addrs.count; k++)
            if (name->addrs < UPSTREAM_ADDRS_MAX)
                name->addr[name->addrs++] = query->addrs.addr[k];
    }
    name->attempts = 0;
    name->told = false;
    name->next_ticks = 0;
    tell_refused(u, name);
    assign(u, index, now_ticks);

    /* A pool may have more another time. */
    if (wants_address(u, index))
        name->next_ticks = now_ticks + seconds(u, REPLACE_S);
}

static void unresolved(struct upstream *u, unsigned index,
                       enum resolve_state why, uint64_t now_ticks)
{
    struct upstream_name *name = &u->name[index];

    /* DHCP may be about to name one. */
    bool early = why == RESOLVE_NO_SERVER && name->attempts < PATIENCE;

    if (!name->told && !early) {
        log_line("source %s: %s", name->source.name, resolve_text(why));
        name->told = true;
    }
    if (name->attempts < RETRY_MAX)
        name->attempts++;
    name->next_ticks = now_ticks + seconds(u, 1ull << name->attempts);
}

static void poll_name(struct upstream *u, unsigned index, uint64_t now_ticks)
{
    struct upstream_name *name = &u->name[index];
    enum resolve_state state = resolve_poll(&name->resolve, now_ticks);
    enum upstream_family family = name->source.family;

    switch (state) {
    case RESOLVE_ASKING:
        return;
    case RESOLVE_DONE:
        resolved(u, index, now_ticks);
        break;
    case RESOLVE_IDLE:
        break;
    default:
        unresolved(u, index, state, now_ticks);
    }
    resolve_stop(&name->resolve);

    /* Without an address of our own nobody would answer. */
    if (name->next_ticks != 0 && name->next_ticks <= now_ticks && u->owns > 0 &&
        wants_address(u, index))
        resolve_start(&name->resolve, u->net, name->source.name,
                      family != UPSTREAM_IPV6, family != UPSTREAM_IPV4,
                      now_ticks);
}

/* Keys and cookies for that source. */
static void add_ke(struct upstream *u, int slot)
{
    struct upstream_slot *s = &u->slot[slot];
    const struct upstream_source *source = &u->name[s->name].source;

    s->ke = mem_alloc(sizeof(*s->ke), 0);
    ke_client_init(s->ke, u->ke, source->name, source->nts_port,
                   source->certset);
    client_authenticate(u->client, slot, &s->ke->nts.auth);
}

static void add_name(struct upstream *u, unsigned index,
                     const struct upstream_source *source, uint64_t now_ticks)
{
    struct upstream_name *name = &u->name[index];
    unsigned slots = source->max_sources > 0 ? source->max_sources : 1;

    name->used = true;
    name->source = *source;
    name->literal = resolve_literal(source->name, &name->addr[0]);
    if (name->literal) {
        name->addrs = 1;
        tell_refused(u, name);
    } else {
        name->next_ticks = now_ticks;
    }

    for (unsigned i = 0; i < slots; i++) {
        int slot = client_add(u->client, &source->ntp);

        if (slot < 0) {
            log_line("source %s: only %d sources can be followed", source->name,
                     CLIENT_SOURCES_MAX);
            return;
        }
        u->slot[slot] = (struct upstream_slot){
            .upstream = u, .used = true, .name = (uint8_t)index};
        if (source->nts)
            add_ke(u, slot);
    }
}

/* What has happened, for the log. */

/* Its name, and the address that is asked if that is not the name. */
static void source_text(const struct upstream *u, int slot, char *out,
                        size_t room)
{
    const struct upstream_slot *s = &u->slot[slot];
    bool named = u->name[s->name].literal && ip_equal(&s->addr, &s->ntp_addr);

    if (s->has_ntp && !named)
        fmt_print(out, room, " %s (%s)", name_of(u, slot),
                  addr_text(&s->ntp_addr).text);
    else
        fmt_print(out, room, " %s", name_of(u, slot));
}

static unsigned long long days_of(uint64_t us)
{
    return us / 1000000 / 86400;
}

/* ", offset +0.000123 s", or when, if there is one to tell. */
static void offset_text(const struct client_event *event, char *out,
                        size_t room)
{
    double magnitude = event->offset < 0 ? -event->offset : event->offset;
    uint64_t us = magnitude < 1e13 ? (uint64_t)(magnitude * 1e6 + 0.5) : 0;

    switch (event->type) {
    case CLIENT_FIRST_SET:
    case CLIENT_PROVISIONAL_SET:
    case CLIENT_STEP:
    case CLIENT_STEP_REFUSED:
    case CLIENT_FALSETICKER:
        fmt_print(out, room, ", offset %c%llu.%06llu s",
                  event->offset < 0 ? '-' : '+',
                  (unsigned long long)(us / 1000000),
                  (unsigned long long)(us % 1000000));
        break;
    case CLIENT_SMEARING:
        fmt_print(out, room, " %c%llu.%06llu s", event->offset < 0 ? '-' : '+',
                  (unsigned long long)(us / 1000000),
                  (unsigned long long)(us % 1000000));
        break;
    case CLIENT_LEAP:
        fmt_print(out, room, ", in %llu s", (unsigned long long)(us / 1000000));
        break;
    case CLIENT_LIST_EXPIRING:
        fmt_print(out, room, " in %llu days", days_of(us));
        break;
    case CLIENT_LIST_EXPIRED:
        fmt_print(out, room, " %llu days ago", days_of(us));
        break;
    default:
        out[0] = '\0';
    }
}

static void log_local(const struct upstream *u, uint64_t ticks)
{
    struct client_tracking tracking;
    bool named = false;

    for (unsigned i = 0; i < UPSTREAM_NAMES_MAX; i++)
        named |= u->name[i].used;
    client_tracking(u->client, ticks, &tracking);
    log_line("%s: serving our own time, local stratum %u",
             named ? "no server reachable" : "no server to follow",
             tracking.status.stratum);
}

static void log_event(const struct upstream *u,
                      const struct client_event *event)
{
    char source[NAME_MAX_LEN + ADDR_TEXT_MAX + 8] = "";
    char offset[40];

    if (event->type == CLIENT_LOCAL) {
        log_local(u, event->ticks);
        return;
    }
    if (event->slot >= 0)
        source_text(u, event->slot, source, sizeof(source));
    offset_text(event, offset, sizeof(offset));
    log_line("%s%s%s%s%s", client_event_text(event->type), source,
             event->type == CLIENT_UNUSABLE ? ": " : "",
             event->type == CLIENT_UNUSABLE ? source_state_text(event->state)
                                            : "",
             offset);
}

/* It serves us again, before another address was found.  Of one under NTS,
 * establishment may be what fails. */
static bool has_recovered(const struct upstream_slot *s,
                          const struct client_event *event)
{
    if (s->ke != NULL)
        return false;
    return event->type == CLIENT_SELECTED || event->type == CLIENT_TRUECHIMER ||
           (event->type == CLIENT_REACHABLE && s->silent);
}

/* A source that does not serve us: another address may. */
static void note_event(struct upstream *u, const struct client_event *event,
                       uint64_t now_ticks)
{
    struct upstream_slot *s = &u->slot[event->slot < 0 ? 0 : event->slot];
    struct upstream_name *name = &u->name[s->name];
    bool bad =
        event->type == CLIENT_UNREACHABLE ||
        event->type == CLIENT_FALSETICKER ||
        (event->type == CLIENT_UNUSABLE &&
         (event->state == SOURCE_STRATUM || event->state == SOURCE_DISTANCE)) ||
        (event->type == CLIENT_KISS_STOP && name->source.max_sources > 0);

    if (event->slot < 0 || name->literal || !s->has_addr)
        return;
    if (has_recovered(s, event))
        s->unwanted = false;
    if (!bad)
        return;
    s->silent =
        event->type == CLIENT_UNREACHABLE && (!s->unwanted || s->silent);
    s->unwanted = true;
    if (name->next_ticks == 0)
        name->next_ticks =
            name->replace_ticks > now_ticks ? name->replace_ticks : now_ticks;
    name->replace_ticks = name->next_ticks + seconds(u, REPLACE_S);
}

static void poll_events(struct upstream *u, uint64_t now_ticks)
{
    struct client_event event;

    while (client_event(u->client, &event)) {
        log_event(u, &event);
        note_event(u, &event, now_ticks);
    }
}

void upstream_start(struct upstream *u, const struct upstream_setup *setup,
                    uint64_t now_ticks)
{
    memset(u, 0, sizeof(*u));
    u->client = setup->client;
    u->net = setup->net;
    u->ke = setup->ke;
    u->ticks_per_s = setup->ticks_per_s;
    u->use_dhcp = setup->use_dhcp;
    u->stolen_ns = setup->stolen_ns;
    u->stolen_arg = setup->stolen_arg;
    for (unsigned i = 0; i < setup->source_count && i < UPSTREAM_NAMES_MAX; i++)
        add_name(u, i, &setup->source[i], now_ticks);
    client_ready(u->client);

    net_tell(setup->net, u);
}

void upstream_addresses(struct upstream *u, const struct ip_addr6 *addr,
                        unsigned count)
{
    u->owns = count < UPSTREAM_OWN_MAX ? count : UPSTREAM_OWN_MAX;
    memcpy(u->own, addr, u->owns * sizeof(*addr));
    client_own_addresses(u->client, u->own, u->owns);
    u->changed = true;
}

void upstream_link_up(struct upstream *u)
{
    u->link_came_up = true;
}

/* Is it among the servers that DHCP names now? */
static bool is_listed(const struct upstream_name *name,
                      const struct ip_addr6 *addr, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (ip_equal(&name->addr[0], &addr[i]))
            return true;
    return false;
}

static void drop_name(struct upstream *u, unsigned index)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++)
        if (u->slot[i].used && u->slot[i].name == index)
            remove_slot(u, i);
    log_line("source %s: DHCP names it no longer", u->name[index].source.name);
    u->name[index].used = false;
}

static void add_dhcp(struct upstream *u, const struct ip_addr6 *addr)
{
    struct upstream_source source = {.port = 123};
    unsigned index = UPSTREAM_NAMES_MAX;

    for (unsigned i = UPSTREAM_NAMES_MAX; i-- > 0;) {
        const struct upstream_name *name = &u->name[i];

        if (!name->used)
            index = i;
        else if (name->dhcp && ip_equal(&name->addr[0], addr))
            return;
    }
    if (index == UPSTREAM_NAMES_MAX)
        return;

    memset(&u->name[index], 0, sizeof(u->name[index]));
    source_config_default(&source.ntp);
    source.ntp.iburst = true;
    u->name[index].dhcp = true;
    u->name[index].text = addr_text(addr);
    source.name = u->name[index].text.text;
    log_line("source %s, by DHCP", source.name);
    add_name(u, index, &source, 0);
}

void upstream_dhcp_sources(struct upstream *u, const struct ip_addr6 *addr,
                           unsigned count)
{
    if (!u->use_dhcp)
        return;
    for (unsigned i = 0; i < UPSTREAM_NAMES_MAX; i++)
        if (u->name[i].used && u->name[i].dhcp &&
            !is_listed(&u->name[i], addr, count))
            drop_name(u, i);
    for (unsigned i = 0; i < count; i++)
        add_dhcp(u, &addr[i]);
    client_ready(u->client);
    u->changed = true;
}

/* Where NTP is, if NTS-KE did not say. */
static uint16_t ntp_port(const struct upstream_name *name,
                         const struct ke_client *ke)
{
    return ke->ntp_port != 0 ? ke->ntp_port : name->source.port;
}

/* Keys were kept: ask the server that they are for. */
static void resume(struct upstream *u, unsigned index, uint64_t now_ticks)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        const struct upstream_slot *s = &u->slot[i];
        const struct ke_client *ke = s->ke;

        if (s->used && s->name == index && !s->has_ntp && ke != NULL &&
            ke->nts.has_keys && ke->ntp_addrs > 0 &&
            refusal(u, &u->name[index], &ke->ntp_addr[0]) == NULL &&
            can_reach(u, &ke->ntp_addr[0]))
            ask_at(u, i, &ke->ntp_addr[0], ntp_port(&u->name[index], ke),
                   now_ticks);
    }
}

/* New addresses of ours: names may be resolved, and asked, from them. */
static void reconsider(struct upstream *u, uint64_t now_ticks)
{
    u->changed = false;
    for (unsigned i = 0; i < UPSTREAM_NAMES_MAX; i++) {
        struct upstream_name *name = &u->name[i];

        if (!name->used)
            continue;
        assign(u, i, now_ticks);
        resume(u, i, now_ticks);
        if (!name->literal && name->addrs == 0)
            name->next_ticks = now_ticks;
        if (name->literal && !name->told)
            tell_refused(u, name);
    }
}

/* DHCPv6 and routers name servers after our addresses are known. */
static bool name_server_changed(struct upstream *u)
{
    struct ip_addr6 now = {{0}};

    (void)addresses_nameserver(u->net, 0, &now);
    if (ip_equal(&now, &u->name_server))
        return false;
    u->name_server = now;
    return true;
}

/* Of the servers that NTS-KE named, one that may be asked. */
static void follow_ke(struct upstream *u, int slot, uint64_t now_ticks)
{
    struct upstream_slot *s = &u->slot[slot];
    const struct upstream_name *name = &u->name[s->name];
    struct ke_client *ke = s->ke;
    char why[ADDR_TEXT_MAX + 80];

    for (unsigned i = 0; i < ke->ntp_addrs; i++) {
        const struct ip_addr6 addr = ke->ntp_addr[i];
        const char *refused = refusal(u, name, &addr);

        if (refused == NULL && !can_reach(u, &addr))
            refused = "cannot be reached from our addresses";
        fmt_print(why, sizeof(why), "its NTP server %s %s",
                  addr_text(&addr).text, refused != NULL ? refused : "");
        if (refused == NULL) {
            ke_client_chose(ke, &addr);
            ask_at(u, slot, &addr, ntp_port(name, ke), now_ticks);
            return;
        }
    }
    ke_client_reject(ke, why, now_ticks);
    s->unwanted = true;
}

static void poll_ke(struct upstream *u, int slot, uint64_t now_ticks)
{
    struct upstream_slot *s = &u->slot[slot];
    struct upstream_name *name = &u->name[s->name];

    s->ke->ask_ticks = u->client->source[slot].due_ticks;
    switch (ke_client_poll(s->ke, now_ticks)) {
    case KE_CLIENT_AGREED:
        follow_ke(u, slot, now_ticks);
        break;
    case KE_CLIENT_ELSEWHERE:
        s->unwanted = true;
        assign(u, s->name, now_ticks);
        return;
    case KE_CLIENT_FAILED:
        s->unwanted = true;
        break;
    default:
        return;
    }
    /* Another address of that name may do better. */
    if (s->unwanted && !name->literal && name->next_ticks == 0)
        name->next_ticks = now_ticks;
}

void upstream_name_clock(struct upstream *u, int slot, const char *name)
{
    u->slot[slot].clock = name;
}

void upstream_renew(struct upstream *u, uint64_t now_ticks)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        close_slot(&u->slot[i]);
        if (u->slot[i].used && u->slot[i].ke != NULL)
            ke_client_renew(u->slot[i].ke, now_ticks);
    }
}

void upstream_poll(struct upstream *u, uint64_t now_ticks)
{
    struct client_request request;

    if (u->changed || name_server_changed(u))
        reconsider(u, now_ticks);
    if (u->link_came_up) {
        u->link_came_up = false;
        client_burst(u->client, now_ticks);
    }

    for (unsigned i = 0; i < UPSTREAM_NAMES_MAX; i++)
        if (u->name[i].used && !u->name[i].literal)
            poll_name(u, i, now_ticks);
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++)
        if (u->slot[i].pcb != NULL && u->slot[i].close_ticks <= now_ticks)
            close_slot(&u->slot[i]);

    for (int i = 0; i < CLIENT_SOURCES_MAX; i++)
        if (u->slot[i].used && u->slot[i].ke != NULL)
            poll_ke(u, i, now_ticks);
    while (client_poll(u->client, now_ticks, &request))
        send_request(u, &request, now_ticks);
    client_tick(u->client, now_ticks);
    poll_events(u, now_ticks);
}

static uint64_t slot_next(const struct upstream_slot *s, uint64_t next)
{
    if (s->pcb != NULL && s->close_ticks < next)
        next = s->close_ticks;
    if (s->used && s->ke != NULL && ke_client_next(s->ke) < next)
        next = ke_client_next(s->ke);
    return next;
}

uint64_t upstream_next(const struct upstream *u)
{
    uint64_t next = client_next(u->client);

    if (u->changed || u->link_came_up)
        return 0;
    for (unsigned i = 0; i < UPSTREAM_NAMES_MAX; i++) {
        const struct upstream_name *name = &u->name[i];
        bool asking = name->resolve.state == RESOLVE_ASKING;
        uint64_t at = asking ? name->resolve.next_ticks : name->next_ticks;

        if (!name->used || name->literal || at >= next)
            continue;
        if (asking || (at != 0 && u->owns > 0 && wants_address(u, i)))
            next = at;
    }
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++)
        next = slot_next(&u->slot[i], next);
    return next;
}
