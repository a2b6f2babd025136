/* SPDX-License-Identifier: BSD-2-Clause */
/* The key agreement X25519, in constant time. */
#ifndef NTS_X25519_H
#define NTS_X25519_H

#include <stdbool.h>
#include <stdint.h>

#define X25519_LEN 32

/*
 * Multiply a point, given by its u-coordinate, with a scalar; all of them
 * little-endian.  `out` may be any of the others.
 *
 * Returns false when the result is zero: the point is of small order, and
 * nothing secret came about (RFC 8446, 7.4.2).
 * RFC 7748, 5.  Level: background.
 */
bool x25519(uint8_t out[X25519_LEN], const uint8_t scalar[X25519_LEN],
            const uint8_t u[X25519_LEN]);

/* The same with the base point: a public key.  RFC 7748, 6.1.  Level:
 * background. */
void x25519_base(uint8_t out[X25519_LEN], const uint8_t scalar[X25519_LEN]);

#endif
