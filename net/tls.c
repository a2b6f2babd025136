/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS 1.3 on lwIP, one step at a time. */
#include "net/tls.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/fmt.h"
#include "arch/log.h"
#include "arch/mem.h"
#include "arch/panic.h"
#include "net/tls_hello.h"
#include "net/tls_parts.h"
#include "net/tls_verify.h"
#include "nts/cert.h"

#include <lwip/tcp.h>
#include <psa/crypto.h>

#include <stdlib.h>
#include <string.h>

/*
 * Memory of a session: 26 KiB of buffers for records, a window of TCP,
 * certificates and what a handshake needs, or in its place a message of the
 * protocol that is spoken.
 */
#define SESSION_BYTES (52 * 1024)

/* Memory that all share: what parsed certificates take, at most, of what they
 * take in a file, and the rest. */
#define COMMON_BYTES    (96 * 1024)
#define COMMON_PER_BYTE 4

/* How long the other end may take to hear the last of us. */
#define CLOSE_MS 3000

/* A random port of ours lies from here to the end. */
#define FIRST_PORT 16384
#define PORT_DRAWS 16

/* MBEDTLS_ERR_NET_..., which mbedTLS knows with its sockets alone. */
#define ERR_NET_RESET (-0x0050)

/* mbedTLS asks for memory without saying for whom; there is one of it. */
static struct {
    struct tls *session;
    uint8_t *memory; /* SESSION_BYTES for each; first touched when used */
    unsigned count;
    unsigned for_clients; /* sessions that tls_accept() leaves alone */
    struct tls_heap common;
    struct tls_heap *heap; /* of the session at work, or the common one */
    uint64_t ticks_per_ms;
    uint64_t entered_ticks; /* the work at hand began */
    struct tls_stats stats;
} tls;

/* Memory, for mbedTLS. */

void *calloc(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;

    void *p = tls_heap_alloc(tls.heap, bytes);

    /* To sign with a long RSA key takes more than a session has, for as long
     * as one step. */
    return p != NULL ? p : tls_heap_alloc(&tls.common, bytes);
}

void free(void *p)
{
    struct tls_heap *heap = tls.heap;

    if (p == NULL)
        return;
    if (!tls_heap_has(heap, p))
        heap = &tls.common;
    if (!tls_heap_free(heap, p))
        panic("TLS gives back memory that it does not have");
}

static void enter(struct tls *t)
{
    tls.heap = &t->heap;
    tls.entered_ticks = counter_read();
}

static void leave(void)
{
    uint64_t took_us =
        (counter_read() - tls.entered_ticks) * 1000 / tls.ticks_per_ms;

    if (tls.stats.longest_us < took_us)
        tls.stats.longest_us = took_us;
    if (tls.heap->max > tls.stats.session_max && tls.heap != &tls.common)
        tls.stats.session_max = tls.heap->max;
    tls.heap = &tls.common;
}

bool tls_has_aes(void)
{
    return cpu_features()->aes && cpu_features()->pclmul;
}

bool tls_setup(const struct tls_setup *setup)
{
    size_t common = COMMON_BYTES + COMMON_PER_BYTE * setup->certs_len;
    size_t each = sizeof(struct tls) + SESSION_BYTES;
    size_t room = (size_t)mem_available() / 2;
    unsigned wanted = setup->server_sessions + setup->client_sessions;

    if (wanted > TLS_SESSIONS_MAX)
        wanted = TLS_SESSIONS_MAX;
    if (wanted == 0 || room < common + each)
        return false;
    if (wanted > (room - common) / each)
        wanted = (unsigned)((room - common) / each);

    tls_heap_init(&tls.common, mem_alloc_dirty(common, 16), common);
    tls.heap = &tls.common;
    tls.memory = mem_alloc_dirty(wanted * SESSION_BYTES, 16);
    tls.session = mem_alloc(wanted * sizeof(struct tls), 16);
    tls.count = wanted;
    tls.for_clients = setup->client_sessions;
    if (tls.for_clients > wanted / 2)
        tls.for_clients = wanted / 2;
    tls.ticks_per_ms = setup->ticks_per_s / 1000;
    tls.stats.sessions = wanted;
    tls.stats.session_bytes = each;
    log_line("tls: %u sessions in %zu KiB, %u of them for clients of ours",
             wanted, (wanted * each + common) / 1024, tls.for_clients);
    return psa_crypto_init() == PSA_SUCCESS;
}

