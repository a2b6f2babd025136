/* SPDX-License-Identifier: BSD-2-Clause */
/* What proofs begin with: any value, any bytes; tests/proof/run.sh has how. */
#ifndef TESTS_PROOF_PROOF_H
#define TESTS_PROOF_PROOF_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The longest payload of an Ethernet frame. */
#define PROOF_BYTES_MAX 1500

/* CBMC gives any value to what a function of such a name returns.  A size that
 * is bounded anyway is drawn from 16 bits, to leave the solver less to do. */
bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
size_t nondet_size(void);

#define ASSUME(condition) __CPROVER_assume(condition)

/* A goal that some run must reach, or the proof says too little. */
#ifdef PROOF_COVER
#define COVER(condition) __CPROVER_cover(condition)
#else
#define COVER(condition) ((void)0)
#endif

/* An object of exactly `len` bytes, of any content. */
static inline uint8_t *nondet_bytes(size_t len)
{
    uint8_t *p = malloc(len);

    ASSUME(p != NULL);
    return p;
}

#endif
