/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys that cookies are sealed with. */
#ifndef NTS_KEYS_H
#define NTS_KEYS_H

#include <stdint.h>

#define NTS_KEYS_KEPT 3 /* the current one, and two before it */

/* A key as it is stored, or given in a file. */
struct nts_key_bytes {
    uint32_t id; /* stands in front of its cookies, in the clear */
    uint8_t key[32];
};

#endif
