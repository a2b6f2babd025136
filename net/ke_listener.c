/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: NTS key establishment for clients, on TCP 4460. */
#include "net/ke_listener.h"

#include "arch/cpu.h"
#include "net/lwip_port.h"

#include <mbedtls/platform_util.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include <string.h>

/* From the connection to the end of TLS's handshake, and from there to the
 * end of the request. */
#define HANDSHAKE_MS 5000
#define REQUEST_MS   3000

/*
 * Who kept us waiting for so long, all in all, makes room when others come: for
 * a hello, which is sent with the end of TCP's handshake, and after our answer,
 * when we wait for a round trip or two.
 */
#define WAITED_HELLO_MS 100
#define WAITED_MS       500

/*
 * How long one waits for a session where nobody is known to be slow yet: until
 * all who are will be.  How often it is looked whether he may have one.
 */
#define QUEUE_MS 600
#define ADMIT_MS 10

/*
 * Connections of which TCP's own handshake is not done.  Its last segment takes
 * a round trip, in which as many more may begin as there is room for in the
 * ring of frames (net/ring.h); the oldest of more than these goes.  Up to a
 * ring more come before that is looked at.
 */
#define HALF_OPEN_MAX 256

/*
 * Connections that were closed and wait for stray segments (TIME_WAIT).  lwIP
 * opens none anew: who comes again from the same port is not heard until then.
 * So only the newest are kept.
 */
#define CLOSED_MAX 64

static uint64_t ticks(const struct ke_listener *k, uint64_t ms)
{
    return ms * (k->setup.ticks_per_s / 1000);
}

static uint64_t after_ms(const struct ke_listener *k, uint64_t ms)
{
    return k->now_ticks + ticks(k, ms);
}

/* The connection is not ours any more. */
static void forget(struct ke_listener *k, struct ke_connection *c,
                   enum ke_fate fate)
{
    k->count[fate]++;
    k->open--;
    *c = (struct ke_connection){.tls = NULL};
}

static void close_it(struct ke_listener *k, struct ke_connection *c,
                     enum ke_fate fate)
{
    tls_close(c->tls);
    forget(k, c, fate);
}

static void abort_it(struct ke_listener *k, struct ke_connection *c,
                     enum ke_fate fate)
{
    tls_abort(c->tls);
    forget(k, c, fate);
}

/* Answers. */

static void answer_error(struct ke_listener *k, struct ke_connection *c,
                         enum nts_ke_error error, enum ke_fate fate)
{
    uint8_t out[NTS_KE_REPLY_MAX];

    (void)tls_write(c->tls, out, nts_ke_error_answer(error, out));
    close_it(k, c, fate);
}

static bool export_keys(struct tls *t, const struct nts_ke_terms *terms,
                        struct nts_cookie *cookie)
{
    uint8_t context[NTS_KE_EXPORTER_CONTEXT_LEN];
    size_t len = aead_key_len(terms->aead);

    cookie->aead = terms->aead;
    nts_ke_exporter_context(terms->exporter_aead, false, context);
    if (!tls_export(t, NTS_KE_EXPORTER_LABEL, context, sizeof(context),
                    cookie->c2s, len))
        return false;
    nts_ke_exporter_context(terms->exporter_aead, true, context);
    return tls_export(t, NTS_KE_EXPORTER_LABEL, context, sizeof(context),
                      cookie->s2c, len);
}

/* Cookies with the session's keys, one after another; false: there is none. */
static bool make_cookies(const struct ke_setup *s, struct tls *t,
                         struct nts_ke_answer *a,
                         uint8_t bytes[NTS_KE_COOKIES * NTS_COOKIE_MAX])
{
    struct nts_cookie cookie;
    uint8_t nonce[NTS_COOKIE_NONCE_LEN];
    bool made = export_keys(t, &a->terms, &cookie);

    a->cookie = bytes;
    a->cookie_len = nts_cookie_len(a->terms.aead);
    while (made && a->cookies < NTS_KE_COOKIES) {
        s->random(s->random_context, nonce, sizeof(nonce));
        made = nts_cookie_seal(s->keys, &cookie, nonce,
                               bytes + a->cookies * a->cookie_len) != 0;
        a->cookies++;
    }
    mbedtls_platform_zeroize(&cookie, sizeof(cookie));
    return made;
}

