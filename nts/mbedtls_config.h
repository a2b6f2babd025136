/* SPDX-License-Identifier: BSD-2-Clause */
/* What of mbedTLS is built, for the image and for the host's tests alike. */
#ifndef NTS_MBEDTLS_CONFIG_H
#define NTS_MBEDTLS_CONFIG_H

/* Message authentication with symmetric keys (RFC 5905, RFC 8573). */
#define MBEDTLS_SHA1_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_MD5_C
#define MBEDTLS_AES_C

/* Tables in read-only memory, so that no first use has to fill them. */
#define MBEDTLS_AES_ROM_TABLES

/* Where the processor has AES instructions, mbedTLS finds out by itself. */
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_AESNI_C

#endif
