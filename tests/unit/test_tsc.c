/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the counter's rate, on an invented machine whose time we know. */
/* links: arch/tsc arch/tsc_measure tests/fake/log */
#include "arch/tsc.h"

#include "arch/cpu.h"
#include "tests/check.h"
#include "tests/fake/log.h"

/* The machine: true time in femtoseconds drives its counter and its clocks. */

#define FS_PER_S  1000000000000000ull
#define FS_PER_MS (FS_PER_S / 1000)
#define FS_PER_US (FS_PER_MS / 1000)

__extension__ typedef unsigned __int128 u128;

static struct {
    struct check_random random;
    u128 now_fs;
    u128
        tsc_lost_fs; /* what the TSC did not see, and what the others did not */
    u128 ref_lost_fs;
    double hz;
    uint64_t access_fs;  /* an access takes so long, plus as much at random */
    double away_chance;  /* per access, to be away ... */
    uint64_t away_fs;    /* ... up to so long */
    uint64_t away_once;  /* once, from now on, at ... */
    unsigned away_after; /* ... this access */
    struct cpu_features features;
    struct cpuid crystal;
    struct cpuid kilohertz;
    const char *signature;
} machine;

static void machine_new(struct check_random *random, double hz)
{
    memset(&machine, 0, sizeof machine);
    machine.random.state = check_random(random);
    machine.now_fs = check_random_below(random, FS_PER_S) * (u128)100;
    machine.hz = hz;
    machine.access_fs = 2 * FS_PER_US;
    machine.features.invariant_tsc = true;
    machine.signature = "";
}

static double chance(void)
{
    return (double)(check_random(&machine.random) >> 11) * 0x1p-53;
}

static void pass(uint64_t fs)
{
    machine.now_fs += fs + (uint64_t)(chance() * (double)fs);
    if (chance() < machine.away_chance)
        machine.now_fs += (uint64_t)(chance() * (double)machine.away_fs);
    if (machine.away_after > 0 && --machine.away_after == 0)
        machine.now_fs += machine.away_once;
}

uint64_t counter_read(void)
{
    pass(FS_PER_US / 50);
    return (uint64_t)((long double)(machine.now_fs - machine.tsc_lost_fs) *
                      machine.hz / FS_PER_S);
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    return leaf == 0x15         ? machine.crystal
           : leaf == 0x40000010 ? machine.kilohertz
                                : (struct cpuid){0};
}

uint32_t cpuid_hypervisor(const char *signature)
{
    return strcmp(signature, machine.signature) == 0 ? 0x40000000 : 0;
}

const struct cpu_features *cpu_features(void)
{
    return &machine.features;
}

static const char *logged(const struct tsc *t)
{
    fake_log[0] = '\0';
    tsc_log(t);
    return fake_log;
}

/* Clocks to measure against. */

struct fake_clock {
    uint64_t period_fs;
    uint64_t mask;
    double error; /* of the rate, 1e-6 for 1 ppm fast */
    bool stopped;
    u128 stops_fs;        /* then, if not 0 */
    double glitch_chance; /* a reading is not to be believed */
    uint64_t latched;
};

static void fake_latch(void *self)
{
    struct fake_clock *c = self;

    pass(machine.access_fs);
    if (!c->stopped && (c->stops_fs == 0 || machine.now_fs < c->stops_fs))
        c->latched =
            (uint64_t)((long double)(machine.now_fs - machine.ref_lost_fs) *
                       (1 + (long double)c->error) / c->period_fs);
    pass(machine.access_fs);
}

static bool fake_fetch(void *self, uint64_t *count)
{
    struct fake_clock *c = self;

    *count = c->latched & c->mask;
    return chance() >= c->glitch_chance;
}

static struct fake_clock hpet, pmtimer, pit;
static struct counter_reference refs[3];

static void add(unsigned i, const char *name, struct fake_clock *c,
                uint64_t period_fs, uint64_t mask)
{
    *c = (struct fake_clock){.period_fs = period_fs, .mask = mask};
    refs[i] = (struct counter_reference){
        .name = name,
        .period_fs = period_fs,
        .mask = mask,
        .latch = fake_latch,
        .fetch = fake_fetch,
        .self = c,
    };
}

