/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet that a proof of a reply is about; nothing is copied outside it. */
#ifndef TESTS_PROOF_PACKET_H
#define TESTS_PROOF_PACKET_H

#include "tests/proof/proof.h"

#include <string.h>

/* Of a constant size, for speed: so what is inside is asked in words. */
static uint8_t data[PROOF_BYTES_MAX];
static size_t data_len;

static bool is_inside(const uint8_t *at, size_t n)
{
    return at >= data && at <= data + data_len &&
           n <= data_len - (size_t)(at - data);
}

static void copy(void *to, const void *from, size_t n)
{
    assert(is_inside(to, n));
    assert(__CPROVER_r_ok(from, n));
}

static void move(void *to, const void *from, size_t n)
{
    assert(is_inside(to, n));
    assert(is_inside(from, n));
}

#endif