static enum ke_fate fate_of(const struct nts_ke_terms *terms)
{
    if (!terms->ok)
        return terms->error == NTS_KE_BAD_REQUEST ? KE_BAD : KE_ERROR;
    return terms->has_aead ? KE_ANSWERED : KE_NOTHING;
}

static void answer(struct ke_listener *k, struct ke_connection *c)
{
    const struct ke_setup *s = &k->setup;
    uint8_t cookies[NTS_KE_COOKIES * NTS_COOKIE_MAX];
    uint8_t out[NTS_KE_REPLY_MAX];
    struct nts_ke_answer a = {
        .server = s->ntp_server,
        .port = s->ntp_port,
    };

    nts_ke_judge(c->request, c->len, s->aead, s->aeads, &a.terms);
    if (a.terms.ok && a.terms.has_aead &&
        !make_cookies(s, c->tls, &a, cookies)) {
        answer_error(k, c, NTS_KE_INTERNAL, KE_ERROR);
        return;
    }
    (void)tls_write(c->tls, out, nts_ke_answer(&a, out));
    close_it(k, c, fate_of(&a.terms));
}

/* Requests. */

/* Read what has come; true if it was the last that comes. */
static bool read_all(struct ke_connection *c)
{
    size_t got;

    while (c->len < NTS_KE_MESSAGE_MAX &&
           (got = tls_read(c->tls, c->request + c->len,
                           NTS_KE_MESSAGE_MAX - c->len)) > 0)
        c->len += got;
    return tls_state(c->tls) == TLS_CLOSED;
}

static void read_request(struct ke_listener *k, struct ke_connection *c)
{
    if (c->request == NULL) {
        c->request = tls_alloc(c->tls, NTS_KE_MESSAGE_MAX);
        c->end_ticks = after_ms(k, REQUEST_MS);
        if (c->request == NULL) {
            answer_error(k, c, NTS_KE_INTERNAL, KE_ERROR);
            return;
        }
    }

    bool last = read_all(c);

    if (tls_state(c->tls) == TLS_FAILED) {
        close_it(k, c, KE_LOST);
        return;
    }
    switch (nts_ke_scan(c->request, c->len)) {
    case NTS_KE_WHOLE:
        answer(k, c);
        return;
    case NTS_KE_TOO_LONG:
        answer_error(k, c, NTS_KE_BAD_REQUEST, KE_BAD);
        return;
    case NTS_KE_MORE:
        break;
    }
    if (last || c->len == NTS_KE_MESSAGE_MAX)
        answer_error(k, c, NTS_KE_BAD_REQUEST, KE_BAD);
    else if (k->now_ticks >= c->end_ticks)
        answer_error(k, c, NTS_KE_BAD_REQUEST, KE_SLOW);
}

/* One piece of work, or the end of patience. */
static void look_after(struct ke_listener *k, struct ke_connection *c)
{
    switch (tls_state(c->tls)) {
    case TLS_HANDSHAKE:
        if (k->now_ticks >= c->end_ticks)
            abort_it(k, c, KE_NO_TIME);
        else
            tls_step(c->tls);
        break;
    case TLS_OPEN:
    case TLS_CLOSED:
        read_request(k, c);
        break;
    case TLS_FAILED:
        close_it(k, c, c->request == NULL ? KE_NO_TLS : KE_LOST);
        break;
    }
}

static bool is_due(const struct ke_connection *c, uint64_t now_ticks)
{
    return tls_wants_step(c->tls) || tls_state(c->tls) == TLS_FAILED ||
           now_ticks >= c->end_ticks;
}

/* Who came first goes first, so that each is done with soon. */
static struct ke_connection *first_due(struct ke_listener *k)
{
    struct ke_connection *first = NULL;

    for (unsigned i = 0; i < k->setup.connections; i++) {
        struct ke_connection *c = &k->connection[i];

        if (c->tls != NULL && is_due(c, k->now_ticks) &&
            (first == NULL || c->accepted_ticks < first->accepted_ticks))
            first = c;
    }
    return first;
}

/* Connections. */

/*
 * How many places some have: a network, which for IPv6 is a /64, all of whose
 * addresses one host may have; and the one address in it, for they may as well
 * be our neighbours, each with his own.
 */
struct share {
    unsigned network;
    unsigned host;
};