static void all_clocks(void)
{
    add(0, "hpet", &hpet, 10000000, UINT32_MAX);
    add(1, "pmtimer", &pmtimer, 279365115, 0xffffff);
    add(2, "pit", &pit, 838095110, 0xffff);
}

static bool holds_truth(const struct tsc_rate *rate)
{
    double off = (double)rate->hz - machine.hz;

    return rate->valid && (off < 0 ? -off : off) * 1e9 <=
                              (double)rate->bound_ppb * (double)rate->hz;
}

/* A virtual CPU that is often away, for up to 10 ms. */
static void make_noisy(void)
{
    machine.away_chance = 0.002;
    machine.away_fs = 10 * FS_PER_MS;
}

static void run_refine(struct tsc *t, unsigned limit_s)
{
    u128 end = machine.now_fs + (u128)limit_s * FS_PER_S;
    uint64_t again;

    while (machine.now_fs < end) {
        tsc_refine(t, &again);
        if (again == UINT64_MAX)
            return;
        pass(20 * FS_PER_MS);
    }
}

/* What must hold. */

static void test_truth_is_within_every_bound(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct tsc t;
        double hz = 1e9 + (double)check_random_below(&random, 4000000000);

        machine_new(&random, hz);
        make_noisy();
        all_clocks();
        tsc_init(&t);
        CHECK(tsc_measure(&t, refs, 3));
        CHECK_EQ(t.count, 3);
        for (unsigned r = 0; r < 3; r++)
            CHECK(holds_truth(&t.measured[r]));
        CHECK(holds_truth(&t.best));
        CHECK(!t.disagree);
        CHECK(t.best.bound_ppb < 1000000);
    }
}

static void test_quiet_window_takes_at_most_25_ms(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 2445430000);
    all_clocks();

    u128 start = machine.now_fs;

    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK((machine.now_fs - start) / FS_PER_MS >= 20);
    CHECK((machine.now_fs - start) / FS_PER_MS < 25);
}

static void test_refining_ends_under_1_ppm_and_holds_the_truth(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct tsc t;

        machine_new(&random, 2445427310.5 + i * 1e6);
        make_noisy();
        all_clocks();
        tsc_init(&t);
        CHECK(tsc_measure(&t, refs, 3));
        run_refine(&t, 120);
        CHECK_EQ(t.refine_ticks, UINT64_MAX);
        for (unsigned r = 0; r < 3; r++) {
            CHECK(t.measured[r].bound_ppb < 1000);
            CHECK(holds_truth(&t.measured[r]));
        }
        CHECK(!t.disagree);
    }
}

static void test_pit_alone_is_not_misled_by_a_long_absence(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned after = 1; after < 12000; after += 37) {
        struct tsc t;

        machine_new(&random, 3e9);
        all_clocks();
        machine.away_after = after;
        machine.away_once = FS_PER_MS * (1 + check_random_below(&random, 200));
        tsc_init(&t);
        CHECK(tsc_measure(&t, &refs[2], 1));
        CHECK(holds_truth(&t.best));
        run_refine(&t, 200);
        CHECK(holds_truth(&t.best));
        CHECK(t.best.bound_ppb < 1000);
    }
}

/* Accesses that take next to nothing leave one count as the whole doubt. */
static void test_one_count_is_part_of_the_bound(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct tsc t;

        machine_new(&random, 2.6e9);
        machine.access_fs = 1000000;
        all_clocks();
        tsc_init(&t);
        CHECK(tsc_measure(&t, refs, 3));
        for (unsigned r = 0; r < 3; r++)
            CHECK(holds_truth(&t.measured[r]));
        CHECK(t.measured[2].bound_ppb < 45000);
    }
}

static void test_absence_right_at_the_start_does_not_mislead(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned after = 1; after < 400; after++) {
        struct tsc t;

        machine_new(&random, 3e9);
        all_clocks();
        machine.away_after = after;
        machine.away_once = FS_PER_MS * (50 + check_random_below(&random, 200));
        tsc_init(&t);
        CHECK(tsc_measure(&t, &refs[2], 1));
        CHECK(holds_truth(&t.best));
    }
}

