/* SPDX-License-Identifier: BSD-2-Clause */
/* A request is granted exactly when it is as RFC 8915 has it. */
/* proves: nts_ke_judge */
/* begin: first */
/* bounds: any bytes, length 0 to 16: up to 4 records; two AEADs offered */
/* cbmc: --unwind 9 --no-sat-preprocessor */
/* planted: nts/ke.c s/if (after_end ||/if (/ */
/* planted: nts/ke.c s/if (r.ok \&\& is_complete/if (is_complete/ */
#include "nts/ke.h"

#include "nts/ke.c"

#include "nts/record.c"

#include "tests/proof/proof.h"

#define BYTES_MAX 16

static const enum aead_id offered[] = {AEAD_AES_128_GCM_SIV,
                                       AEAD_AES_SIV_CMAC_256};

/* Of a constant size, for speed; prove_nts_record_next.c has the bounds. */
static uint8_t message[BYTES_MAX];

/* What a message has, counted before anything is made of it. */
struct content {
    bool whole;            /* records from begin to end */
    bool unknown_critical; /* a record */
    bool malformed;        /* one that we know, or not a client's to send */
    unsigned count[8];     /* of the RFC's types */
    bool ends_with_end;
    bool ntpv4, siv, gcm_siv, compliant;
};

static unsigned number(const uint8_t *p)
{
    return p[0] * 256u + p[1];
}

static void count_list(struct content *c, const uint8_t *body, size_t len,
                       unsigned type)
{
    if (len == 0 || len % 2 != 0)
        c->malformed = true;
    for (size_t i = 0; i + 1 < len; i += 2) {
        if (type == 1 && number(body + i) == 0)
            c->ntpv4 = true;
        if (type == 4 && number(body + i) == 15)
            c->siv = true;
        if (type == 4 && number(body + i) == 30)
            c->gcm_siv = true;
    }
}

static void count_record(struct content *c, const uint8_t *at, size_t len)
{
    bool critical = at[0] >= 0x80;
    unsigned type = number(at) % 0x8000;

    c->ends_with_end = type == 0;
    if (type < 8)
        c->count[type]++;
    else if (type == 1024)
        c->malformed |= len != 0 || c->compliant;
    else
        c->unknown_critical |= critical;
    c->compliant |= type == 1024;
    if (type == 1 || type == 4)
        count_list(c, at + 4, len, type);
    if (type < 2)
        c->malformed |= !critical;
    if ((type == 0 && len != 0) || type == 2 || type == 3 || type == 5 ||
        (type == 6 && len == 0) || (type == 7 && len != 2))
        c->malformed = true;
}

static struct content count(size_t len)
{
    struct content c = {.whole = true};
    size_t at = 0;

    while (at < len) {
        if (len - at < 4 || number(message + at + 2) > len - at - 4) {
            c.whole = false;
            return c;
        }
        size_t body_len = number(message + at + 2);

        count_record(&c, message + at, body_len);
        at += 4 + body_len;
    }
    return c;
}

static bool is_good(const struct content *c)
{
    for (unsigned type = 0; type < 8; type++) {
        if (c->count[type] > 1)
            return false;
    }
    return c->whole && !c->unknown_critical && !c->malformed &&
           c->ends_with_end && c->count[1] == 1 &&
           (!c->ntpv4 || c->count[4] == 1);
}

int main(void)
{
    size_t len = nondet_u16();

    ASSUME(len <= BYTES_MAX);
    __CPROVER_havoc_object(message);
    struct content c = count(len);
    struct nts_ke_terms t;

    nts_ke_judge(message, len, offered, 2, &t);
    assert(t.ok == is_good(&c));
    assert(t.ok || t.error == NTS_KE_BAD_REQUEST ||
           t.error == NTS_KE_UNRECOGNIZED_CRITICAL);
    assert(t.ok || t.error == NTS_KE_BAD_REQUEST || c.unknown_critical);
    assert(t.ntpv4 == (t.ok && c.ntpv4));
    assert(t.has_aead == (t.ntpv4 && (c.siv || c.gcm_siv)));
    if (t.has_aead) {
        assert(t.aead == (c.gcm_siv ? 30 : 15));
        assert(t.compliant_gcm_siv == (c.gcm_siv && c.compliant));
        assert(t.exporter_aead == (t.compliant_gcm_siv ? 30 : 15));
    }
    COVER(t.has_aead && t.aead == 15);
    COVER(t.has_aead && t.aead == 30);
    COVER(t.ntpv4 && !t.has_aead);
    COVER(t.ok && !t.ntpv4);
    COVER(!t.ok && t.error == NTS_KE_UNRECOGNIZED_CRITICAL);
    COVER(!t.ok && c.whole && !c.malformed && !c.unknown_critical);
    return 0;
}
