/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes for mbedTLS on the host; in the image net/tls.c has them. */
#include <psa/crypto.h>
#include <sys/random.h>

psa_status_t
mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                uint8_t *output, size_t output_size,
                                size_t *output_length)
{
    ssize_t got = getrandom(output, output_size, 0);

    (void)context;
    *output_length = got < 0 ? 0 : (size_t)got;
    return *output_length == output_size ? PSA_SUCCESS
                                         : PSA_ERROR_INSUFFICIENT_ENTROPY;
}
