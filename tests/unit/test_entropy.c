/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of where randomness comes from: what is believed, and for how much. */
/* links: arch/rng */
#include "arch/entropy.c" /* the generator is one of the machine's, static */

#include "tests/check.h"

/* Every word of a source, in order, and what happens when it has none. */
struct words {
    bool present;
    bool silent;     /* it is named, and never answers */
    bool stuck;      /* always the same word */
    uint64_t value;  /* that one, if it is stuck */
    unsigned breaks; /* it is stuck from that word on; 0: never */
    unsigned asked;
    uint64_t seed;
};

static struct {
    uint64_t now;
    bool even; /* time passes evenly: no jitter */
    uint64_t seed;
    struct words rdseed, rdrand;
    unsigned ports;      /* read */
    uint64_t port_ticks; /* that takes */
    struct cpu_features features;
} world;

uintptr_t __stack_chk_guard;

/* Numbers that are random enough for a health test. */
static uint64_t next_of(uint64_t *seed)
{
    uint64_t x = *seed += 0x9e3779b97f4a7c15;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t counter_read(void)
{
    world.now += 100 + (world.even ? 0 : next_of(&world.seed) % 61);
    return world.now;
}

uint8_t in8(uint16_t port)
{
    CHECK_EQ(port, 0x61);
    world.ports++;
    world.now += world.port_ticks;
    return 0;
}

static bool word(struct words *w, uint64_t *value)
{
    CHECK(w->present); /* else it would be no instruction */
    w->asked++;
    if (w->silent)
        return false;
    *value = w->stuck || (w->breaks && w->asked > w->breaks)
                 ? w->value
                 : next_of(&w->seed);
    return true;
}

bool cpu_rdseed(uint64_t *value)
{
    return word(&world.rdseed, value);
}

bool cpu_rdrand(uint64_t *value)
{
    return word(&world.rdrand, value);
}

const struct cpu_features *cpu_features(void)
{
    world.features.rdseed = world.rdseed.present;
    world.features.rdrand = world.rdrand.present;
    return &world.features;
}

/* A machine without anything random in it. */
static int start(void **state)
{
    (void)state;
    memset(&entropy, 0, sizeof(entropy));
    memset(&world, 0, sizeof(world));
    world.even = true;
    world.seed = 1;
    world.port_ticks = 1000;
    world.rdseed.seed = 2;
    world.rdrand.seed = 3;
    return 0;
}

static struct entropy_state boot(void)
{
    entropy_init();
    return entropy_state();
}

/* What a virtio-rng gives in 32 bytes, or one that is stuck. */
static void device(unsigned times, bool stuck)
{
    static uint64_t seed;
    uint64_t bytes[4] = {0};

    for (unsigned i = 0; i < times; i++) {
        for (unsigned j = 0; j < 4 && !stuck; j++)
            bytes[j] = next_of(&seed);
        entropy_device((const uint8_t *)bytes, sizeof(bytes));
    }
}

static void test_a_machine_without_randomness_is_not_seeded(void **state)
{
    struct entropy_state e = boot();
    struct rng rng = {0};

    (void)state;
    CHECK_EQ(e.bits, 0);
    CHECK(!e.seeded && !e.jitter && !e.rdseed && !e.rdrand && !e.device);
    /* ... and seeds nobody, however often it looks again. */
    for (unsigned i = 0; i < 100; i++)
        entropy_renew();
    entropy_seed(&rng);
    CHECK(!rng.seeded);
    CHECK_EQ(entropy_state().bits, 0);
    CHECK(!entropy_state().seeded);
}

static void test_jitter_alone_will_do(void **state)
{
    (void)state;
    world.even = false;
    struct entropy_state e = boot();
    struct rng rng = {0};

    CHECK(e.seeded && e.jitter);
    CHECK_EQ(e.bits, 512);
    CHECK(!e.rdseed && !e.rdrand && !e.device);
    entropy_seed(&rng);
    CHECK(rng.seeded);
}

/* SP 800-90B, 4.3: not before it has seen 1024 samples. */
static void test_jitter_counts_after_its_start(void **state)
{
    (void)state;
    world.even = false;
    entropy.jitter.present = true;
    for (unsigned i = 1; i < START_SAMPLES / RENEW_SAMPLES; i++) {
        gather_jitter(RENEW_SAMPLES);
        CHECK_EQ(entropy.bits, 0);
    }
    gather_jitter(RENEW_SAMPLES);
    CHECK_EQ(entropy.bits, RENEW_SAMPLES / 2);
}

/* Jitter that ends is noticed, and nothing is counted from then on. */
static void test_jitter_that_ends_counts_no_more(void **state)
{
    (void)state;
    world.even = false;
    CHECK_EQ(boot().bits, 512);
    world.even = true;
    entropy_renew();
    entropy_renew();
    unsigned bits = entropy.bits;
    CHECK(!entropy_state().jitter);
    world.even = false;
    for (unsigned i = 0; i < 100; i++)
        entropy_renew();
    CHECK_EQ(entropy.bits, bits);
    CHECK(!entropy_state().jitter);
    CHECK(entropy_state().seeded); /* what was had stays */
}

/* A slow port is not read for ever. */
static void test_a_slow_port_is_given_up(void **state)
{
    (void)state;
    world.even = false;
    boot();
    CHECK_EQ(world.ports, START_SAMPLES);
    start(NULL);
    world.even = false;
    world.port_ticks = PORT_TICKS / 50;
    boot();
    CHECK(world.ports > 40 && world.ports <= 51);
    CHECK(entropy_state().seeded);
}

/* Each source of the processor counts by itself: 60 bits of 64 for RDSEED, half
 * for RDRAND, which is drawn from a generator. */
static void test_words_of_the_processor_are_counted(void **state)
{
    (void)state;
    world.rdseed.present = true;
    struct entropy_state e = boot();
    CHECK(e.rdseed && e.seeded && !e.rdrand);
    CHECK_EQ(e.bits, 480);
    start(NULL);
    world.rdrand.present = true;
    e = boot();
    CHECK(e.rdrand && e.seeded && !e.rdseed);
    CHECK_EQ(e.bits, 256);
}

/* What they give is in what comes out. */
static void test_words_of_the_processor_are_mixed_in(void **state)
{
    uint64_t value[2];

    for (unsigned i = 0; i < 2; i++) {
        start(state);
        world.rdseed.present = true;
        world.rdseed.seed = 100 + i;
        boot();
        entropy_fill(&value[i], 8);
    }
    CHECK(value[0] != value[1]);
}

/* A processor may name an instruction that never answers, or give the same
 * word each time: all ones after suspend, zeros, or any other. */
static void test_words_that_are_no_good_are_not_counted(void **state)
{
    static const struct words bad[] = {
        {.present = true, .silent = true},
        {.present = true, .stuck = true, .value = UINT64_MAX},
        {.present = true, .stuck = true, .value = 0},
        {.present = true, .stuck = true, .value = 0x4242424242424242},
        {.present = true, .breaks = 7, .value = UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        start(state);
        world.rdseed = bad[i];
        world.rdrand = bad[i];
        struct entropy_state e = boot();
        CHECK(!e.rdseed && !e.rdrand && !e.seeded);
        CHECK_EQ(e.bits, 0);
        /* Nor is it asked for ever. */
        CHECK(world.rdseed.asked <= HARDWARE_WORDS * RETRIES);
    }
    /* One that breaks later is out from then on, for good. */
    start(state);
    world.rdseed = (struct words){
        .present = true, .breaks = 20, .value = UINT64_MAX, .seed = 7};
    CHECK_EQ(boot().bits, 480);
    entropy_renew();
    CHECK_EQ(entropy.bits, 960);
    entropy_renew();
    CHECK(!entropy_state().rdseed);
    CHECK_EQ(entropy.bits, 960);
    world.rdseed.breaks = 0;
    entropy_renew();
    CHECK_EQ(entropy.bits, 960);
}

/* A device on a bus counts for half of its bits, and only while it is well; it
 * may seed a machine that had nothing else. */
static void test_a_device_seeds_what_had_nothing_else(void **state)
{
    (void)state;
    CHECK(!boot().seeded);
    device(1, false);
    CHECK_EQ(entropy.bits, 128);
    CHECK(!entropy_state().seeded);
    CHECK(entropy_state().device);
    device(1, false);
    CHECK_EQ(entropy.bits, 256);
    CHECK(entropy_state().seeded);
}

/* ... and not one of zeros: 32 of them are still too few to tell. */
static void test_a_device_of_zeros_is_not_believed(void **state)
{
    (void)state;
    CHECK(!boot().seeded);
    device(1, true);
    device(1, true);
    CHECK(!entropy_state().device);
    CHECK(!entropy_state().seeded);
    unsigned bits = entropy.bits;
    CHECK(bits < SEEDED_BITS);
    device(20, true);
    device(20, false);
    CHECK_EQ(entropy.bits, bits);
}

/* What is worth nothing is counted for nothing, and changes what comes out. */
static void test_other_bytes_count_for_nothing(void **state)
{
    uint64_t value[2];

    for (unsigned i = 0; i < 2; i++) {
        start(state);
        boot();
        entropy_mix("state", i * 5);
        CHECK_EQ(entropy.bits, 0);
        entropy_fill(&value[i], 8);
    }
    CHECK(value[0] != value[1]);
}

static uint32_t epoch_now;

static uint32_t epoch(void *arg)
{
    CHECK(arg == &world);
    return epoch_now;
}

/* What a copy of the machine draws, which goes on from `snapshot`. */
static uint64_t draw_of(const struct entropy *snapshot, uint64_t now)
{
    uint64_t value;

    entropy = *snapshot;
    world.now = now;
    entropy_fill(&value, sizeof(value));
    return value;
}

/* Copies of a machine, which go on from the same state: what they draw differs
 * once one is known to be a copy; where the counter, an interrupt or RDRAND
 * tells them apart it does so whether or not they know. */
static void test_copies_differ_in_what_they_draw(void **state)
{
    for (unsigned has_rdrand = 0; has_rdrand < 2; has_rdrand++) {
        start(state);
        world.rdrand.present = has_rdrand;
        boot();
        entropy_watch(epoch, &world);
        struct entropy snapshot = entropy;
        uint64_t first = draw_of(&snapshot, 5000);

        CHECK_EQ(draw_of(&snapshot, 5000) == first, !has_rdrand);
        CHECK(draw_of(&snapshot, 5001) != first);
        epoch_now++;
        CHECK(draw_of(&snapshot, 5000) != first);
        CHECK_EQ(entropy.seen, epoch_now);
        epoch_now--;
        snapshot.noted[3] ^= 1;
        CHECK(draw_of(&snapshot, 5000) != first);
    }
}

/* RDRAND that is broken is not asked with each draw, and one that has nothing
 * just now is not waited for. */
static void test_rdrand_that_is_no_good_is_no_hindrance(void **state)
{
    struct rng rng = {0};
    uint64_t value;

    (void)state;
    world.rdrand =
        (struct words){.present = true, .stuck = true, .value = UINT64_MAX};
    boot();
    unsigned asked = world.rdrand.asked;
    entropy_draw(&rng, &value, sizeof(value));
    CHECK_EQ(world.rdrand.asked, asked);
    start(NULL);
    world.rdrand.present = true;
    boot();
    world.rdrand.silent = true;
    asked = world.rdrand.asked;
    entropy_draw(&rng, &value, sizeof(value));
    CHECK_EQ(world.rdrand.asked, asked + RETRIES);
}

/* When interrupts came goes in with the next renewal. */
static void test_interrupts_are_mixed_in(void **state)
{
    uint64_t value[2];

    for (unsigned i = 0; i < 2; i++) {
        start(state);
        boot();
        entropy_note(12345 + i);
        entropy_renew();
        entropy_fill(&value[i], 8);
    }
    CHECK(value[0] != value[1]);
}

/* The guard stops string copies: one of its bytes is zero. */
static void test_the_guard_is_random_but_for_a_zero(void **state)
{
    (void)state;
    world.even = false;
    boot();
    CHECK_EQ(__stack_chk_guard & 0xff, 0);
    CHECK(__stack_chk_guard != 0);
    uintptr_t first = __stack_chk_guard;
    start(NULL);
    world.even = false;
    world.seed = 77;
    boot();
    CHECK(__stack_chk_guard != first);
}

/* However long it runs, the count does not wrap. */
static void test_bits_are_counted_up_to_a_limit(void **state)
{
    (void)state;
    world.rdseed.present = true;
    boot();
    for (unsigned i = 0; i < 100; i++)
        entropy_renew();
    CHECK_EQ(entropy.bits, SEEDED_BITS * 16);
    device(2, false);
    CHECK_EQ(entropy.bits, SEEDED_BITS * 16);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
    const struct CMUnitTest tests[] = {
        TEST(a_machine_without_randomness_is_not_seeded),
        TEST(jitter_alone_will_do),
        TEST(jitter_counts_after_its_start),
        TEST(jitter_that_ends_counts_no_more),
        TEST(a_slow_port_is_given_up),
        TEST(words_of_the_processor_are_counted),
        TEST(words_of_the_processor_are_mixed_in),
        TEST(words_that_are_no_good_are_not_counted),
        TEST(a_device_seeds_what_had_nothing_else),
        TEST(a_device_of_zeros_is_not_believed),
        TEST(other_bytes_count_for_nothing),
        TEST(copies_differ_in_what_they_draw),
        TEST(rdrand_that_is_no_good_is_no_hindrance),
        TEST(interrupts_are_mixed_in),
        TEST(the_guard_is_random_but_for_a_zero),
        TEST(bits_are_counted_up_to_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