static void test_long_neglect_is_no_wrap_miscounted(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct tsc t;

        machine_new(&random, 2.6e9);
        all_clocks();
        tsc_init(&t);
        CHECK(tsc_measure(&t, refs, 3));
        machine.now_fs +=
            (600 + check_random_below(&random, 100000)) * (u128)FS_PER_S;
        run_refine(&t, 200);
        CHECK_EQ(t.refine_ticks, UINT64_MAX);
        for (unsigned r = 0; r < 3; r++)
            CHECK(holds_truth(&t.measured[r]));
    }
}

/* The PIT sees next to nothing of it, but the HPET does. */
static void test_pause_of_nearly_whole_wraps_is_told_to_the_pit(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned wraps = 1; wraps < 40; wraps++) {
        struct tsc t;

        machine_new(&random, 2.6e9);
        all_clocks();
        tsc_init(&t);
        CHECK(tsc_measure(&t, refs, 3));

        u128 lost = (u128)wraps * 65536 * pit.period_fs + 15 * FS_PER_US;

        machine.now_fs += lost;
        machine.ref_lost_fs += lost;
        run_refine(&t, wraps % 5);
        for (unsigned r = 0; r < 3; r++)
            CHECK(holds_truth(&t.measured[r]));
    }
}

static void test_pit_alone_is_enough_on_a_noisy_host(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct tsc t;

        machine_new(&random, 2.6e9);
        make_noisy();
        machine.away_chance = 0.0002; /* a third of the time */
        all_clocks();
        tsc_init(&t);
        CHECK(tsc_measure(&t, &refs[2], 1));
        CHECK(holds_truth(&t.best));
    }
}

static void test_pause_of_all_clocks_but_one_is_noticed(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct tsc t;
        uint64_t again;
        uint64_t lost = FS_PER_US * (20 + check_random_below(&random, 9000000));

        machine_new(&random, 2445427310);
        all_clocks();
        tsc_init(&t);
        CHECK(tsc_measure(&t, refs, 3));
        run_refine(&t, i % 7);
        tsc_refine(&t, &again);
        machine.now_fs += lost;
        if (i % 2 == 0)
            machine.tsc_lost_fs += lost;
        else
            machine.ref_lost_fs += lost;
        run_refine(&t, 200);
        CHECK_EQ(t.refine_ticks, UINT64_MAX);
        for (unsigned r = 0; r < 3; r++)
            CHECK(holds_truth(&t.measured[r]));
        CHECK(!t.disagree);
    }
}

static void test_wrong_start_is_corrected(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;
    uint64_t again;

    (void)state;
    machine_new(&random, 2e9);
    all_clocks();
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 2));
    machine.hz = 2.001e9; /* as after a migration to another host */
    tsc_refine(&t, &again);
    run_refine(&t, 200);
    CHECK(holds_truth(&t.measured[0]));
    CHECK(holds_truth(&t.measured[1]));
    CHECK(t.best.bound_ppb < 1000);
}

/* Until the window is over, come by every 0.1 ms, or be away that long. */
static unsigned renew(struct tsc *t, uint64_t away_fs)
{
    uint64_t end;
    unsigned asked = 0;

    tsc_renew(t, &end);
    do {
        uint64_t before = counter_read();

        pass(away_fs);
        CHECK(before < end || asked > 0);
        asked++;
    } while (!tsc_renewed(t, &end));
    return asked;
}

