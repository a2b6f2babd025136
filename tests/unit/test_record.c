/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of NTS-KE records. */
#include "nts/record.h"
#include "tests/check.h"

static uint8_t data[70000];
static struct reader r;
static struct nts_record rec;

/* A reader over exactly these bytes. */
static void start(const char *hex)
{
    r = reader_of(data, check_hex(hex, data, sizeof(data)));
}

static void test_a_record_is_read_as_the_rfc_draws_it(void **state)
{
    (void)state;
    start("8004 0004 000f001e 4005 0000");
    CHECK(nts_record_next(&r, &rec));
    CHECK(rec.critical);
    CHECK_EQ(rec.type, NTS_RECORD_AEAD);
    CHECK_EQ(rec.len, 4);
    CHECK(rec.body == data + 4);
    CHECK(nts_record_next(&r, &rec));
    CHECK(!rec.critical);
    CHECK_EQ(rec.type, 0x4005);
    CHECK_EQ(rec.len, 0);
    CHECK(!nts_record_next(&r, &rec));
    CHECK(r.ok);
}

static void test_types_have_15_bits(void **state)
{
    (void)state;
    start("ffff 0000 7fff 0000");
    CHECK(nts_record_next(&r, &rec));
    CHECK(rec.critical);
    CHECK_EQ(rec.type, 0x7fff);
    CHECK(nts_record_next(&r, &rec));
    CHECK(!rec.critical);
    CHECK_EQ(rec.type, 0x7fff);
}

static void test_what_is_cut_short_fails(void **state)
{
    static const char *const table[] = {
        "80",          "8000", "8000 00", "8000 0001", "8000 0004 000000",
        "8000 ffff 00"};

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        start(table[i]);
        CHECK(!nts_record_next(&r, &rec));
        CHECK(!r.ok);
        CHECK(!nts_record_next(&r, &rec));
    }
}

static void test_the_longest_body_is_read(void **state)
{
    (void)state;
    memset(data, 0xff, sizeof(data));
    r = reader_of(data, 4 + 0xffff);
    CHECK(nts_record_next(&r, &rec));
    CHECK_EQ(rec.len, 0xffff);
    CHECK(!nts_record_next(&r, &rec));
    CHECK(r.ok);
    r = reader_of(data, 3 + 0xffff);
    CHECK(!nts_record_next(&r, &rec));
    CHECK(!r.ok);
}

static void test_records_are_written_as_they_are_read(void **state)
{
    uint8_t out[64], expected[64];
    struct nts_record_writer w = nts_record_writer_of(out, sizeof(out));
    size_t len =
        check_hex("8001 0002 0000 0005 0003 616263 0400 0000 8000 0000",
                  expected, sizeof(expected));

    (void)state;
    nts_record_write_number(&w, true, NTS_RECORD_NEXT_PROTOCOL, 0);
    nts_record_write(&w, &(struct nts_record){false, NTS_RECORD_COOKIE, 3,
                                              (const uint8_t *)"abc"});
    nts_record_write_empty(&w, false, NTS_RECORD_COMPLIANT_GCM_SIV);
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    CHECK(w.ok);
    CHECK_EQ(w.len, len);
    CHECK_BYTES(out, expected, len);
}

static void test_what_does_not_fit_is_left_out_whole(void **state)
{
    (void)state;
    for (size_t room = 0; room < 12; room++) {
        uint8_t *out = malloc(room + 1); /* so that a byte too many is seen */
        struct nts_record_writer w = nts_record_writer_of(out, room);

        nts_record_write_number(&w, true, NTS_RECORD_PORT, 123);
        nts_record_write_number(&w, true, NTS_RECORD_PORT, 124);
        CHECK(!w.ok);
        CHECK_EQ(w.len, room < 6 ? 0 : 6);
        free(out);
    }
}

static void test_a_writer_that_failed_writes_nothing_more(void **state)
{
    uint8_t out[8];
    struct nts_record_writer w = nts_record_writer_of(out, sizeof(out));

    (void)state;
    nts_record_write(
        &w, &(struct nts_record){true, 6, 5, (const uint8_t *)"abcde"});
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    CHECK(!w.ok);
    CHECK_EQ(w.len, 0);
}

static void test_each_known_type_has_a_bit_of_its_own(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (unsigned type = 0; type <= NTS_RECORD_TYPE_MASK; type++) {
        unsigned bit = nts_record_bit((uint16_t)type);

        CHECK_EQ(bit != 0, type <= 7 || type == 1024);
        CHECK_EQ(seen & bit, 0);
        seen |= bit;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_read_as_the_rfc_draws_it),
        cmocka_unit_test(test_types_have_15_bits),
        cmocka_unit_test(test_what_is_cut_short_fails),
        cmocka_unit_test(test_the_longest_body_is_read),
        cmocka_unit_test(test_records_are_written_as_they_are_read),
        cmocka_unit_test(test_what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(test_a_writer_that_failed_writes_nothing_more),
        cmocka_unit_test(test_each_known_type_has_a_bit_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
