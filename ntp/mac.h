/* SPDX-License-Identifier: BSD-2-Clause */
/* Symmetric keys and the message authentication codes made with them. */
#ifndef NTP_MAC_H
#define NTP_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ntp_mac_type { MAC_MD5, MAC_SHA1, MAC_SHA256, MAC_AES128_CMAC };

#define NTP_KEY_LEN_MAX 64 /* chrony takes longer ones; none is in use */
#define NTP_KEYS_MAX    64 /* a key file with more is refused with an error */

struct ntp_key {
    uint32_t id; /* 1 to 2^32 - 1 */
    enum ntp_mac_type type;
    uint8_t secret[NTP_KEY_LEN_MAX];
    uint8_t secret_len; /* 16 for AES128-CMAC */
};

struct ntp_keys {
    struct ntp_key key[NTP_KEYS_MAX];
    uint16_t count;
};

#define NTP_DIGEST_MAX 32 /* SHA-256, untruncated: as a key file names it */

/* The key with that id, or NULL.  Level: any. */
const struct ntp_key *ntp_key_find(const struct ntp_keys *keys, uint32_t id);

/*
 * Bytes of digest after the key id in NTPv4: 16 (MD5, AES-128-CMAC) or 20
 * (SHA-1, and SHA-256 truncated, so that no digest looks like a field).
 * Before NTPv4, chrony sends all 32 bytes of SHA-256.
 * RFC 5905, 7.3; RFC 7822, 3; RFC 8573, 3.  Level: any.
 */
size_t ntp_mac_length(enum ntp_mac_type type);

/*
 * Digest of `len` bytes at `data` to `digest`, which has room for
 * NTP_DIGEST_MAX and gets all of it; returns ntp_mac_length(), how many of its
 * bytes NTPv4 sends.
 * Level: any; vector registers may be used, so interrupt level brackets it.
 */
size_t ntp_mac_make(const struct ntp_key *key, const void *data, size_t len,
                    uint8_t *digest);

/*
 * Is that the digest, whole or as long as ntp_mac_length()?  In constant time.
 * Level: as ntp_mac_make().
 */
bool ntp_mac_verify(const struct ntp_key *key, const void *data, size_t len,
                    const uint8_t *digest, size_t digest_len);

#endif