static void test_rate_is_measured_anew_without_waiting_for_it(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct tsc t;
        uint64_t end;

        machine_new(&random, 1e9 + (double)check_random_below(&random, 3e9));
        all_clocks();
        tsc_init(&t);
        CHECK(tsc_measure(&t, refs, 3));
        machine.hz *= 0.3 + 3 * chance();
        make_noisy();

        u128 start = machine.now_fs;

        tsc_renew(&t, &end);
        CHECK(machine.now_fs - start < 100 * FS_PER_MS);
        CHECK_EQ(t.refine_ticks, UINT64_MAX);
        while (!tsc_renewed(&t, &end))
            pass(FS_PER_MS / 10);
        CHECK(machine.now_fs - start < 400 * (u128)FS_PER_MS);
        for (unsigned r = 0; r < 3; r++)
            CHECK(!t.measured[r].valid || holds_truth(&t.measured[r]));
        CHECK(t.measured[0].valid);
        CHECK(holds_truth(&t.best));
        run_refine(&t, 200);
        CHECK_EQ(t.refine_ticks, UINT64_MAX);
        for (unsigned r = 0; r < 3; r++)
            CHECK(holds_truth(&t.measured[r]));
        CHECK(t.best.bound_ppb < 1000);
        CHECK(!t.disagree);
    }
}

static void test_a_loop_that_comes_late_is_not_misled_by_wraps(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned count = 1; count <= 3; count++)
        for (int i = 0; i < 60; i++) {
            struct tsc t;

            machine_new(&random, 2.6e9);
            all_clocks();
            tsc_init(&t);
            CHECK(tsc_measure(&t, refs + 3 - count, count));
            machine.hz *= 0.5 + chance();
            renew(&t, FS_PER_MS * (1 + check_random_below(&random, 900)));
            CHECK(holds_truth(&t.best));
        }
}

static void test_rates_that_were_told_are_told_anew(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;
    uint64_t end;

    (void)state;
    machine_new(&random, 2e9);
    all_clocks();
    machine.crystal = (struct cpuid){.eax = 2, .ebx = 160, .ecx = 25000000};
    tsc_init(&t);
    tsc_tell(&t, "kvm-clock", 2000000000);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK_EQ(t.told_count, 2);
    machine.hz = 3e9;
    machine.crystal.ebx = 240;
    tsc_renew(&t, &end);
    tsc_tell(&t, "kvm-clock", 3000000000);
    CHECK_EQ(t.told_count, 2);
    while (!tsc_renewed(&t, &end))
        pass(FS_PER_MS);
    CHECK(!t.disagree);
    CHECK(holds_truth(&t.best));
}

/* Time is not served until the rate is known: that must not take hours. */
static void test_a_counter_set_back_amid_a_window_is_measured(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;
    uint64_t end;
    unsigned asked = 0;

    (void)state;
    machine_new(&random, 2e9);
    machine.now_fs += (u128)FS_PER_S * 10000;
    all_clocks();
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    tsc_renew(&t, &end);
    machine.tsc_lost_fs += (u128)FS_PER_S * 7200;
    while (!tsc_renewed(&t, &end)) {
        pass(FS_PER_MS);
        CHECK(++asked < 1000);
    }
    CHECK(holds_truth(&t.best));
}

/* There is nothing to measure by any more: what was known is doubted. */
static void test_clocks_that_have_stopped_leave_the_rate_of_before(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 2e9);
    all_clocks();
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    hpet.stopped = pmtimer.stopped = pit.stopped = true;
    renew(&t, 5 * FS_PER_MS);
    CHECK(t.best.valid);
    CHECK(holds_truth(&t.best));
    CHECK(t.best.bound_ppb > 100000);
}

static void test_clock_that_is_off_is_named(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 2e9);
    all_clocks();
    pit.error = 2e-3;
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK(t.disagree);
    CHECK_NEAR(t.disagreement_ppb, 2e6, 5e5);
    CHECK(holds_truth(&t.best));
    CHECK(t.best.bound_ppb < 1000000);
    CHECK_EQ(tsc_wander_ppb(&t), 500000);
    CHECK(strstr(logged(&t), "WARNING: the rates above disagree by ") != NULL);
}

static void test_two_that_disagree_are_both_covered(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        machine_new(&random, 2e9);
        all_clocks();
        (wrong == 0 ? &hpet : &pmtimer)->error = 2e-3;
        tsc_init(&t);
        CHECK(tsc_measure(&t, refs, 2));
        CHECK(t.disagree);
        CHECK(holds_truth(&t.best));
    }
}

