/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept over a reboot (no .c). */
#ifndef BOOT_STATE_DATA_H
#define BOOT_STATE_DATA_H

#include "nts/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sources whose cookies are kept; those of more are asked for anew. */
#define STATE_UPSTREAMS_MAX 16

#define STATE_NAME_MAX      253
#define STATE_KEY_MAX       32
#define STATE_COOKIES       8
#define STATE_COOKIE_MAX    256  /* a server with longer ones is asked anew */
#define STATE_CERT_MAX      1024 /* DER, as all of `own` */
#define STATE_CERT_KEY_MAX  256
#define STATE_GENERATION_ID 16
#define STATE_PANIC_MAX     2047

/* The association with one NTS server: RFC 8915, 5.7. */
struct state_upstream {
    char
        name[STATE_NAME_MAX + 1]; /* that of the NTS-KE server, as configured */
    uint16_t ke_port;
    uint16_t aead;                   /* enum aead_id */
    bool compliant;                  /* record 1024 was agreed on */
    char server[STATE_NAME_MAX + 1]; /* record 6; empty: the NTS-KE server */
    uint16_t port;                   /* record 7; 0: 123 */
    uint8_t c2s[STATE_KEY_MAX];
    uint8_t s2c[STATE_KEY_MAX];
    uint64_t unix_seconds; /* when the keys were agreed on; 0: not known */
    int64_t not_before;    /* of the certificate that was shown then, ... */
    int64_t not_after;     /* ... s since 1970; 0, 0: not known */
    uint8_t cookies;
    struct {
        uint16_t len;
        uint8_t bytes[STATE_COOKIE_MAX];
    } cookie[STATE_COOKIES];
};

/*
 * Zero is "nothing is known".  Text ends with a zero; what is behind it, behind
 * a length or behind a count is not kept.
 */
struct state_data {
    uint64_t unix_seconds; /* last known time, 0: none */

    struct {
        unsigned count;                          /* 0: none */
        struct nts_key_bytes key[NTS_KEYS_KEPT]; /* newest first */
        uint64_t age_s; /* of the newest, s of operating time */
    } nts;

    struct {
        uint16_t cert_len; /* 0: none, and no key either */
        uint16_t key_len;
        uint8_t cert[STATE_CERT_MAX];
        uint8_t key[STATE_CERT_KEY_MAX];
    } own;

    unsigned upstreams;
    struct state_upstream upstream[STATE_UPSTREAMS_MAX];

    bool has_generation_id;
    uint8_t generation_id[STATE_GENERATION_ID];

    double counter_hz;   /* as the sources have it; 0: not known */
    double counter_skew; /* bound of its error, s/s */

    /* Last words of the run before, if it ended so; only ever loaded. */
    char panic[STATE_PANIC_MAX + 1];
};

#endif
