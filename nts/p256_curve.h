/* SPDX-License-Identifier: BSD-2-Clause */
/* Points of the curve P-256, and multiples of them. */
#ifndef NTS_P256_CURVE_H
#define NTS_P256_CURVE_H

#include "nts/p256_num.h"

#define POINT_LEN 65 /* bytes on the wire: 4, x, y */

/* A point other than infinity, in Montgomery's form. */
struct point {
    struct num x, y;
};

/* The point in those bytes; false if they are not one of the curve, or not
 * uncompressed.  SEC 1, 2.3.4. */
bool point_read(struct point *p, const uint8_t bytes[POINT_LEN]);
void point_write(uint8_t bytes[POINT_LEN], const struct point *p);

/*
 * The multiple of the generator, or of a point.  Neither time nor addresses
 * depend on k, which is above zero and below the order.
 */
void point_multiply_base(struct point *r, const struct num *k);
void point_multiply(struct point *r, const struct num *k,
                    const struct point *p);

/* The sum; false if it is infinity.  Only for points that are no secret. */
bool point_add_public(struct point *r, const struct point *a,
                      const struct point *b);

#endif