const struct tls_stats *tls_stats(void)
{
    tls.stats.common_used = tls.common.used;
    tls.stats.common_max = tls.common.max;
    return &tls.stats;
}

/* What goes wrong, in words. */

static void __attribute__((format(printf, 2, 3)))
fail(struct tls *t, const char *fmt, ...)
{
    va_list args;

    if (t->state == TLS_HANDSHAKE)
        tls.stats.failed++;
    t->state = TLS_FAILED;
    t->ready = false;
    if (t->why[0] != '\0')
        return;
    va_start(args, fmt);
    fmt_line(t->why, sizeof(t->why), fmt, args);
    va_end(args);
}

/* Alerts that are met, RFC 8446, 6. */
static const char *alert_text(unsigned alert)
{
    switch (alert) {
    case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
        return "they find nothing that both can do";
    case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
    case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
    case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
    case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
        return "they do not accept the certificate";
    case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
        return "they say that the certificate has expired";
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
        return "they do not speak TLS 1.3";
    case MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL:
        return "they do not speak NTS-KE (ALPN)";
    case MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME:
        return "they do not know the name";
    default:
        return NULL;
    }
}

static void fail_alert(struct tls *t)
{
    unsigned alert = t->ssl.MBEDTLS_PRIVATE(in_msg)[1];
    const char *text = alert_text(alert);

    if (text != NULL)
        fail(t, "%s", text);
    else
        fail(t, "they sent alert %u", alert);
}

static void fail_cert(struct tls *t)
{
    uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);
    const char *text;

    t->cert_flags = flags;
    text = nts_cert_trouble(&flags);
    fail(t, "%s", text != NULL ? text : "their certificate is not accepted");
}

/* `error` is what mbedTLS returned. */
static void fail_tls(struct tls *t, int error)
{
    switch (error) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        fail_alert(t);
        return;
    case MBEDTLS_ERR_SSL_CONN_EOF:
        fail(t, "the connection was closed");
        return;
    case ERR_NET_RESET:
        fail(t, "the connection was reset");
        return;
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        fail(t, "they do not speak TLS 1.3");
        return;
    case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL:
        fail(t, "they do not speak our protocol (ALPN)");
        return;
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
    case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
        fail_cert(t);
        return;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
    case MBEDTLS_ERR_MPI_ALLOC_FAILED:
        fail(t, "it takes more memory than a session has");
        return;
    default:
        fail(t, "TLS error -0x%04x", (unsigned)-error);
    }
}

const char *tls_why(const struct tls *t)
{
    return t->why[0] != '\0' ? t->why : "nothing is wrong";
}

uint32_t tls_cert_flags(const struct tls *t)
{
    return t->cert_flags;
}

bool tls_validity(const struct tls *t, int64_t *from, int64_t *until)
{
    const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&t->ssl);

    if (crt == NULL)
        return false;
    *from = nts_cert_seconds(&crt->valid_from);
    *until = nts_cert_seconds(&crt->valid_to);
    return true;
}

struct ip_addr6 tls_peer_addr(const struct tls *t)
{
    return t->addr;
}

/* Is it our turn, or theirs? */

static void set_ready(struct tls *t)
{
    if (!t->ready)
        t->waited_ticks += counter_read() - t->idle_ticks;
    t->ready = true;
}

static void set_idle(struct tls *t)
{
    if (t->ready)
        t->idle_ticks = counter_read();
    t->ready = false;
}

uint64_t tls_waited(const struct tls *t, uint64_t now_ticks)
{
    if (t->ready || now_ticks < t->idle_ticks)
        return t->waited_ticks;
    return t->waited_ticks + (now_ticks - t->idle_ticks);
}

