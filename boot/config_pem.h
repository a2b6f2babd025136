/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a file PEM, and whole?  What is in it is for mbedTLS to say. */
#ifndef BOOT_CONFIG_PEM_H
#define BOOT_CONFIG_PEM_H

#include "boot/config_lexer.h"

enum pem_verdict {
    PEM_OK,
    PEM_ABSENT,   /* nothing of that kind in it */
    PEM_BROKEN,   /* cut off, or not base64 of one DER sequence */
    PEM_ENCRYPTED /* a key that needs a password */
};

/*
 * One certificate or more; each has to be whole.  Takes any bytes at all.
 * RFC 7468, 5.  Level: any.
 */
enum pem_verdict pem_certificates(struct word text);

/*
 * A private key, in one of the three forms that OpenSSL writes.  Takes any
 * bytes at all.  RFC 7468, 10 and 11; RFC 5915, 4.  Level: any.
 */
enum pem_verdict pem_private_key(struct word text);

#endif
