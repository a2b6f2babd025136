/* SPDX-License-Identifier: BSD-2-Clause */
/* What a block of PEM decodes to, and whether that is one whole sequence. */
/* proves: decode and is_sequence of pem_certificates */
/* bounds: any body, length 0 to 12; any lengths of a sequence under 4 GiB */
/* cbmc: --unwind 14 --unsigned-overflow-check */
/* planted: boot/config_pem.c s/digits++ % 4 != 0/digits++ % 4 != 9/ */
/* planted: boot/config_pem.c s/(digits + pads) % 4 == 0/true/ */
/* planted: boot/config_pem.c s/digit < 0 || pads > 0/digit < 0/ */
/* planted: boot/config_pem.c s/count > HEADER_MAX - 2/count > HEADER_MAX/ */
/* planted: boot/config_pem.c s/d->len < 2 + count/d->len < 2/ */
#include "tests/proof/proof.h"

#include <string.h>

/* Where a character stands in the alphabet, without a loop. */
static char *proof_strchr(const char *digits, int c)
{
    int at = c >= 'A' && c <= 'Z'   ? c - 'A'
             : c >= 'a' && c <= 'z' ? c - 'a' + 26
             : c >= '0' && c <= '9' ? c - '0' + 52
             : c == '+'             ? 62
             : c == '/'             ? 63
                                    : -1;

    return at < 0 ? NULL : (char *)(uintptr_t)(digits + at);
}

#define strchr proof_strchr
#include "boot/config_pem.c"
#undef strchr

#define BODY_MAX 12

static void prove_decode(void)
{
    size_t len = nondet_u16(), digits = 0, pads = 0;
    struct decoded d;

    ASSUME(len <= BODY_MAX);

    char *body = (char *)nondet_bytes(len);
    bool whole = decode((struct word){body, len}, &d);

    for (size_t i = 0; i < len; i++) {
        digits += base64_digit(body[i]) >= 0;
        pads += body[i] == '=';
    }
    if (whole) {
        assert((digits + pads) % 4 == 0 && pads <= 2);
        assert(d.len == digits * 3 / 4);
        assert(digits < 2 || d.first[0] >> 2 == base64_digit(body[0]) ||
               is_space(body[0]));
    }
    COVER(whole && d.len == 6 && digits == 8);
    COVER(whole && pads == 2);
    COVER(whole && digits < len - pads && pads == 1);
    COVER(!whole && digits == 8);
}

static void prove_is_sequence(void)
{
    struct decoded d = {.len = nondet_size()};

    for (size_t i = 0; i < HEADER_MAX; i++)
        d.first[i] = nondet_u8();
    ASSUME(d.len < SIZE_MAX / 2);

    bool whole = is_sequence(&d);

    if (whole && d.first[1] < 0x80)
        assert(d.len == 2 + (size_t)d.first[1]);
    if (whole && d.first[1] == 0x82)
        assert(d.len == 4 + (size_t)d.first[2] * 256 + d.first[3]);
    if (whole)
        assert(d.first[0] == DER_SEQUENCE && d.first[1] <= 0x84 &&
               d.first[1] != 0x80);
    COVER(whole && d.first[1] == 0);
    COVER(whole && d.first[1] == 0x84 && d.len > UINT32_MAX);
    COVER(!whole && d.first[0] == DER_SEQUENCE && d.first[1] == 0x85);
}

int main(void)
{
    prove_decode();
    prove_is_sequence();
    return 0;
}