/* What lwIP tells of a connection.  A step follows later, from the loop. */

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
                         err_t error)
{
    struct tls *t = arg;

    (void)error;
    set_ready(t);
    if (t->server != NULL)
        net_peer_note(&t->peer, &t->addr);
    if (p == NULL) {
        t->ended = true;
        return ERR_OK;
    }
    /* What comes after we are done is not wanted. */
    if (t->use == TLS_CLOSING) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
        return ERR_OK;
    }
    memmove(t->rx, t->rx + t->rx_at, t->rx_len);
    t->rx_at = 0;
    /* The window is never wider than the room. */
    LWIP_ASSERT("TLS: within its window", p->tot_len <= TCP_WND - t->rx_len);
    t->rx_len += pbuf_copy_partial(p, t->rx + t->rx_len, p->tot_len, 0);
    pbuf_free(p);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, uint16_t len)
{
    struct tls *t = arg;

    (void)pcb;
    (void)len;
    if (t->blocked || t->use == TLS_CLOSING)
        set_ready(t);
    return ERR_OK;
}

/* From time to time: lwIP may have memory again. */
static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    return on_sent(arg, pcb, 0);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct tls *t = arg;

    (void)pcb;
    (void)error;
    t->connected = true;
    set_ready(t);
    return ERR_OK;
}

/* The connection is gone. */
static void on_error(void *arg, err_t error)
{
    struct tls *t = arg;

    t->pcb = NULL;
    set_ready(t);
    if (t->use == TLS_CLOSING || t->state == TLS_CLOSED)
        return;
    if (!t->connected && error == ERR_RST)
        fail(t, "the connection was refused");
    else
        fail(t, "the connection was %s",
             error == ERR_RST ? "reset" : "given up");
}

static void listen_to(struct tls *t, struct tcp_pcb *pcb)
{
    t->pcb = pcb;
    tcp_arg(pcb, t);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_poll(pcb, on_poll, 1);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
    tcp_setprio(pcb, TCP_PRIO_MAX);
}

