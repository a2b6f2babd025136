/* SPDX-License-Identifier: BSD-2-Clause */
/* X25519 for mbedTLS, whose own takes five times as long. */
#include "nts/x25519_psa.h"

#include "nts/x25519.h"

static bool is_x25519(const psa_key_attributes_t *attributes, size_t key_len)
{
    return psa_get_key_type(attributes) ==
               PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY) &&
           psa_get_key_bits(attributes) == 255 && key_len == X25519_LEN;
}

psa_status_t __wrap_mbedtls_psa_ecp_export_public_key(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    uint8_t *data, size_t data_room, size_t *data_len)
{
    if (!is_x25519(attributes, key_len))
        return __real_mbedtls_psa_ecp_export_public_key(
            attributes, key, key_len, data, data_room, data_len);
    if (data_room < X25519_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    x25519_base(data, key);
    *data_len = X25519_LEN;
    return PSA_SUCCESS;
}

psa_status_t __wrap_mbedtls_psa_key_agreement_ecdh(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *peer, size_t peer_len, uint8_t *secret,
    size_t secret_room, size_t *secret_len)
{
    if (!is_x25519(attributes, key_len))
        return __real_mbedtls_psa_key_agreement_ecdh(
            attributes, key, key_len, alg, peer, peer_len, secret, secret_room,
            secret_len);
    if (peer_len != X25519_LEN)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (secret_room < X25519_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    if (!x25519(secret, key, peer))
        return PSA_ERROR_INVALID_ARGUMENT;
    *secret_len = X25519_LEN;
    return PSA_SUCCESS;
}