static bool is_same_network(const struct ip_addr6 *a, const struct ip_addr6 *b)
{
    if (ip_is_v4(a) || ip_is_v4(b))
        return ip_equal(a, b);
    return memcmp(a->byte, b->byte, 8) == 0;
}

static struct share share_of(const struct ke_listener *k,
                             const struct ip_addr6 *addr)
{
    struct share share = {0};

    for (unsigned i = 0; i < k->setup.connections; i++) {
        const struct ke_connection *c = &k->connection[i];

        share.network += c->tls != NULL && is_same_network(&c->from, addr);
        share.host += c->tls != NULL && ip_equal(&c->from, addr);
    }
    return share;
}

static bool waited_too_long(const struct ke_listener *k,
                            const struct ke_connection *c)
{
    uint64_t most = tls_has_spoken(c->tls) ? WAITED_MS : WAITED_HELLO_MS;

    return !tls_wants_step(c->tls) &&
           tls_waited(c->tls, k->now_ticks) >= ticks(k, most);
}

/* May it, of those that have `share`, end for one `from` there, of those that
 * have `theirs`? */
static bool gives_way(const struct ke_listener *k,
                      const struct ke_connection *c, struct share share,
                      const struct ip_addr6 *from, struct share theirs)
{
    unsigned has = share.network;
    unsigned newcomer = theirs.network;

    if (is_same_network(&c->from, from)) {
        has = share.host;
        newcomer = theirs.host;
    }
    return has > newcomer + 1 || (has >= newcomer && waited_too_long(k, c));
}

/* Does the first of two that give way go before the other one? */
static bool goes_first(const struct ke_listener *k,
                       const struct ke_connection *a, struct share share_a,
                       const struct ke_connection *b, struct share share_b)
{
    if (share_a.network != share_b.network)
        return share_a.network > share_b.network;
    if (share_a.host != share_b.host)
        return share_a.host > share_b.host;
    return tls_waited(a->tls, k->now_ticks) > tls_waited(b->tls, k->now_ticks);
}

/*
 * Who has more places than the newcomer, itself counted, loses one; where all
 * have as few, who kept us waiting too long does.  Nobody loses his place to
 * one who has more of them than himself.  Networks are compared, and in the
 * newcomer's own the hosts.
 */
static bool evict(struct ke_listener *k, const struct ip_addr6 *from)
{
    struct share theirs = share_of(k, from);
    struct share most = {0};
    struct ke_connection *found = NULL;

    for (unsigned i = 0; i < k->setup.connections; i++) {
        struct ke_connection *c = &k->connection[i];
        struct share share;

        if (c->tls == NULL)
            continue;
        share = share_of(k, &c->from);
        if (!gives_way(k, c, share, from, theirs) ||
            (found != NULL && !goes_first(k, c, share, found, most)))
            continue;
        most = share;
        found = c;
    }
    if (found == NULL)
        return false;
    abort_it(k, found, KE_EVICTED);
    return true;
}

static struct ke_connection *free_place(struct ke_listener *k)
{
    for (unsigned i = 0; i < k->setup.connections; i++)
        if (k->connection[i].tls == NULL)
            return &k->connection[i];
    return NULL;
}

static bool take(struct ke_listener *k, struct tcp_pcb *pcb,
                 const struct ip_addr6 *from)
{
    struct ke_connection *c = free_place(k);
    struct tls *t = c != NULL ? tls_accept(k->setup.tls, pcb) : NULL;

    if (t == NULL)
        return false;
    *c = (struct ke_connection){
        .tls = t,
        .from = *from,
        .accepted_ticks = k->now_ticks,
        .end_ticks = after_ms(k, HANDSHAKE_MS),
    };
    if (++k->open > k->open_max)
        k->open_max = k->open;
    return true;
}

static bool admit(struct ke_listener *k, struct tcp_pcb *pcb,
                  const struct ip_addr6 *from)
{
    return take(k, pcb, from) || (evict(k, from) && take(k, pcb, from));
}

/* Nobody comes before others of his network who wait. */
static bool passes_queue(const struct ke_listener *k,
                         const struct ip_addr6 *from)
{
    for (unsigned i = 0; i < KE_QUEUE_MAX; i++) {
        const struct ke_waiting *w = &k->queue.waiting[i];

        if (w->pcb != NULL && is_same_network(&w->from, from))
            return false;
    }
    return true;
}

