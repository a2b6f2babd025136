/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet that a proof of a reply is about; nothing is copied outside it. */
#ifndef TESTS_PROOF_PACKET_H
#define TESTS_PROOF_PACKET_H

#include "ntp/bytes.h"
#include "tests/proof/proof.h"

#include <string.h>

/* Of a constant size, for speed: so what is inside is asked in words. */
static uint8_t data[PROOF_BYTES_MAX];
static size_t data_len;

static bool is_inside(const uint8_t *at, size_t n)
{
    size_t before = __CPROVER_POINTER_OFFSET(at);

    return __CPROVER_same_object(at, data) && before <= data_len &&
           n <= data_len - before;
}

static void copy(void *to, const void *from, size_t n)
{
    assert(is_inside(to, n));
    assert(__CPROVER_r_ok(from, n));
}

/* Four bytes of the packet, of any value; 0 once the reader has failed. */
static uint32_t take_u32(struct reader *r)
{
    const uint8_t *at = read_bytes(r, 4);

    assert(!at || is_inside(at, 4));
    return at ? nondet_u32() : 0;
}

/* What is written behind the first byte is not asked about. */
static void put(const uint8_t *at, uint64_t value, size_t n)
{
    (void)value;
    assert(is_inside(at, n) && at > data);
}

static void move(void *to, const void *from, size_t n)
{
    assert(is_inside(to, n));
    assert(is_inside(from, n));
}

#endif
