/* SPDX-License-Identifier: BSD-2-Clause */
/* What of mbedTLS is built, for the image and for the host's tests alike. */
#ifndef NTS_MBEDTLS_CONFIG_H
#define NTS_MBEDTLS_CONFIG_H

/*
 * No clock: validity is checked by those who know the time, and how well.  No
 * files, no entropy of its own: mbedtls_psa_external_get_random() is ours, and
 * so are calloc() and free() in the image.
 */
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define MBEDTLS_USE_PSA_CRYPTO

/* No buffer changes while PSA reads it: it need not copy them all. */
#define MBEDTLS_PSA_ASSUME_EXCLUSIVE_BUFFERS

/*
 * Keys that PSA holds at once: a TLS session has up to 6, and there are at most
 * 128 sessions (net/tls.h); the rest is for signatures and their checks.
 */
#define MBEDTLS_PSA_KEY_SLOT_COUNT 800

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

/* The ciphers and hashes of TLS 1.3 (RFC 8446, 9.1), all but CCM. */
#define MBEDTLS_GCM_C
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_MD_C
#define MBEDTLS_HKDF_C

/* Key exchange and signatures. */
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_PSA_P256M_DRIVER_ENABLED /* nts/p256.c */
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21

/* Certificates and keys, in PEM and DER; RSA-PSS signatures as TLS 1.3 wants
 * them; and writing our own certificate (nts/cert.h). */
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_BASE64_C
#define MBEDTLS_OID_C
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PK_PARSE_EC_EXTENDED
#define MBEDTLS_PK_WRITE_C
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CRT_WRITE_C
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#define MBEDTLS_X509_REMOVE_INFO

/* TLS 1.3 and nothing older; no tickets, no early data. */
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define MBEDTLS_SSL_ALL_ALERT_MESSAGES
#define MBEDTLS_SSL_ALPN
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_KEYING_MATERIAL_EXPORT

/* Others may send whole records; of ours only a chain of certificates is
 * long, and has to fit whole. */
#define MBEDTLS_SSL_IN_CONTENT_LEN  16384
#define MBEDTLS_SSL_OUT_CONTENT_LEN 8192

#endif
