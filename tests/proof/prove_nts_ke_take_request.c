/* SPDX-License-Identifier: BSD-2-Clause */
/* Each record of a request is taken as its clause of RFC 8915 says. */
/* proves: take_request grant is_complete */
/* bounds: any state, any record, a body of 0 to 12 bytes or, unread, more */
/* cbmc: --unwind 9 --no-sat-preprocessor */
/* planted: nts/ke.c s/rec->len >= 2 \&\& rec->len % 2 == 0/rec->len >= 2/ */
/* planted: nts/ke.c s/at + 2 <= rec->len/at + 4 <= rec->len/ */
/* planted: nts/ke.c s/return !rec->critical/return true/ */
/* planted: nts/ke.c s/(q->seen \& bit) != 0/(q->seen \& 1) != 0/ */
/* planted: nts/ke.c s/return rec->len == 2;/return rec->len >= 2;/ */
/* planted: nts/ke.c s/compliant \&\& terms->aead ==/terms->aead ==/ */
/* planted: nts/ke.c s/q->ntpv4 \&\& q->choice/q->choice/ */
#include "nts/ke.c"

#include "nts/record.c"

#include "tests/proof/proof.h"

#define BODY_MAX 12

static const enum aead_id offered[] = {AEAD_AES_128_GCM_SIV,
                                       AEAD_AES_SIV_CMAC_256};

static uint8_t body[BODY_MAX];

static bool body_lists(const struct nts_record *rec, unsigned wanted)
{
    for (unsigned i = 0; i + 1 < BODY_MAX; i += 2) {
        if (i + 1 < rec->len && body[i] * 256u + body[i + 1] == wanted)
            return true;
    }
    return false;
}

/* RFC 8915, 4.1.1 to 4.1.8, for a client's record; `again`: not the first. */
static bool is_fine(const struct nts_record *rec, bool again)
{
    bool is_list = rec->len > 0 && rec->len % 2 == 0;

    switch (rec->type) {
    case 0:
        return rec->critical && rec->len == 0;
    case 1:
        return rec->critical && is_list && !again;
    case 4:
        return is_list && !again;
    case 6:
        return rec->len > 0 && !again;
    case 7:
        return rec->len == 2 && !again;
    case 1024:
        return rec->len == 0 && !again;
    case 2:
    case 3:
    case 5:
        return false;
    default:
        return !rec->critical;
    }
}

static void check_grant(const struct request *q)
{
    struct nts_ke_terms t = {.ok = false};
    bool asked = (q->seen & 1u << 8) != 0;

    assert(is_complete(q) ==
           ((q->seen & 3) == 3 && (!q->ntpv4 || (q->seen & 1u << 4) != 0)));
    grant(q, &t);
    assert(t.ok && t.ntpv4 == q->ntpv4);
    assert(t.has_aead == (q->ntpv4 && q->choice < 2));
    if (!t.has_aead)
        return;
    assert(t.aead == offered[q->choice]);
    assert(t.compliant_gcm_siv == (asked && t.aead == 30));
    assert(t.exporter_aead == (t.compliant_gcm_siv ? 30 : 15));
    COVER(t.aead == 15 && asked);
    COVER(t.aead == 30 && !asked);
    COVER(t.compliant_gcm_siv);
}

int main(void)
{
    struct request q = {.offered = offered,
                        .count = 2,
                        .seen = nondet_u32() & 0x1ff,
                        .ntpv4 = nondet_bool(),
                        .choice = nondet_u8() % 3};
    struct request old = q;
    struct nts_record rec = {.critical = nondet_bool(),
                             .type = nondet_u16() & 0x7fff,
                             .len = nondet_u16(),
                             .body = body};
    bool known = rec.type < 8 || rec.type == 1024;
    bool ended = (q.seen & 1) != 0;
    unsigned bit = rec.type == 1024 ? 1u << 8 : 1u << (rec.type & 7);
    enum nts_ke_error error = NTS_KE_INTERNAL;

    /* The bodies that are read are those of types 1 and 4. */
    ASSUME(rec.len <= BODY_MAX || (rec.type != 1 && rec.type != 4));
    __CPROVER_havoc_object(body);
    check_grant(&q);

    bool taken = take_request(&q, &rec, &error);

    assert(taken == (!ended && is_fine(&rec, known && (old.seen & bit) != 0)));
    assert(taken || (error == NTS_KE_UNRECOGNIZED_CRITICAL) ==
                        (!known && rec.critical && !ended));
    assert(taken || error != NTS_KE_INTERNAL);
    if (!taken) {
        COVER(error == NTS_KE_UNRECOGNIZED_CRITICAL);
        COVER(error == NTS_KE_BAD_REQUEST && ended);
        return 0;
    }
    assert(q.seen == (known ? old.seen | bit : old.seen));
    assert(q.ntpv4 == (rec.type == 1 ? body_lists(&rec, 0) : old.ntpv4));
    if (rec.type == 4)
        assert(q.choice == (body_lists(&rec, 30)   ? 0
                            : body_lists(&rec, 15) ? 1
                                                   : 2));
    else
        assert(q.choice == old.choice);
    COVER(rec.type == 4 && q.choice == 1 && rec.len == BODY_MAX);
    COVER(rec.type == 4 && q.choice == 2);
    COVER(rec.type == 1 && !q.ntpv4);
    COVER(!known && rec.len == 0xffff);
    COVER(rec.type == 6 && rec.len == 0xffff);
    return 0;
}
