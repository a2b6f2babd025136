/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates: one of our own making, and what is to be said of others. */
#include "nts/cert.h"

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/sha256.h>

#define SECONDS_A_DAY 86400

/* RFC 5280, 4.1.2.2: up to 20 octets, positive. */
#define SERIAL_LEN 16

/* RFC 5280, A.1: ub-common-name. */
#define COMMON_NAME_MAX 64

/* RFC 1035, 2.3.4, in text. */
#define NAME_LEN_MAX 253

/* The common name of who has none that fits. */
#define COMMON_NAME "gnomon"

/* What nts_cert_make() works with. */
struct maker {
    mbedtls_pk_context key;
    mbedtls_x509write_cert cert;
    mbedtls_x509_san_list names[1 + NTS_CERT_ADDRS_MAX];
    unsigned count; /* of names */
};

/* Days from 1970-01-01 to a day of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    /* Years begin in March: the leap day is the last of its year. */
    int64_t y = month > 2 ? year : year - 1;
    int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;

    return 365 * y + y / 4 - y / 100 + y / 400 + in_year + day - 1 - 719468;
}

int64_t nts_cert_seconds(const mbedtls_x509_time *t)
{
    return days_of(t->year, t->mon, t->day) * SECONDS_A_DAY + t->hour * 3600 +
           t->min * 60 + t->sec;
}

/* The calendar's day of `days` since 1970-01-01, which is not before year 0. */
static void day_of(int64_t days, mbedtls_x509_time *t)
{
    t->year = (int)(days / 366 + 1970);
    while (days_of(t->year + 1, 1, 1) <= days)
        t->year++;
    t->mon = 12;
    while (days_of(t->year, t->mon, 1) > days)
        t->mon--;
    t->day = (int)(days - days_of(t->year, t->mon, 1)) + 1;
}

/* Write `digits` digits, and return what is behind them. */
static char *put_number(char *to, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + digits;
}

/* As mbedTLS takes a date: "YYYYMMDDhhmmss". */
static void date_text(int64_t seconds, char out[15])
{
    int64_t days = seconds / SECONDS_A_DAY;
    int rest = (int)(seconds % SECONDS_A_DAY);
    mbedtls_x509_time t;

    day_of(days, &t);
    out = put_number(out, t.year, 4);
    out = put_number(out, t.mon, 2);
    out = put_number(out, t.day, 2);
    out = put_number(out, rest / 3600, 2);
    out = put_number(out, rest / 60 % 60, 2);
    out = put_number(out, rest % 60, 2);
    *out = '\0';
}

/* Is it a host name, which then needs no quoting as a common name? */
static bool is_host_name(const char *name)
{
    if (!name || *name == '\0' || strlen(name) > NAME_LEN_MAX)
        return false;
    for (; *name; name++) {
        bool letter = (*name >= 'a' && *name <= 'z') ||
                      (*name >= 'A' && *name <= 'Z') ||
                      (*name >= '0' && *name <= '9');

        if (!letter && !strchr(".-_", *name))
            return false;
    }
    return true;
}

static bool set_names(struct maker *m, const char *name)
{
    char text[sizeof("CN=") + COMMON_NAME_MAX] = "CN=" COMMON_NAME;

    if (is_host_name(name) && strlen(name) <= COMMON_NAME_MAX)
        strcpy(text + 3, name);
    return mbedtls_x509write_crt_set_subject_name(&m->cert, text) == 0 &&
           mbedtls_x509write_crt_set_issuer_name(&m->cert, text) == 0;
}

/* One more name for the certificate; `bytes` is lent until it is written. */
static void add_name(struct maker *m, int type, const void *bytes, size_t len)
{
    mbedtls_x509_san_list *name = &m->names[m->count];

    memset(name, 0, sizeof(*name));
    name->node.type = type;
    name->node.san.unstructured_name.p = (unsigned char *)(uintptr_t)bytes;
    name->node.san.unstructured_name.len = len;
    if (m->count > 0)
        m->names[m->count - 1].next = name;
    m->count++;
}

/* RFC 5280, 4.2.1.6: the host's name, and addresses of 4 or 16 octets. */
static bool set_alternatives(struct maker *m,
                             const struct nts_cert_subject *subject)
{
    if (is_host_name(subject->name))
        add_name(m, MBEDTLS_X509_SAN_DNS_NAME, subject->name,
                 strlen(subject->name));
    for (unsigned i = 0; i < subject->count && i < NTS_CERT_ADDRS_MAX; i++) {
        const struct ip_addr6 *addr = &subject->addrs[i];
        size_t skip = ip_is_v4(addr) ? 12 : 0;

        add_name(m, MBEDTLS_X509_SAN_IP_ADDRESS, addr->byte + skip, 16 - skip);
    }
    return m->count == 0 || mbedtls_x509write_crt_set_subject_alternative_name(
                                &m->cert, m->names) == 0;
}

static bool set_validity(struct maker *m,
                         const struct nts_cert_subject *subject)
{
    char from[15], to[15];

    if (subject->not_before < 0 || subject->not_after < subject->not_before)
        return false;
    date_text(subject->not_before, from);
    date_text(subject->not_after, to);
    return mbedtls_x509write_crt_set_validity(&m->cert, from, to) == 0;
}

static bool set_serial(struct maker *m)
{
    uint8_t serial[SERIAL_LEN];

    if (mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, serial,
                               sizeof(serial)) != 0)
        return false;
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and long */
    return mbedtls_x509write_crt_set_serial_raw(&m->cert, serial,
                                                sizeof(serial)) == 0;
}

