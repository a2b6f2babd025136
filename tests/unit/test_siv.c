/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of AES-SIV with any number of strings; with two of them, test_aead. */
#include "nts/siv.h"
#include "tests/check.h"
#include "tests/sealed.h"

struct text {
    uint8_t at[64];
    size_t len;
};

static struct text text_of(const char *hex)
{
    struct text t;

    t.len = check_hex(hex, t.at, sizeof(t.at));
    return t;
}

static void check_sealed(const struct aes_cipher *cipher, const char *key_text,
                         const struct siv_string *strings, unsigned count,
                         const char *plain_text, const char *sealed_text)
{
    struct text key = text_of(key_text), plain = text_of(plain_text);
    struct text want = text_of(sealed_text);
    uint8_t out[64];
    struct siv_key k;

    siv_init(&k, cipher, key.at);
    siv_seal(&k, cipher, strings, count, plain.at, plain.len, out);
    CHECK_BYTES(out, want.at, want.len);
    CHECK(siv_open(&k, cipher, strings, count, want.at, want.len, out));
    CHECK_BYTES(out, plain.at, plain.len);
}

/* RFC 5297, A.1. */
static void test_one_string_seals_as_published(void **state)
{
    struct text ad =
        text_of("101112131415161718191a1b1c1d1e1f2021222324252627");
    const struct siv_string strings[] = {{ad.at, ad.len}};

    check_sealed(sealed_by(*state),
                 "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0"
                 "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
                 strings, 1, "112233445566778899aabbccddee",
                 "85632d07c6e8f37f950acd320a2ecc93"
                 "40c02b9690c4dc04daef7f6afe5c");
}

/* RFC 5297, A.2. */
static void test_three_strings_seal_as_published(void **state)
{
    struct text ad1 = text_of("00112233445566778899aabbccddeeffdeaddadadeaddada"
                              "ffeeddccbbaa99887766554433221100");
    struct text ad2 = text_of("102030405060708090a0");
    struct text nonce = text_of("09f911029d74e35bd84156c5635688c0");
    const struct siv_string strings[] = {
        {ad1.at, ad1.len}, {ad2.at, ad2.len}, {nonce.at, nonce.len}};

    check_sealed(sealed_by(*state),
                 "7f7e7d7c7b7a79787776757473727170"
                 "404142434445464748494a4b4c4d4e4f",
                 strings, 3,
                 "7468697320697320736f6d6520706c61696e7465787420746f20656e6372"
                 "797074207573696e67205349562d414553",
                 "7bdb6e3b432667eb06f4d14bff2fbd0f"
                 "cb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8a"
                 "f829ea64ad544a272e9c485b62a3fd5c0d");
}

static void test_where_one_string_ends_matters(void **state)
{
    const struct aes_cipher *cipher = sealed_by(*state);
    static const uint8_t bytes[40] = {1, 2, 3};
    const struct siv_string one[] = {{bytes, 40}};
    const struct siv_string two[] = {{bytes, 20}, {bytes + 20, 20}};
    const struct siv_string other[] = {{bytes, 21}, {bytes + 21, 19}};
    const struct siv_string empty[] = {{bytes, 40}, {bytes, 0}};
    uint8_t tag[4][16];
    struct siv_key k;

    siv_init(&k, cipher, (const uint8_t *)"an important key of 32 octets...");
    siv_seal(&k, cipher, one, 1, NULL, 0, tag[0]);
    siv_seal(&k, cipher, two, 2, NULL, 0, tag[1]);
    siv_seal(&k, cipher, other, 2, NULL, 0, tag[2]);
    siv_seal(&k, cipher, empty, 2, NULL, 0, tag[3]);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < i; j++)
            CHECK(!aes_block_equal(tag[i], tag[j]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEALED_BOTH(test_one_string_seals_as_published),
        SEALED_BOTH(test_three_strings_seal_as_published),
        SEALED_BOTH(test_where_one_string_ends_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