static void test_small_error_is_found_by_refining(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 2e9);
    all_clocks();
    pmtimer.error = 5e-6;
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK(!t.disagree);
    run_refine(&t, 200);
    CHECK(t.disagree);
    CHECK_NEAR(t.disagreement_ppb, 5000, 1000);
}

static void test_clock_that_stands_still_is_dropped(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 3e9);
    all_clocks();
    hpet.stopped = true;
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK_EQ(t.count, 2);
    CHECK_TEXT(t.measured[0].name, "pmtimer");
    CHECK(holds_truth(&t.best));
}

static void test_clock_that_stops_amid_the_window_is_dropped(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 3e9);
    all_clocks();
    hpet.stops_fs = machine.now_fs + 7 * FS_PER_MS;
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK_EQ(t.count, 2);
    CHECK(holds_truth(&t.best));
}

static void
test_one_that_stands_still_beside_the_pace_has_no_result(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 3e9);
    all_clocks();
    pit.stopped = true;
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK(!t.measured[2].valid);
    CHECK(holds_truth(&t.best));
    CHECK(strstr(logged(&t), "measured by pit: no result") != NULL);
    run_refine(&t, 300);
    CHECK(holds_truth(&t.best));
    CHECK(!t.measured[2].valid);
}

static void test_readings_not_believed_are_left_out(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 3e9);
    all_clocks();
    pmtimer.glitch_chance = 0.5;
    hpet.glitch_chance = 1;
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK(!t.measured[0].valid);
    CHECK(holds_truth(&t.measured[1]));
    CHECK(holds_truth(&t.measured[2]));
}

static void test_nothing_at_all_is_an_error(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;
    uint64_t again;

    (void)state;
    machine_new(&random, 3e9);
    tsc_init(&t);
    CHECK(!tsc_measure(&t, NULL, 0));
    CHECK(!t.best.valid);
    CHECK(!tsc_refine(&t, &again));
    CHECK_EQ(again, UINT64_MAX);
    CHECK(strstr(logged(&t), "ERROR: nothing tells its rate") != NULL);
}

static void test_word_of_the_hypervisor_is_enough(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 2445430000);
    machine.signature = "KVMKVMKVM\0\0";
    machine.kilohertz.eax = 2445430;
    tsc_init(&t);
    CHECK(tsc_measure(&t, NULL, 0));
    CHECK_EQ(t.best.hz, 2445430000);
    CHECK_TEXT(t.best.name, "CPUID 0x40000010");
    CHECK_EQ(tsc_wander_ppb(&t), 0);
}

static void test_crystal_and_ratio_are_multiplied(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 2.1e9);
    machine.crystal = (struct cpuid){.eax = 2, .ebx = 168, .ecx = 25000000};
    tsc_init(&t);
    CHECK_EQ(t.told_count, 1);
    CHECK_EQ(t.told[0].hz, 2100000000);

    machine.crystal.ecx = 0;
    tsc_init(&t);
    CHECK_EQ(t.told_count, 0);
    machine.crystal = (struct cpuid){.eax = 0, .ebx = 168, .ecx = 25000000};
    tsc_init(&t);
    CHECK_EQ(t.told_count, 0);
}

static void test_false_word_of_the_hypervisor_is_outvoted(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 2.4e9);
    all_clocks();
    tsc_init(&t);
    tsc_tell(&t, "kvm-clock", 2500000000);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK(t.disagree);
    CHECK(holds_truth(&t.best));
    CHECK(strstr(logged(&t), "told by kvm-clock: 2500000000 Hz") != NULL);
}

/* A PIT whose window was torn may stay as uncertain as that. */
static uint64_t widest_bound(const struct tsc *t)
{
    uint64_t widest = 0;

    for (unsigned r = 0; r < t->count; r++)
        if (t->measured[r].bound_ppb > widest)
            widest = t->measured[r].bound_ppb;
    return widest;
}

