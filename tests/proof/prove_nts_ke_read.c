/* SPDX-License-Identifier: BSD-2-Clause */
/* A response in pieces stays in its buffers, and keeps what is good of it. */
/* proves: take_record gather record_len */
/* bounds: any state, any record, names of up to 8 bytes or too long ones */
/* sources: nts/ke.c nts/record.c */
/* cbmc: --unwind 9 --no-sat-preprocessor */
/* planted: nts/ke_ask.c s/rec->len > NTS_KE_COOKIE_MAX/false/ */
/* planted: nts/ke_ask.c s/result->cookies < NTS_KE_COOKIES/true/ */
/* planted: nts/ke_ask.c s/rec->len >= NTS_KE_NAME_MAX/false/ */
/* planted: nts/ke_ask.c s/n < room ? n : room/n/ */
/* planted: nts/ke_ask.c s/rec->type != NTS_RECORD_COOKIE/false/ */
/* planted: nts/ke_ask.c s/c == ':'/c == '%'/ */
#include "nts/ke_ask.h"

#include "tests/proof/proof.h"

#include <string.h>

/* What is copied is there, and there is room for it. */
static void copy(void *to, const void *from, size_t n)
{
    assert(__CPROVER_r_ok(from, n));
    assert(__CPROVER_w_ok(to, n));
    ((uint8_t *)to)[0] = ((const uint8_t *)from)[0];
}

#define memcpy copy
#include "nts/ke_ask.c"
#undef memcpy

#define NAME_MAX 8

static const enum aead_id wanted[] = {AEAD_AES_128_GCM_SIV,
                                      AEAD_AES_SIV_CMAC_256};

static struct nts_ke_result result;
static struct nts_ke_reading reading;

/* Any state between two calls. */
static void begin(void)
{
    __CPROVER_havoc_object(&result);
    __CPROVER_havoc_object(&reading);
    reading.wanted = wanted;
    reading.count = 2;
    reading.result = &result;
    reading.verdict = NTS_KE_OK;
    ASSUME(reading.have < NTS_RECORD_HEADER_LEN ||
           reading.have < record_len(&reading));
    ASSUME(result.cookies <= NTS_KE_COOKIES);
}

static void check_gather(void)
{
    size_t len = nondet_u16();
    size_t before = reading.have;

    ASSUME(len > 0 && len <= PROOF_BYTES_MAX);
    const uint8_t *data = nondet_bytes(len);
    size_t n = gather(&reading, data, len);

    assert(n > 0 && n <= len);
    assert(reading.have == before + n);
    if (before >= NTS_RECORD_HEADER_LEN)
        assert(reading.have <= record_len(&reading));
    else
        assert(reading.have <= NTS_RECORD_HEADER_LEN);
    COVER(before == 0 && n == NTS_RECORD_HEADER_LEN);
    COVER(before > sizeof(reading.record) && n == len);
    COVER(before == 100 && n == PROOF_BYTES_MAX);
}

static bool is_zone(const struct nts_record *rec)
{
    for (size_t i = 0; i < NAME_MAX; i++) {
        if (i < rec->len && rec->body[i] == '%')
            return true;
    }
    return false;
}

static void check_record(void)
{
    struct nts_record rec = {.critical = nondet_bool(),
                             .type = nondet_u16() & NTS_RECORD_TYPE_MASK,
                             .len = nondet_u16(),
                             .body = reading.record + NTS_RECORD_HEADER_LEN};
    unsigned seen = reading.seen, cookies = result.cookies;
    unsigned bit = nts_record_bit(rec.type);
    enum nts_ke_verdict verdict;

    if (rec.type == NTS_RECORD_SERVER)
        ASSUME(rec.len <= NAME_MAX || rec.len >= NTS_KE_NAME_MAX);
    verdict = take_record(&reading, &rec);
    assert((verdict == NTS_KE_UNKNOWN_CRITICAL) == (bit == 0 && rec.critical));
    assert((verdict == NTS_KE_TWICE) == ((seen & bit) != 0 && rec.type != 5));
    assert(verdict != NTS_KE_OK || reading.seen == (seen | bit));
    assert(verdict != NTS_KE_OK || (rec.type != 2 && rec.type != 3));
    assert(result.cookies <= NTS_KE_COOKIES);
    if (result.cookies != cookies) {
        assert(rec.type == NTS_RECORD_COOKIE && result.cookies == cookies + 1);
        assert(result.cookie[cookies].len == rec.len);
        assert(rec.len > 0 && rec.len <= 256 && rec.len % 4 == 0);
        COVER(rec.len == 256 && cookies == 7);
    }
    if (verdict == NTS_KE_OK && rec.type == NTS_RECORD_SERVER) {
        assert(rec.len > 0 && rec.len <= NAME_MAX && !is_zone(&rec));
        assert(result.server[rec.len] == '\0');
        COVER(rec.len == NAME_MAX && result.server[0] == ':');
    }
    if (verdict == NTS_KE_OK && rec.type == NTS_RECORD_PORT)
        assert(result.port != 0 && rec.len == 2);
    COVER(verdict == NTS_KE_OK && rec.type == 4 && rec.len == 0);
    COVER(verdict == NTS_KE_FOREIGN_AEAD);
    COVER(verdict == NTS_KE_ERROR && result.code == 2);
    COVER(verdict == NTS_KE_BAD_SERVER && rec.len == 0xffff);
}

int main(void)
{
    begin();
    if (nondet_bool())
        check_gather();
    else
        check_record();
    return 0;
}
