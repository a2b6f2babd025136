/* SPDX-License-Identifier: BSD-2-Clause */
/* Who we are in TLS, and whom we trust. */
#include "arch/entropy.h"
#include "net/tls_parts.h"
#include "net/tls_verify.h"

#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <psa/crypto.h>

#include <string.h>

#define PEM_BEGIN "-----BEGIN"

static const int with_aes[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    0,
};
static const int without_aes[] = {
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    0,
};
static const int chacha[] = {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, 0};

static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

static int random_bytes(void *context, unsigned char *out, size_t len)
{
    (void)context;
    entropy_fill(out, len);
    return 0;
}

psa_status_t
mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                uint8_t *output, size_t output_size,
                                size_t *output_length)
{
    (void)context;
    entropy_fill(output, output_size);
    *output_length = output_size;
    return PSA_SUCCESS;
}

static bool config_init(mbedtls_ssl_config *config, int endpoint,
                        const int *suites, const char **alpn)
{
    mbedtls_ssl_config_init(config);
    if (mbedtls_ssl_config_defaults(config, endpoint,
                                    MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return false;
    mbedtls_ssl_conf_rng(config, random_bytes, NULL);
    mbedtls_ssl_conf_ciphersuites(config, suites);
    mbedtls_ssl_conf_groups(config, groups);
    return mbedtls_ssl_conf_alpn_protocols(config, alpn) == 0;
}

/* Servers. */

/*
 * The client's hello was read.  Who does not speak our protocol goes no
 * further: mbedTLS lets pass who names none at all.  Who asks for no name has
 * but our address to go by (RFC 6066, 3: an address is not sent).
 */
static int on_hello(mbedtls_ssl_context *ssl)
{
    const struct tls *t = mbedtls_ssl_get_user_data_p(ssl);
    struct tls_server *s = t->server;
    size_t len;
    const unsigned char *name = mbedtls_ssl_get_hs_sni(ssl, &len);

    if (mbedtls_ssl_get_alpn_protocol(ssl) == NULL) {
        mbedtls_ssl_send_alert_message(
            ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
            MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL);
        return MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL;
    }

    for (unsigned i = 0; i < s->owns; i++) {
        struct tls_own *own = &s->own[i];

        if (name != NULL
                ? !tls_verify_name(&own->chain, (const char *)name, len)
                : !tls_verify_addr(&own->chain, &t->ours))
            continue;

        int error = mbedtls_ssl_set_hs_own_cert(ssl, &own->chain, &own->key);

        if (error != 0)
            return error;
    }
    return 0;
}

bool tls_server_init(struct tls_server *s, const char *alpn)
{
    mbedtls_ssl_config *const config[] = {&s->config, &s->no_aes};

    memset(s, 0, sizeof(*s));
    s->alpn[0] = alpn;
    for (int i = 0; i < 2; i++) {
        if (!config_init(config[i], MBEDTLS_SSL_IS_SERVER,
                         i == 0 ? with_aes : chacha, s->alpn))
            return false;
        mbedtls_ssl_conf_cert_cb(config[i], on_hello);
    }
    return true;
}

static bool is_pem(const uint8_t *data, size_t len)
{
    size_t word = sizeof(PEM_BEGIN) - 1;

    for (size_t i = 0; i + word <= len; i++)
        if (memcmp(data + i, PEM_BEGIN, word) == 0)
            return true;
    return false;
}

/*
 * mbedTLS wants a text to end in a zero byte, which files do not have.
 * Returns a copy that has one, or NULL.
 */
static uint8_t *text_of(const uint8_t *data, size_t len)
{
    uint8_t *text = mbedtls_calloc(1, len + 1);

    if (text != NULL)
        memcpy(text, data, len);
    return text;
}

static void forget(uint8_t *text, size_t len)
{
    mbedtls_platform_zeroize(text, len);
    mbedtls_free(text);
}

/* As mbedtls_x509_crt_parse(). */
static int parse_chain(mbedtls_x509_crt *chain, const uint8_t *data, size_t len)
{
    uint8_t *text;
    int error;

    if (!is_pem(data, len))
        return mbedtls_x509_crt_parse_der(chain, data, len);
    text = text_of(data, len);
    if (text == NULL)
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    error = mbedtls_x509_crt_parse(chain, text, len + 1);
    forget(text, len);
    return error;
}

static int parse_key(mbedtls_pk_context *key, const uint8_t *data, size_t len)
{
    uint8_t *text;
    int error;

    if (!is_pem(data, len))
        return mbedtls_pk_parse_key(key, data, len, NULL, 0, random_bytes,
                                    NULL);
    text = text_of(data, len);
    if (text == NULL)
        return MBEDTLS_ERR_PK_ALLOC_FAILED;
    error =
        mbedtls_pk_parse_key(key, text, len + 1, NULL, 0, random_bytes, NULL);
    forget(text, len);
    return error;
}

/* What a chain takes in a certificate message, RFC 8446, 4.4.2. */
static size_t message_len(const mbedtls_x509_crt *chain)
{
    size_t len = 8;

    for (; chain != NULL; chain = chain->next)
        len += 5 + chain->raw.len;
    return len;
}

/* Returns what is wrong, or NULL. */
static const char *fill(struct tls_own *own, const uint8_t *chain, size_t len,
                        const uint8_t *key, size_t key_len)
{
    if (parse_chain(&own->chain, chain, len) != 0)
        return "the certificate cannot be read";
    if (parse_key(&own->key, key, key_len) != 0)
        return "the key cannot be read";
    if (message_len(&own->chain) > MBEDTLS_SSL_OUT_CONTENT_LEN)
        return "the chain of certificates is too long";
    if (mbedtls_pk_check_pair(&own->chain.pk, &own->key, random_bytes, NULL) !=
        0)
        return "the key does not belong to the certificate";
    return NULL;
}

bool tls_server_add_cert(struct tls_server *s, const uint8_t *chain, size_t len,
                         const uint8_t *key, size_t key_len, const char **why)
{
    struct tls_own *own = &s->own[s->owns];

    *why = "there are too many certificates";
    if (s->owns == TLS_CERTS_MAX)
        return false;

    mbedtls_x509_crt_init(&own->chain);
    mbedtls_pk_init(&own->key);
    *why = fill(own, chain, len, key, key_len);
    if (*why == NULL) {
        *why = "there is too little memory";
        if (mbedtls_ssl_conf_own_cert(&s->config, &own->chain, &own->key) ==
                0 &&
            mbedtls_ssl_conf_own_cert(&s->no_aes, &own->chain, &own->key) ==
                0) {
            s->owns++;
            return true;
        }
    }
    mbedtls_x509_crt_free(&own->chain);
    mbedtls_pk_free(&own->key);
    return false;
}

/* Clients. */

bool tls_client_init(struct tls_client *c, const char *alpn)
{
    memset(c, 0, sizeof(*c));
    c->alpn[0] = alpn;
    mbedtls_x509_crt_init(&c->anchors);
    if (!config_init(&c->config, MBEDTLS_SSL_IS_CLIENT,
                     tls_has_aes() ? with_aes : without_aes, c->alpn))
        return false;
    mbedtls_ssl_conf_authmode(&c->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&c->config, &c->anchors, NULL);
    return true;
}

bool tls_client_trust(struct tls_client *c, const uint8_t *data, size_t len,
                      const char **why)
{
    int error = parse_chain(&c->anchors, data, len);

    /* Positive: how many of a bundle could not be read. */
    *why = error == MBEDTLS_ERR_X509_ALLOC_FAILED
               ? "there is too little memory for the certificates"
               : "no certificate can be read";
    return error >= 0 && c->anchors.raw.p != NULL;
}