static void test_true_word_does_not_disagree(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct tsc t;

        machine_new(&random, 2.4e9);
        make_noisy();
        all_clocks();
        tsc_init(&t);
        tsc_tell(&t, "kvm-clock", 2400120000); /* 50 ppm off */
        CHECK(tsc_measure(&t, refs, 3));
        run_refine(&t, 120);
        CHECK(!t.disagree);
        CHECK(holds_truth(&t.best));
        CHECK(t.disagreement_ppb >= 48000);
        CHECK(t.disagreement_ppb <= 52000 + widest_bound(&t));
    }
}

static void test_counter_without_promise_is_warned_of(void **state)
{
    struct check_random random = check_random_start();
    struct tsc t;

    (void)state;
    machine_new(&random, 2.4e9);
    all_clocks();
    machine.features.invariant_tsc = false;
    tsc_init(&t);
    CHECK(tsc_measure(&t, refs, 3));
    CHECK(!t.invariant);
    CHECK_EQ(tsc_wander_ppb(&t), 5000);
    CHECK(strstr(logged(&t), "WARNING: this CPU does not promise") != NULL);
}

static void test_log_shows_rate_and_bound(void **state)
{
    struct tsc t = {
        .invariant = true,
        .count = 2,
        .measured = {{"hpet", 2445427310, 41203, true},
                     {"pit", 2445420000, 100007, true}},
        .best = {"hpet", 2445427310, 41203, true},
        .disagreement_ppb = 2989,
    };

    (void)state;
    CHECK_TEXT(logged(&t),
               "counter: measured by hpet: 2445427310 Hz +- 41.203 ppm\n"
               "counter: measured by pit: 2445420000 Hz +- 100.007 ppm\n"
               "counter: the rates above differ by up to 2.989 ppm, within "
               "their bounds\n"
               "counter: using hpet: 2445427310 Hz +- 41.203 ppm\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truth_is_within_every_bound),
        cmocka_unit_test(test_quiet_window_takes_at_most_25_ms),
        cmocka_unit_test(test_refining_ends_under_1_ppm_and_holds_the_truth),
        cmocka_unit_test(test_pit_alone_is_not_misled_by_a_long_absence),
        cmocka_unit_test(test_one_count_is_part_of_the_bound),
        cmocka_unit_test(test_absence_right_at_the_start_does_not_mislead),
        cmocka_unit_test(test_long_neglect_is_no_wrap_miscounted),
        cmocka_unit_test(test_pause_of_nearly_whole_wraps_is_told_to_the_pit),
        cmocka_unit_test(test_pit_alone_is_enough_on_a_noisy_host),
        cmocka_unit_test(test_pause_of_all_clocks_but_one_is_noticed),
        cmocka_unit_test(test_wrong_start_is_corrected),
        cmocka_unit_test(test_rate_is_measured_anew_without_waiting_for_it),
        cmocka_unit_test(test_a_loop_that_comes_late_is_not_misled_by_wraps),
        cmocka_unit_test(test_rates_that_were_told_are_told_anew),
        cmocka_unit_test(test_a_counter_set_back_amid_a_window_is_measured),
        cmocka_unit_test(
            test_clocks_that_have_stopped_leave_the_rate_of_before),
        cmocka_unit_test(test_clock_that_is_off_is_named),
        cmocka_unit_test(test_two_that_disagree_are_both_covered),
        cmocka_unit_test(test_small_error_is_found_by_refining),
        cmocka_unit_test(test_clock_that_stands_still_is_dropped),
        cmocka_unit_test(test_clock_that_stops_amid_the_window_is_dropped),
        cmocka_unit_test(
            test_one_that_stands_still_beside_the_pace_has_no_result),
        cmocka_unit_test(test_readings_not_believed_are_left_out),
        cmocka_unit_test(test_nothing_at_all_is_an_error),
        cmocka_unit_test(test_word_of_the_hypervisor_is_enough),
        cmocka_unit_test(test_crystal_and_ratio_are_multiplied),
        cmocka_unit_test(test_false_word_of_the_hypervisor_is_outvoted),
        cmocka_unit_test(test_true_word_does_not_disagree),
        cmocka_unit_test(test_counter_without_promise_is_warned_of),
        cmocka_unit_test(test_log_shows_rate_and_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
