/* SPDX-License-Identifier: BSD-2-Clause */
/* The curve P-256 for mbedTLS: the entry points of its PSA driver for it. */
#ifndef NTS_P256_H
#define NTS_P256_H

#include <psa/crypto.h>

/*
 * mbedTLS calls these for every key of secp256r1 when its configuration has
 * MBEDTLS_PSA_P256M_DRIVER_ENABLED, and by names and arguments that are its
 * own.  What they answer PSA_ERROR_NOT_SUPPORTED to, it does itself.  A private
 * key is 32 bytes, a public one 0x04 and the two coordinates, a signature r and
 * then s.  In constant time, but for what checks a signature.
 * Level: background and boot.
 */

/* Private keys alone: mbedTLS is quick to check a public one. */
psa_status_t p256_transparent_import_key(const psa_key_attributes_t *attributes,
                                         const uint8_t *data, size_t data_len,
                                         uint8_t *key, size_t key_room,
                                         size_t *key_len, size_t *bits);

psa_status_t p256_transparent_export_public_key(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    uint8_t *data, size_t data_room, size_t *data_len);

psa_status_t
p256_transparent_generate_key(const psa_key_attributes_t *attributes,
                              uint8_t *key, size_t key_room, size_t *key_len);

/* The shared secret is the x coordinate.  RFC 8446, 7.4.2. */
psa_status_t p256_transparent_key_agreement(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *peer, size_t peer_len, uint8_t *secret,
    size_t secret_room, size_t *secret_len);

/* Hashes of SHA-256 alone.  The nonce follows from key and hash, RFC 6979: no
 * weakness of a generator gives the key away. */
psa_status_t p256_transparent_sign_hash(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *hash, size_t hash_len,
    uint8_t *signature, size_t signature_room, size_t *signature_len);

/* By a public key, or by the public part of a private one. */
psa_status_t p256_transparent_verify_hash(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *hash, size_t hash_len,
    const uint8_t *signature, size_t signature_len);

#endif