/* What the key is for: signing the handshakes of a server, and no more. */
static bool set_usage(struct maker *m)
{
    char server_auth[] = MBEDTLS_OID_SERVER_AUTH;
    mbedtls_asn1_sequence usage = {
        .buf = {.tag = MBEDTLS_ASN1_OID,
                .len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH),
                .p = (unsigned char *)server_auth}};

    return mbedtls_x509write_crt_set_basic_constraints(&m->cert, 0, -1) == 0 &&
           mbedtls_x509write_crt_set_key_usage(
               &m->cert, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) == 0 &&
           mbedtls_x509write_crt_set_ext_key_usage(&m->cert, &usage) == 0 &&
           mbedtls_x509write_crt_set_subject_key_identifier(&m->cert) == 0;
}

/* A key of PSA's making, which leaves PSA: it is to be kept. */
static bool make_key(struct maker *m)
{
    psa_key_attributes_t wanted = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;

    psa_set_key_type(&wanted,
                     PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&wanted, 256);
    psa_set_key_usage_flags(&wanted,
                            PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&wanted, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    if (psa_generate_key(&wanted, &id) != PSA_SUCCESS)
        return false;

    bool ok = mbedtls_pk_copy_from_psa(id, &m->key) == 0;

    psa_destroy_key(id);
    return ok;
}

/* mbedTLS writes DER to the end of a buffer; 0: it did not fit. */
static uint16_t to_front(uint8_t *buf, size_t room, int len)
{
    if (len <= 0)
        return 0;
    memmove(buf, buf + room - (size_t)len, (size_t)len);
    return (uint16_t)len;
}

static bool write_out(struct maker *m, struct nts_cert *c)
{
    c->cert_len =
        to_front(c->cert, sizeof(c->cert),
                 mbedtls_x509write_crt_der(&m->cert, c->cert, sizeof(c->cert),
                                           mbedtls_psa_get_random,
                                           MBEDTLS_PSA_RANDOM_STATE));
    c->key_len =
        to_front(c->key, sizeof(c->key),
                 mbedtls_pk_write_key_der(&m->key, c->key, sizeof(c->key)));
    return c->cert_len > 0 && c->key_len > 0;
}

static bool make(struct maker *m, const struct nts_cert_subject *subject,
                 struct nts_cert *c)
{
    if (!make_key(m) || !set_names(m, subject->name) ||
        !set_alternatives(m, subject) || !set_validity(m, subject) ||
        !set_serial(m))
        return false;
    mbedtls_x509write_crt_set_version(&m->cert, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&m->cert, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&m->cert, &m->key);
    mbedtls_x509write_crt_set_issuer_key(&m->cert, &m->key);
    return set_usage(m) && write_out(m, c);
}

bool nts_cert_make(const struct nts_cert_subject *subject, struct nts_cert *c)
{
    struct maker m = {.count = 0};

    mbedtls_pk_init(&m.key);
    mbedtls_x509write_crt_init(&m.cert);
    bool ok = make(&m, subject, c);

    mbedtls_x509write_crt_free(&m.cert);
    mbedtls_pk_free(&m.key);
    if (!ok)
        mbedtls_platform_zeroize(c, sizeof(*c));
    return ok;
}

void nts_cert_fingerprint(const uint8_t *der, size_t len,
                          char out[NTS_CERT_FINGERPRINT_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t hash[32] = {0};

    mbedtls_sha256(der, len, hash, 0);
    for (size_t i = 0; i < sizeof(hash); i++) {
        out[3 * i] = digits[hash[i] >> 4];
        out[3 * i + 1] = digits[hash[i] & 15];
        out[3 * i + 2] = ':';
    }
    out[NTS_CERT_FINGERPRINT_TEXT - 1] = '\0';
}

int64_t nts_cert_days_left(const mbedtls_x509_crt *chain, int64_t now)
{
    int64_t first = INT64_MAX;

    for (; chain && chain->version != 0; chain = chain->next) {
        int64_t end = nts_cert_seconds(&chain->valid_to);

        if (end < first)
            first = end;
    }
    /* Rounded down, so that the last second of the last day is day 0. */
    int64_t left = first - now;

    return left >= 0 ? left / SECONDS_A_DAY
                     : -((-left - 1) / SECONDS_A_DAY) - 1;
}

const char *nts_cert_trouble(uint32_t *flags)
{
    static const struct {
        uint32_t flag;
        const char *text;
    } troubles[] = {
        {MBEDTLS_X509_BADCERT_MISSING, "the server has no certificate"},
        {MBEDTLS_X509_BADCERT_CN_MISMATCH,
         "the certificate is of another name"},
        {MBEDTLS_X509_BADCERT_EXPIRED, "the certificate has expired"},
        {MBEDTLS_X509_BADCERT_FUTURE, "the certificate is not valid yet"},
        {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE,
         "the certificate is not for a server (extended key usage)"},
        {MBEDTLS_X509_BADCERT_KEY_USAGE,
         "the certificate is not for signing (key usage)"},
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED,
         "the certificate is not signed by an authority that is trusted"},
        {MBEDTLS_X509_BADCERT_REVOKED, "the certificate was revoked"},
        {MBEDTLS_X509_BADCERT_BAD_MD,
         "the certificate is signed with a weak hash"},
        {MBEDTLS_X509_BADCERT_BAD_PK,
         "the certificate has a key of a kind that is not accepted"},
        {MBEDTLS_X509_BADCERT_BAD_KEY, "the certificate's key is too weak"},
    };

    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        if (*flags & troubles[i].flag) {
            *flags &= ~troubles[i].flag;
            return troubles[i].text;
        }
    }
    if (*flags == 0)
        return NULL;
    *flags = 0;
    return "the certificate was not accepted";
}
