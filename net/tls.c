/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS 1.3 on lwIP, one step at a time. */
#include "net/tls.h"

#include "arch/cpu.h"
#include "arch/log.h"
#include "arch/mem.h"
#include "net/tls_hello.h"
#include "net/tls_parts.h"
#include "net/tls_verify.h"
#include "nts/cert.h"

#include <lwip/tcp.h>
#include <psa/crypto.h>

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

/* And how long while others come, for whom there is no session. */
#define CLOSE_LEAST_MS 100

/* All sessions.  There is one lwIP, and one mbedTLS. */
static struct {
    struct tls *session;
    uint8_t *memory; /* SESSION_BYTES for each; first touched when used */
    unsigned count;
    unsigned for_clients; /* sessions that tls_accept() leaves alone */
    uint64_t ticks_per_ms;
} tls;

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

    tls.ticks_per_ms = setup->ticks_per_s / 1000;
    tls_memory_init(common, tls.ticks_per_ms);
    tls.memory = mem_alloc_dirty(wanted * SESSION_BYTES, 16);
    tls.session = mem_alloc(wanted * sizeof(struct tls), 16);
    tls.count = wanted;
    tls.for_clients = setup->client_sessions;
    if (tls.for_clients > wanted / 2)
        tls.for_clients = wanted / 2;
    tls_count()->sessions = wanted;
    tls_count()->session_bytes = each;
    log_line("tls: %u sessions in %zu KiB, %u of them for clients of ours",
             wanted, (wanted * each + common) / 1024, tls.for_clients);
    return psa_crypto_init() == PSA_SUCCESS;
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
 * to end it as well; or nobody seems to be there to hear it.
 */
static struct tls *hurry_one(void)
{
    uint64_t least =
        counter_read() + (CLOSE_MS - CLOSE_LEAST_MS) * tls.ticks_per_ms;
    struct tls *oldest = NULL;

    for (unsigned i = 0; i < tls.count; i++) {
        struct tls *t = &tls.session[i];

        if (t->use != TLS_CLOSING)
            continue;
        if (is_heard(t)) {
            tls_link_close(t);
            give_back(t);
            return t;
        }
        if (oldest == NULL || t->close_ticks < oldest->close_ticks)
            oldest = t;
    }
    if (oldest == NULL || oldest->close_ticks > least)
        return NULL;
    tls_abort(oldest);
    return oldest;
}

static struct tls *take(bool client)
{
    struct tls_stats *stats = tls_count();
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
        stats->refused++;
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
    if (++stats->used > stats->used_max)
        stats->used_max = stats->used;
    return found;
}

static void drop_ssl(struct tls *t)
{
    if (t->has_ssl) {
        tls_enter(t);
        mbedtls_ssl_free(&t->ssl);
        tls_leave();
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
    tls_count()->used--;
}

static bool is_named(const struct tls *t, const mbedtls_x509_crt *crt)
{
    static const struct ip_addr6 none;

    /* Which of the names it is, mbedTLS looks at. */
    if (ip_equal(&t->wanted, &none))
        return tls_verify_has_names(crt);
    return tls_verify_addr(crt, &t->wanted);
}

/* Validity, addresses and names: what mbedTLS leaves to us. */
static int on_certificate(void *context, mbedtls_x509_crt *crt, int depth,
                          uint32_t *flags)
{
    const struct tls *t = context;

    *flags |= tls_verify_dates(crt, t->earliest, t->latest);
    if (depth == 0 && !is_named(t, crt))
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
        tls_fail_error(t, error);
        return false;
    }
    mbedtls_ssl_set_user_data_p(&t->ssl, t);
    mbedtls_ssl_set_bio(&t->ssl, t, tls_link_transmit, tls_link_receive, NULL);
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
    t->ours = net_addr_from_lwip(&pcb->local_ip);
    net_peer_note(&t->peer, &t->addr);
    tls_link_take(t, pcb);
    return t;
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
    tls_enter(t);
    if (set_up_ssl(t)) {
        mbedtls_ssl_set_verify(&t->ssl, on_certificate, t);
        if (!set_name(t, peer->name))
            tls_fail(t, "the name is too long");
        else if (!tls_link_open(t, peer))
            tls_fail(t, "there is no way to it");
    }
    tls_leave();
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
        tls_set_idle(t);
        return;
    }
    if (t->config == NULL && !meet(t)) {
        tls_set_idle(t);
        return;
    }

    error = mbedtls_ssl_handshake_step(&t->ssl);
    if (error == MBEDTLS_ERR_SSL_WANT_READ ||
        error == MBEDTLS_ERR_SSL_WANT_WRITE) {
        tls_set_idle(t);
    } else if (error != 0) {
        say_failure(t, error);
        tls_fail_error(t, error);
    } else if (mbedtls_ssl_is_handshake_over(&t->ssl)) {
        /* A server need not say what it speaks; ours has to. */
        if (mbedtls_ssl_get_alpn_protocol(&t->ssl) == NULL) {
            tls_fail(t, "they do not speak our protocol (ALPN)");
            return;
        }
        t->state = TLS_OPEN;
        tls_count()->handshakes++;
    }
}

