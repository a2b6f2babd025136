/* SPDX-License-Identifier: BSD-2-Clause */
/* X25519 for mbedTLS, whose own takes five times as long. */
#ifndef NTS_X25519_PSA_H
#define NTS_X25519_PSA_H

#include <psa/crypto.h>

/*
 * The linker puts these before mbedTLS's functions (--wrap): PSA has an
 * interface for drivers of P-256, but none for this curve.  Every other key
 * goes on to __real_...
 * Level: background and boot.
 */
psa_status_t __wrap_mbedtls_psa_ecp_export_public_key(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    uint8_t *data, size_t data_room, size_t *data_len);
psa_status_t __real_mbedtls_psa_ecp_export_public_key(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    uint8_t *data, size_t data_room, size_t *data_len);

psa_status_t __wrap_mbedtls_psa_key_agreement_ecdh(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *peer, size_t peer_len, uint8_t *secret,
    size_t secret_room, size_t *secret_len);
psa_status_t __real_mbedtls_psa_key_agreement_ecdh(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *peer, size_t peer_len, uint8_t *secret,
    size_t secret_room, size_t *secret_len);

#endif
