/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of 256 bits, modulo the prime of P-256 or the order of its group. */
#ifndef NTS_P256_NUM_H
#define NTS_P256_NUM_H

#include <stdbool.h>
#include <stdint.h>

#define NUM_LEN 32 /* bytes on the wire, most significant first */

/*
 * Four words, the least significant first.  Always below its modulus.  All of
 * this file runs in time that does not depend on the numbers, but for what is
 * said to be public.  A result may be one of the operands.
 */
struct num {
    uint64_t word[4];
};

extern const struct num num_p; /* the field's prime */
extern const struct num num_n; /* the group's order */

/* All ones if the number is zero, else zero. */
uint64_t num_is_zero(const struct num *a);

/* a if the mask is all ones, b if it is zero. */
void num_select(struct num *r, uint64_t mask, const struct num *a,
                const struct num *b);

/* The number in those bytes; false if it is not below the modulus. */
bool num_read(struct num *r, const uint8_t bytes[NUM_LEN],
              const struct num *modulus);
void num_write(uint8_t bytes[NUM_LEN], const struct num *a);

/* A number below 2^256, made one below the modulus by subtracting it once. */
void num_reduce_once(struct num *r, const struct num *modulus);

void num_add(struct num *r, const struct num *a, const struct num *b,
             const struct num *modulus);
void num_sub(struct num *r, const struct num *a, const struct num *b,
             const struct num *modulus);

/*
 * Products are Montgomery's: a b / 2^256.  A number is brought into his form by
 * num_enter, and out of it by num_leave.  An inverse is that of a number in the
 * form, in the form; that of zero is zero.
 */
void num_mul_p(struct num *r, const struct num *a, const struct num *b);
void num_enter_p(struct num *r, const struct num *a);
void num_leave_p(struct num *r, const struct num *a);
void num_invert_p(struct num *r, const struct num *a);

void num_mul_n(struct num *r, const struct num *a, const struct num *b);
void num_enter_n(struct num *r, const struct num *a);
void num_leave_n(struct num *r, const struct num *a);
void num_invert_n(struct num *r, const struct num *a);

#endif