/* Records that TCP had no room for. */
static void flush(struct tls *t)
{
    static const uint8_t nothing[1];
    int error = mbedtls_ssl_write(&t->ssl, nothing, sizeof(nothing));

    if (error == MBEDTLS_ERR_SSL_WANT_WRITE)
        tls_set_idle(t);
    else if (error < 0)
        tls_fail_error(t, error);
    else
        t->unsent = false;
}

enum tls_state tls_step(struct tls *t)
{
    tls_enter(t);
    if (t->state == TLS_HANDSHAKE)
        advance_handshake(t);
    else if (t->state != TLS_FAILED && t->unsent)
        flush(t);
    tls_leave();
    tls_link_flush(t);
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
    tls_enter(t);
    got = mbedtls_ssl_read(&t->ssl, buf, room);
    if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || got == 0) {
        t->state = TLS_CLOSED;
        tls_set_idle(t);
    } else if (got == MBEDTLS_ERR_SSL_WANT_READ ||
               got == MBEDTLS_ERR_SSL_WANT_WRITE) {
        tls_set_idle(t);
    } else if (got < 0) {
        tls_fail_error(t, got);
    }
    tls_leave();
    tls_link_flush(t);
    return got > 0 ? (size_t)got : 0;
}

bool tls_write(struct tls *t, const uint8_t *data, size_t len)
{
    int error;

    if ((t->state != TLS_OPEN && t->state != TLS_CLOSED) || t->unsent ||
        len > TLS_WRITE_MAX)
        return false;
    tls_enter(t);
    error = mbedtls_ssl_write(&t->ssl, data, len);
    if (error == MBEDTLS_ERR_SSL_WANT_WRITE)
        t->unsent = true;
    else if (error < 0)
        tls_fail_error(t, error);
    tls_leave();
    tls_link_flush(t);
    return error >= 0 || t->unsent;
}

bool tls_export(struct tls *t, const char *label, const uint8_t *context,
                size_t context_len, uint8_t *out, size_t len)
{
    int error;

    if (t->state != TLS_OPEN && t->state != TLS_CLOSED)
        return false;
    tls_enter(t);
    error = mbedtls_ssl_export_keying_material(
        &t->ssl, out, len, label, strlen(label), context, context_len, 1);
    tls_leave();
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
    tls_enter(t);
    if (t->unsent)
        flush(t);
    if (!t->unsent && t->state != TLS_FAILED && !t->notified) {
        /* What it could not send at once, it sends by flush(). */
        t->notified = true;
        t->unsent =
            mbedtls_ssl_close_notify(&t->ssl) == MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    tls_leave();
    tls_link_flush(t);
    return !t->unsent || t->state == TLS_FAILED;
}

static void close_further(struct tls *t)
{
    tls_set_idle(t);
    if (!t->shut && say_goodbye(t)) {
        drop_ssl(t);
        if (t->pcb != NULL && tcp_shutdown(t->pcb, 0, 1) == ERR_OK)
            t->shut = true;
        tls_link_flush(t);
    }
    if (t->ended && is_heard(t))
        tls_link_close(t);
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
    tls_link_reset(t);
    give_back(t);
}

void tls_abort_all(void)
{
    for (unsigned i = 0; i < tls.count; i++) {
        struct tls *t = &tls.session[i];

        if (t->use == TLS_CLOSING) {
            tls_abort(t);
        } else if (t->use == TLS_OWNED) {
            tls_link_reset(t);
            drop_ssl(t);
            tls_fail(t, "all connections were reset");
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
