/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an NTS-KE request: an answer that a client understands. */
#include "nts/ke.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static const enum aead_id offered[] = {AEAD_AES_128_GCM_SIV,
                                       AEAD_AES_SIV_CMAC_256};

/* Whole as soon as it can be, and never before. */
static void check_scan(const uint8_t *data, size_t len)
{
    enum nts_ke_progress before = NTS_KE_MORE;

    for (size_t n = 0; n <= len && n < 600; n++) {
        enum nts_ke_progress now = nts_ke_scan(data, n);

        HOLDS(before == NTS_KE_MORE || now == before);
        before = now;
    }
}

static void check_terms(const struct nts_ke_terms *t)
{
    HOLDS(t->ok || (!t->ntpv4 && !t->has_aead));
    HOLDS(t->ntpv4 || !t->has_aead);
    if (!t->has_aead)
        return;
    HOLDS(t->aead == AEAD_AES_SIV_CMAC_256 || t->aead == AEAD_AES_128_GCM_SIV);
    HOLDS(t->exporter_aead == (t->compliant_gcm_siv ? 30 : 15));
    HOLDS(!t->compliant_gcm_siv || t->aead == AEAD_AES_128_GCM_SIV);
}

/* An answer is whole, and is a single error or what was agreed. */
static void check_answer(const struct nts_ke_terms *t)
{
    static const uint8_t cookies[NTS_KE_COOKIES * 100];
    struct nts_ke_answer a = {.terms = *t,
                              .cookies = NTS_KE_COOKIES,
                              .cookie_len = 100,
                              .cookie = cookies,
                              .server = "ntp.example",
                              .port = 1123};
    uint8_t out[NTS_KE_REPLY_MAX];
    size_t len = nts_ke_answer(&a, out);
    struct reader r = reader_of(out, len);
    struct nts_record rec;
    unsigned count[8] = {0};

    HOLDS(nts_ke_scan(out, len) == NTS_KE_WHOLE);
    HOLDS(nts_ke_scan(out, len - 1) == NTS_KE_MORE);
    while (nts_record_next(&r, &rec)) {
        if (rec.type < 8)
            count[rec.type]++;
    }
    HOLDS(r.ok && count[NTS_RECORD_END] == 1);
    HOLDS(count[NTS_RECORD_ERROR] == !t->ok);
    HOLDS(count[NTS_RECORD_NEXT_PROTOCOL] == t->ok);
    HOLDS(count[NTS_RECORD_AEAD] == t->ntpv4);
    HOLDS(count[NTS_RECORD_COOKIE] == (t->has_aead ? NTS_KE_COOKIES : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len + 1); /* so that a read past it is seen */
    struct nts_ke_terms terms;

    memcpy(exact, data, len);
    check_scan(exact, len);
    nts_ke_judge(exact, len, offered, 2, &terms);
    check_terms(&terms);
    if (terms.ok && len <= NTS_KE_MESSAGE_MAX)
        HOLDS(nts_ke_scan(exact, len) == NTS_KE_WHOLE);
    check_answer(&terms);
    free(exact);
    return 0;
}