static err_t refuse(struct ke_listener *k, struct tcp_pcb *pcb,
                    enum ke_fate fate)
{
    k->count[fate]++;
    tcp_abort(pcb);
    return ERR_ABRT;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct ke_listener *k = arg;
    struct ip_addr6 from;

    if (pcb == NULL || error != ERR_OK)
        return ERR_VAL;
    from = net_addr_from_lwip(&pcb->remote_ip);
    k->now_ticks = counter_read();
    if (!access_allowed(k->setup.access, &from))
        return refuse(k, pcb, KE_DENIED);
    if (k->setup.limit != NULL &&
        limit_check(k->setup.limit, &from,
                    k->now_ticks / (k->setup.ticks_per_s / 1000)) != LIMIT_PASS)
        return refuse(k, pcb, KE_LIMITED);
    if (!passes_queue(k, &from) || !admit(k, pcb, &from)) {
        if (!ke_queue_add(&k->queue, pcb, &from, k->now_ticks))
            return refuse(k, pcb, KE_REFUSED);
        if (k->admit_ticks == 0)
            k->admit_ticks = k->now_ticks;
    }
    return ERR_OK;
}

/* Has the first who waits a place by now, or is it in vain? */
static void serve_queue(struct ke_listener *k)
{
    struct ke_waiting *w = ke_queue_first(&k->queue);

    if (w == NULL) {
        k->admit_ticks = 0;
        return;
    }
    /* After this one, the next is looked at in the next turn of the loop. */
    k->admit_ticks = k->now_ticks;
    if (admit(k, w->pcb, &w->from)) {
        ke_queue_admitted(w);
    } else if (k->now_ticks - w->since_ticks >= ticks(k, QUEUE_MS)) {
        k->count[KE_REFUSED]++;
        ke_queue_refuse(w);
    } else {
        k->admit_ticks = after_ms(k, ADMIT_MS);
    }
}

/* lwIP's list has the newest first. */
static void sweep_half_open(struct ke_listener *k)
{
    struct tcp_pcb *next;
    unsigned count = 0;

    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = next) {
        next = pcb->next;
        if (pcb->state != SYN_RCVD || pcb->local_port != k->setup.port ||
            ++count <= HALF_OPEN_MAX)
            continue;
        tcp_abandon(pcb, 0);
        k->count[KE_HALF_OPEN]++;
    }
}

/* Likewise. */
static void sweep_closed(void)
{
    struct tcp_pcb *next;
    unsigned count = 0;

    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = next) {
        next = pcb->next;
        if (++count > CLOSED_MAX)
            tcp_abandon(pcb, 0);
    }
}

bool ke_listener_start(struct ke_listener *k, const struct ke_setup *setup)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

    memset(k, 0, sizeof(*k));
    k->setup = *setup;
    if (k->setup.connections > TLS_SESSIONS_MAX)
        k->setup.connections = TLS_SESSIONS_MAX;
    if (pcb == NULL)
        return false;
    /* Connections inherit it: none pushes another out before TCP's handshake
     * is done. */
    tcp_setprio(pcb, TCP_PRIO_MIN);
    if (tcp_bind(pcb, IP_ANY_TYPE, setup->port) == ERR_OK)
        k->pcb = tcp_listen(pcb);
    if (k->pcb == NULL) {
        tcp_close(pcb);
        return false;
    }
    tcp_arg(k->pcb, k);
    tcp_accept(k->pcb, on_accept);
    return true;
}

void ke_listener_poll(struct ke_listener *k, uint64_t now_ticks)
{
    struct ke_connection *c;

    if (k->pcb == NULL)
        return;
    k->now_ticks = now_ticks;
    sweep_half_open(k);
    sweep_closed();
    if (k->admit_ticks != 0 &&
        (k->now_ticks >= k->admit_ticks || k->open < k->setup.connections))
        serve_queue(k);
    c = first_due(k);
    if (c != NULL)
        look_after(k, c);
}

uint64_t ke_listener_next(const struct ke_listener *k)
{
    uint64_t next = k->admit_ticks != 0 ? k->admit_ticks : UINT64_MAX;

    if (k->open == 0)
        return next;
    for (unsigned i = 0; i < k->setup.connections; i++) {
        const struct ke_connection *c = &k->connection[i];

        if (c->tls == NULL)
            continue;
        if (is_due(c, 0))
            return 0;
        if (c->end_ticks < next)
            next = c->end_ticks;
    }
    return next;
}