static void let_go(struct tls *t)
{
    struct tcp_pcb *pcb = t->pcb;

    if (pcb == NULL)
        return;
    t->pcb = NULL;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    tcp_err(pcb, NULL);
    tcp_setprio(pcb, TCP_PRIO_MIN);
    if (tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
}

static void reset(struct tls *t)
{
    struct tcp_pcb *pcb = t->pcb;

    if (pcb == NULL)
        return;
    t->pcb = NULL;
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
}

/* What mbedTLS asks of the connection. */

static int receive(void *context, unsigned char *buf, size_t len)
{
    struct tls *t = context;

    if (len > t->rx_len)
        len = t->rx_len;
    if (len == 0) {
        if (t->ended)
            return 0;
        return t->pcb == NULL ? ERR_NET_RESET : MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(buf, t->rx + t->rx_at, len);
    t->rx_at += (uint16_t)len;
    t->rx_len -= (uint16_t)len;
    if (t->pcb != NULL)
        tcp_recved(t->pcb, (uint16_t)len);
    return (int)len;
}

static int transmit(void *context, const unsigned char *buf, size_t len)
{
    struct tls *t = context;

    if (t->pcb == NULL)
        return ERR_NET_RESET;
    if (len > 0 && buf[0] == MBEDTLS_SSL_MSG_ALERT)
        t->alerted = true;
    if (len > tcp_sndbuf(t->pcb))
        len = tcp_sndbuf(t->pcb);
    t->blocked = len == 0 || tcp_write(t->pcb, buf, (uint16_t)len,
                                       TCP_WRITE_FLAG_COPY) != ERR_OK;
    return t->blocked ? MBEDTLS_ERR_SSL_WANT_WRITE : (int)len;
}

static void send_out(struct tls *t)
{
    if (t->pcb != NULL)
        tcp_output(t->pcb);
}

/* Sessions. */

/* Has the other end got all that we sent, and our FIN? */
static bool is_heard(const struct tls *t)
{
    return t->shut && t->pcb != NULL && t->pcb->unsent == NULL &&
           t->pcb->unacked == NULL;
}

static void give_back(struct tls *t);

/*
 * One that is being closed: all that we sent has been heard, and they only have
 * to end it as well.
 */
static struct tls *hurry_one(void)
{
    for (unsigned i = 0; i < tls.count; i++) {
        struct tls *t = &tls.session[i];

        if (t->use != TLS_CLOSING || !is_heard(t))
            continue;
        let_go(t);
        give_back(t);
        return t;
    }
    return NULL;
}

static struct tls *take(bool client)
{
    unsigned spare = 0;
    struct tls *found = NULL;

    for (unsigned i = 0; i < tls.count; i++)
        if (tls.session[i].use == TLS_FREE) {
            found = &tls.session[i];
            spare++;
        }
    /* Sessions that clients of ours have are off what is kept for them. */
    if (!client)
        for (unsigned i = 0; i < tls.count; i++)
            if (tls.session[i].use != TLS_FREE && tls.session[i].server == NULL)
                spare++;
    if (found == NULL || (!client && spare <= tls.for_clients))
        found = hurry_one();
    if (found == NULL) {
        tls.stats.refused++;
        return NULL;
    }

    *found = (struct tls){
        .use = TLS_OWNED,
        .state = TLS_HANDSHAKE,
        .idle_ticks = counter_read(),
    };
    tls_heap_init(&found->heap,
                  tls.memory + (size_t)(found - tls.session) * SESSION_BYTES,
                  SESSION_BYTES);
    found->rx = tls_heap_alloc(&found->heap, TCP_WND);
    if (++tls.stats.used > tls.stats.used_max)
        tls.stats.used_max = tls.stats.used;
    return found;
}

static void drop_ssl(struct tls *t)
{
    if (t->has_ssl) {
        enter(t);
        mbedtls_ssl_free(&t->ssl);
        leave();
        t->has_ssl = false;
    }
}

static void give_back(struct tls *t)
{
    drop_ssl(t);
    if (t->peer.known)
        net_peer_forget(&t->peer);
    tls_heap_wipe(&t->heap);
    t->use = TLS_FREE;
    tls.stats.used--;
}

/* Validity, and addresses: what mbedTLS leaves to us. */
static int on_certificate(void *context, mbedtls_x509_crt *crt, int depth,
                          uint32_t *flags)
{
    const struct tls *t = context;
    static const struct ip_addr6 none;

    *flags |= tls_verify_dates(crt, t->earliest, t->latest);
    if (depth == 0 && !ip_equal(&t->wanted, &none) &&
        !tls_verify_addr(crt, &t->wanted))
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return 0;
}

static bool set_up_ssl(struct tls *t)
{
    int error;

    mbedtls_ssl_init(&t->ssl);
    t->has_ssl = true;
    error = mbedtls_ssl_setup(&t->ssl, t->config);
    if (error != 0) {
        fail_tls(t, error);
        return false;
    }
    mbedtls_ssl_set_bio(&t->ssl, t, transmit, receive, NULL);
    return true;
}

struct tls *tls_accept(struct tls_server *s, struct tcp_pcb *pcb)
{
    struct tls *t = take(false);

    if (t == NULL)
        return NULL;
    t->server = s;
    t->connected = true;
    t->addr = net_addr_from_lwip(&pcb->remote_ip);
    net_peer_note(&t->peer, &t->addr);
    listen_to(t, pcb);
    return t;
}

/* A connection of ours, from a port that nobody can guess. */
static struct tcp_pcb *open_connection(struct tls *t,
                                       const struct tls_peer *peer)
{
    ip_addr_t to = net_addr_to_lwip(&peer->addr);
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(&to));
    uint16_t drawn;

    if (pcb == NULL)
        return NULL;
    for (int i = 0; i < PORT_DRAWS; i++) {
        entropy_fill(&drawn, sizeof(drawn));
        drawn = (uint16_t)(FIRST_PORT + drawn % (65536 - FIRST_PORT));
        if (tcp_bind(pcb, ip_is_v4(&peer->addr) ? IP4_ADDR_ANY : IP6_ADDR_ANY,
                     drawn) != ERR_OK)
            continue;
        listen_to(t, pcb);
        if (tcp_connect(pcb, &to, peer->port, on_connected) == ERR_OK)
            return pcb;
        break;
    }
    t->pcb = NULL;
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
    return NULL;
}

/* Whom the certificate must name: mbedTLS looks at names, we at addresses. */
static bool set_name(struct tls *t, const char *name)
{
    ip_addr_t addr;

    if (!ipaddr_aton(name, &addr))
        return mbedtls_ssl_set_hostname(&t->ssl, name) == 0;
    t->wanted = net_addr_from_lwip(&addr);
    return mbedtls_ssl_set_hostname(&t->ssl, NULL) == 0;
}

struct tls *tls_connect(struct tls_client *c, const struct tls_peer *peer)
{
    struct tls *t = take(true);

    if (t == NULL)
        return NULL;
    t->addr = peer->addr;
    t->earliest = peer->earliest;
    t->latest = peer->latest;
    t->config = &c->config;
    enter(t);
    if (set_up_ssl(t)) {
        mbedtls_ssl_set_verify(&t->ssl, on_certificate, t);
        if (!set_name(t, peer->name))
            fail(t, "the name is too long");
        else if (open_connection(t, peer) == NULL)
            fail(t, "there is no way to it");
    }
    leave();
    return t;
}

/*
 * A server chooses by the hello.  Where AES is slow and tells its key by how
 * long it takes, who speaks ChaCha20-Poly1305 as well gets that, whatever he
 * likes better.
 */
static bool meet(struct tls *t)
{
    enum tls_hello hello = TLS_HELLO_OTHER;

    if (!tls_has_aes())
        hello = tls_hello_offers(t->rx + t->rx_at, t->rx_len,
                                 MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256);
    if (hello == TLS_HELLO_MORE && !t->ended && t->rx_len < TCP_WND)
        return false;
    t->config =
        hello == TLS_HELLO_OFFERED ? &t->server->no_aes : &t->server->config;
    return set_up_ssl(t);
}

/* mbedTLS says nothing when it has no group in common with a client, where it
 * must: RFC 8446, 4.1.1. */
static void say_failure(struct tls *t, int error)
{
    if (error == MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE && !t->alerted)
        (void)mbedtls_ssl_send_alert_message(
            &t->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
            MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
}

static void advance_handshake(struct tls *t)
{
    int error;

    if (!t->connected || (t->rx_len == 0 && t->config == NULL && !t->ended)) {
        set_idle(t);
        return;
    }
    if (t->config == NULL && !meet(t)) {
        set_idle(t);
        return;
    }

    error = mbedtls_ssl_handshake_step(&t->ssl);
    if (error == MBEDTLS_ERR_SSL_WANT_READ ||
        error == MBEDTLS_ERR_SSL_WANT_WRITE) {
        set_idle(t);
    } else if (error != 0) {
        say_failure(t, error);
        fail_tls(t, error);
    } else if (mbedtls_ssl_is_handshake_over(&t->ssl)) {
        /* A server need not say what it speaks; ours has to. */
        if (mbedtls_ssl_get_alpn_protocol(&t->ssl) == NULL) {
            fail(t, "they do not speak our protocol (ALPN)");
            return;
        }
        t->state = TLS_OPEN;
        tls.stats.handshakes++;
    }
}

/* Records that TCP had no room for. */
static void flush(struct tls *t)
{
    static const uint8_t nothing[1];
    int error = mbedtls_ssl_write(&t->ssl, nothing, sizeof(nothing));

    if (error == MBEDTLS_ERR_SSL_WANT_WRITE)
        set_idle(t);
    else if (error < 0)
        fail_tls(t, error);
    else
        t->unsent = false;
}

enum tls_state tls_step(struct tls *t)
{
    enter(t);
    if (t->state == TLS_HANDSHAKE)
        advance_handshake(t);
    else if (t->state != TLS_FAILED && t->unsent)
        flush(t);
    leave();
    send_out(t);
    return t->state;
}

enum tls_state tls_state(const struct tls *t)
{
    return t->state;
}

bool tls_wants_step(const struct tls *t)
{
    return t->ready;
}

size_t tls_read(struct tls *t, uint8_t *buf, size_t room)
{
    int got;

    if (t->state != TLS_OPEN || room == 0)
        return 0;
    enter(t);
    got = mbedtls_ssl_read(&t->ssl, buf, room);
    if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || got == 0) {
        t->state = TLS_CLOSED;
        set_idle(t);
    } else if (got == MBEDTLS_ERR_SSL_WANT_READ ||
               got == MBEDTLS_ERR_SSL_WANT_WRITE) {
        set_idle(t);
    } else if (got < 0) {
        fail_tls(t, got);
    }
    leave();
    send_out(t);
    return got > 0 ? (size_t)got : 0;
}

bool tls_write(struct tls *t, const uint8_t *data, size_t len)
{
    int error;

    if ((t->state != TLS_OPEN && t->state != TLS_CLOSED) || t->unsent ||
        len > TLS_WRITE_MAX)
        return false;
    enter(t);
    error = mbedtls_ssl_write(&t->ssl, data, len);
    if (error == MBEDTLS_ERR_SSL_WANT_WRITE)
        t->unsent = true;
    else if (error < 0)
        fail_tls(t, error);
    leave();
    send_out(t);
    return error >= 0 || t->unsent;
}

bool tls_export(struct tls *t, const char *label, const uint8_t *context,
                size_t context_len, uint8_t *out, size_t len)
{
    int error;

    if (t->state != TLS_OPEN && t->state != TLS_CLOSED)
        return false;
    enter(t);
    error = mbedtls_ssl_export_keying_material(
        &t->ssl, out, len, label, strlen(label), context, context_len, 1);
    leave();
    return error == 0;
}

void *tls_alloc(struct tls *t, size_t size)
{
    return tls_heap_alloc(&t->heap, size);
}

/* The end. */

/* Say what is left to be said; true when TLS has no more to say. */
static bool say_goodbye(struct tls *t)
{
    if (!t->has_ssl || t->pcb == NULL)
        return true;
    enter(t);
    if (t->unsent)
        flush(t);
    if (!t->unsent && t->state != TLS_FAILED && !t->notified) {
        /* What it could not send at once, it sends by flush(). */
        t->notified = true;
        t->unsent =
            mbedtls_ssl_close_notify(&t->ssl) == MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    leave();
    send_out(t);
    return !t->unsent || t->state == TLS_FAILED;
}

static void close_further(struct tls *t)
{
    set_idle(t);
    if (!t->shut && say_goodbye(t)) {
        drop_ssl(t);
        if (t->pcb != NULL && tcp_shutdown(t->pcb, 0, 1) == ERR_OK)
            t->shut = true;
        send_out(t);
    }
    if (t->ended && is_heard(t))
        let_go(t);
    if (t->pcb == NULL)
        give_back(t);
}

void tls_close(struct tls *t)
{
    t->use = TLS_CLOSING;
    t->close_ticks = counter_read() + CLOSE_MS * tls.ticks_per_ms;
    /* Unread bytes would turn our FIN into a reset. */
    if (t->pcb != NULL && t->rx_len > 0)
        tcp_recved(t->pcb, t->rx_len);
    t->rx_len = 0;
    close_further(t);
}

void tls_abort(struct tls *t)
{
    reset(t);
    give_back(t);
}

void tls_abort_all(void)
{
    for (unsigned i = 0; i < tls.count; i++) {
        struct tls *t = &tls.session[i];

        if (t->use == TLS_CLOSING) {
            tls_abort(t);
        } else if (t->use == TLS_OWNED) {
            reset(t);
            drop_ssl(t);
            fail(t, "all connections were reset");
        }
    }
}

void tls_poll(uint64_t now_ticks)
{
    for (unsigned i = 0; i < tls.count; i++) {
        struct tls *t = &tls.session[i];

        if (t->use != TLS_CLOSING)
            continue;
        if (t->ready || t->pcb == NULL)
            close_further(t);
        if (t->use == TLS_CLOSING && now_ticks >= t->close_ticks)
            tls_abort(t);
    }
}

uint64_t tls_next(void)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < tls.count; i++) {
        const struct tls *t = &tls.session[i];

        if (t->use != TLS_CLOSING)
            continue;
        if (t->ready)
            return 0;
        if (t->close_ticks < next)
            next = t->close_ticks;
    }
    return next;
}
