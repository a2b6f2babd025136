/* SPDX-License-Identifier: BSD-2-Clause */
/* The key agreement X25519: BearSSL's, which is in constant time. */
#include "nts/x25519.h"

#include <bearssl_ec.h>
#include <mbedtls/platform_util.h>

#include <string.h>

bool x25519(uint8_t out[X25519_LEN], const uint8_t scalar[X25519_LEN],
            const uint8_t u[X25519_LEN])
{
    uint8_t point[X25519_LEN];
    uint8_t any = 0;

    memcpy(point, u, sizeof(point));
    br_ec_c25519_m31.mul(point, sizeof(point), scalar, X25519_LEN,
                         BR_EC_curve25519);
    for (size_t i = 0; i < sizeof(point); i++)
        any |= point[i];
    memcpy(out, point, sizeof(point));
    mbedtls_platform_zeroize(point, sizeof(point));
    return any != 0;
}

void x25519_base(uint8_t out[X25519_LEN], const uint8_t scalar[X25519_LEN])
{
    static const uint8_t base[X25519_LEN] = {9};

    (void)x25519(out, scalar, base);
}
