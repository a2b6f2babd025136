/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which everything starts. */
#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/irq.h"
#include "arch/log.h"
#include "arch/mem.h"
#include "arch/mmu.h"
#include "arch/panic.h"
#include "arch/selftest.h"
#include "arch/tsc.h"
#include "boot/away.h"
#include "boot/clock_cost.h"
#include "boot/ke_service.h"
#include "boot/leaps.h"
#include "boot/loader.h"
#include "boot/loop.h"
#include "boot/manifest.h"
#include "boot/nts_sources.h"
#include "boot/nts.h"
#include "boot/nts_cost.h"
#include "boot/rate.h"
#include "boot/recover.h"
#include "boot/refclocks.h"
#include "boot/remember.h"
#include "boot/settings.h"
#include "drivers/acpi.h"
#include "drivers/hpet.h"
#include "drivers/hyperv.h"
#include "drivers/kvmclock.h"
#include "drivers/netdev.h"
#include "drivers/pci.h"
#include "drivers/pit.h"
#include "drivers/pmtimer.h"
#include "drivers/refclock.h"
#include "drivers/rtc.h"
#include "drivers/uart.h"
#include "drivers/virtio_rng.h"

/* How long the first bytes of virtio-rng are waited for.  QEMU gives them
 * within one. */
#define RNG_MS 5

/* Everything that lives as long as the machine does, each part owned here and
 * handed out by pointer. */
static struct {
    struct boot_info info;
    struct acpi acpi;
    struct pci pci;
    struct virtio_rng rng;
    struct state state;
    struct remember remember;
    struct rate rate;
    struct refclock kvmclock;
    struct refclock rtc;
    struct counter_reference reference[TSC_REFERENCES_MAX];
    struct tsc tsc;
    const struct config *config;
    struct clock clock;
    struct client client;
    struct leap_list leaps;
    struct ntp_server server;
    struct nts_service nts;
    struct limit limit;
    struct netdev netdev;
    struct net_config net_config;
    struct net net;
    struct upstream_source source[CONFIG_SOURCES_MAX];
    struct ke_clients ke_clients;
    struct upstream upstream;
    struct steal steal;
    struct away away;
    struct refclocks refclocks;
    struct ke_service ke;
    struct recover recover;
    struct loop loop;
} machine;

static void start_log(uint64_t entry_ticks)
{
    log_set_zero(entry_ticks);
    uart_attach();
    log_line("gnomon %s", gnomon_version);

    for (const char *line = gnomon_manifest; *line;) {
        size_t len = strcspn(line, "\n");

        log_line("built with %.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static void read_loader(uint32_t protocol, uint64_t address)
{
    static const char *const why[] = {
        [LOADER_OK] = "",
        [LOADER_UNKNOWN] = "neither PVH nor Multiboot2",
        [LOADER_MALFORMED] = "malformed boot information",
        [LOADER_NO_MEMORY] = "no memory map",
    };
    struct boot_info *info = &machine.info;
    enum loader_verdict verdict = loader_read(info, protocol, address);

    if (verdict != LOADER_OK)
        panic("loader: %s", why[verdict]);

    mem_setup(info->ram, info->ram_count, info->reserved, info->reserved_count);
    mmu_init(info->ram, info->ram_count);
    log_line("loader: %s%s%s, %llu KiB of memory, %zu modules%s",
             info->protocol, info->loader[0] ? " " : "", info->loader,
             (unsigned long long)(mem_total() / 1024), info->module_count,
             info->cmdline_cut ? ", command line too long and cut" : "");
    if (info->overrun)
        log_line("loader: it wrote the command line over the rest of what it "
                 "says: 14 MiB of memory assumed, modules not found");
}

static void tell_entropy(void)
{
    struct entropy_state state = entropy_state();

    log_line("entropy: %u bits from%s%s%s%s", state.bits,
             state.rdseed ? " RDSEED" : "", state.rdrand ? " RDRAND" : "",
             state.device ? " virtio-rng" : "", state.jitter ? " jitter" : "");
    if (machine.rng.failed)
        log_line("entropy: virtio-rng: %s", machine.rng.failed);
    if (!state.seeded)
        log_line("entropy: WARNING: too little; requests to servers could be "
                 "guessed");
}

static void read_firmware(void)
{
    struct acpi *acpi = &machine.acpi;

    acpi_init(acpi, machine.info.rsdp, machine.info.rsdp_len);
    panic_set_reset(&acpi->reset);
    apic_init(&acpi->madt);
    log_line("machine: %s", apic_describe());
}

/* Clocks of known rate, each if it is there; returns how many. */
static unsigned find_references(struct counter_reference *ref)
{
    static struct hpet hpet;
    static struct pmtimer pmtimer;
    const struct acpi *acpi = &machine.acpi;
    const char *why = NULL;
    unsigned count = 0;

    if (acpi->hpet_address) {
        void *registers = mmu_map_device(acpi->hpet_address, 1024);

        count += hpet_attach(&hpet, registers, &ref[count], &why);
        if (why)
            log_line("hpet: %s", why);
    }
    count += pmtimer_attach(&pmtimer, acpi->pm_timer_port, acpi->pm_timer_32bit,
                            &ref[count]);
    count += pit_attach(&ref[count]);
    return count;
}

/*
 * Attach a clock, from which the date is guessed before the first set.  What
 * is not there has no driver.
 */
static void attach_clock(struct refclock *clock,
                         const struct refclock_driver *driver, void *state)
{
    const struct refclock_machine from = {
        .rtc_century = machine.acpi.rtc_century,
        .acpi = &machine.acpi,
    };

    clock->state = state;
    if (!driver->probe(&from))
        return;
    if (driver->attach(clock, &from))
        clock->driver = driver;
    else
        log_line("%s: %s", driver->name, clock->failed);
}

static void find_clocks(void)
{
    static struct kvmclock kvmclock;
    static struct rtc rtc;

    attach_clock(&machine.kvmclock, &kvmclock_driver, &kvmclock);
    attach_clock(&machine.rtc, &rtc_driver, &rtc);
}

static void tell_rates(struct tsc *tsc)
{
    tsc_tell(tsc, "Hyper-V", hyperv_hz());
    if (machine.kvmclock.driver)
        tsc_tell(tsc, "kvm-clock", kvmclock_hz(machine.kvmclock.state));
}

static void measure_counter(void)
{
    struct tsc *tsc = &machine.tsc;

    tsc_init(tsc);
    tell_rates(tsc);
    if (!tsc_measure(tsc, machine.reference,
                     find_references(machine.reference))) {
        log_line("counter: no clock to measure it by, and nothing tells its "
                 "rate: cannot keep time, not serving");
        log_flush();
        for (;;)
            __asm__ volatile("cli; hlt");
    }
    log_set_rate(tsc->best.hz);
    irq_set_rate(tsc->best.hz);
    timer_init(tsc->best.hz);
    tsc_log(tsc);
}

/* The date by the first of the clocks that gives one, into `start`; the RTC is
 * not the host's. */
static bool ask_clocks(struct client_start *start, bool hosts)
{
    struct refclock *const clocks[] = {&machine.kvmclock, &machine.rtc};
    unsigned count = sizeof(clocks) / sizeof(clocks[0]) - hosts;

    for (unsigned i = 0; i < count; i++) {
        struct refclock *clock = clocks[i];
        struct refclock_sample sample = {0};

        if (!clock->driver)
            continue;
        if (!clock->driver->sample(clock, &sample)) {
            log_line("%s: %s", clock->driver->name, clock->failed);
            continue;
        }
        start->ticks = sample.ticks;
        start->date = ntp_date_from_unix(sample.seconds, sample.nanoseconds);
        start->date_error = (double)sample.bound_ns * 1e-9;
        log_line("date: %lld s since 1970 by %s, within %llu ms",
                 (long long)sample.seconds, clock->driver->name,
                 (unsigned long long)(sample.bound_ns / 1000000));
        return true;
    }
    return false;
}

/*
 * A clock that is behind what was known in the last run is not believed.  By a
 * minute it may be: nobody set it then.
 */
static void guess_date(struct client_start *start)
{
    uint64_t last = state_loaded(&machine.state)->unix_seconds;
    ntp_date least = ntp_date_from_unix((int64_t)last, 0);
    bool told = ask_clocks(start, false);

    if (told && (last == 0 || start->date + ntp_date_from_seconds(60) >= least))
        return;
    start->ticks = counter_read();
    start->date = last ? least : 0;
    start->date_error = 0;
    start->stale = last != 0;
    if (last)
        log_line("date: %s; %llu s since 1970 was the last known time",
                 told ? "WARNING: that clock is behind" : "no clock tells it",
                 (unsigned long long)last);
    else
        log_line("date: no clock tells it");
}

/* log2 s of the least time that passes between two readings of the counter,
 * RFC 5905, 7.3. */
static int8_t precision(uint64_t hz)
{
    uint64_t least = UINT64_MAX;
    int8_t log2_s = 0;

    for (unsigned i = 0; i < 64; i++) {
        uint64_t before = counter_read();
        uint64_t step = counter_read() - before;

        if (step && step < least)
            least = step;
    }
    while (log2_s > -32 && least < hz) {
        least *= 2;
        log2_s--;
    }
    return log2_s;
}

static void random_bytes(void *context, void *bytes, size_t len)
{
    (void)context;
    entropy_fill(bytes, len);
}

static void start_client(void)
{
    uint64_t hz = machine.tsc.best.hz;
    struct client_start start = {
        .wander_ppb = tsc_wander_ppb(&machine.tsc),
        .precision = precision(hz),
        .random = random_bytes,
    };

    rate_choose(state_loaded(&machine.state), &machine.tsc, &start);
    guess_date(&start);
    client_init(&machine.client, &machine.config->client, &machine.clock,
                &start);
    client_leaps(&machine.client, leaps_choose(machine.config, &machine.leaps));
    machine.server.keys = &machine.config->keys;
    machine.server.precision = start.precision;
    if (machine.config->ratelimit.enabled)
        machine.server.min_poll = machine.config->ratelimit.interval;
}

static void start_limit(void)
{
    const struct config *config = machine.config;
    size_t bytes = config->client_log ? config->client_log_bytes : 0;
    uint64_t seed;

    entropy_fill(&seed, sizeof(seed));
    limit_init(&machine.limit, &config->ratelimit,
               bytes ? mem_alloc(bytes, 64) : NULL, bytes, seed);
}

/*
 * Wait for the random generator of the host, but not for long; what comes later
 * is taken by the loop.
 */
static void await_entropy(uint64_t ticks)
{
    uint8_t bytes[VIRTIO_RNG_BYTES];
    uint64_t start = counter_read();

    while (machine.rng.asked && machine.rng.present &&
           counter_read() - start < ticks) {
        size_t len = virtio_rng_take(&machine.rng, bytes);

        if (len > 0)
            entropy_device(bytes, len);
        else
            cpu_relax();
    }
    memset(bytes, 0, sizeof(bytes));
}

/* What is on PCI, but for the network card. */
static void find_devices(void)
{
    const struct config *config = machine.config;

    pci_init(&machine.pci, &machine.acpi, machine.info.ram,
             machine.info.ram_count);
    if (virtio_rng_attach(&machine.rng, &machine.pci))
        virtio_rng_ask(&machine.rng);

    const struct state_setup setup = {
        .pci = &machine.pci,
        .wanted = config->nts.state_wanted && !config->refused,
        .name = config->nts.state,
        .ticks_per_s = machine.tsc.best.hz,
    };

    state_init(&machine.state, &setup);
    await_entropy(machine.tsc.best.hz / 1000 * RNG_MS);
    tell_entropy();
}

static void keep_keys(void *arg)
{
    (void)arg;
    remember_soon(&machine.remember);
}

/* Others may have what was kept until now, or get it one day. */
static void drop_kept(void *arg)
{
    (void)arg;
    remember_no_more(&machine.remember);
}

static const struct aes_cipher *cipher(void)
{
    const struct cpu_features *cpu = cpu_features();

    return aes_choose(cpu->aes && cpu->pclmul);
}

static void start_nts(void)
{
    const struct nts_setup setup = {
        .config = machine.config,
        .kept = state_loaded(&machine.state),
        .ntp = &machine.server,
        .cipher = cipher(),
        .ticks_per_s = machine.tsc.best.hz,
        .changed = drop_kept,
    };

    remember_part(&machine.remember, nts_service_collect, &machine.nts);
    nts_service_start(&machine.nts, &setup, counter_read());
}

static bool kvm_kept_up(void *kvm, uint64_t ticks_per_s)
{
    return kvmclock_kept_up(kvm, ticks_per_s);
}

/* Before the network's first interrupt. */
static void start_watch(void)
{
    struct kvmclock *kvm =
        machine.kvmclock.driver ? machine.kvmclock.state : NULL;
    struct recover_setup setup = {
        .places =
            {
                .kvm_flags = kvm ? kvmclock_flags(kvm) : NULL,
                .kept_up = kvm ? kvm_kept_up : NULL,
                .kvm = kvm,
                .rtc = machine.rtc.driver ? machine.rtc.state : NULL,
                .invariant = machine.tsc.invariant,
                .ticks_per_s = machine.tsc.best.hz,
            },
        .client = &machine.client,
        .net = &machine.net,
        .nts = &machine.nts,
        .upstream = &machine.upstream,
        .tsc = &machine.tsc,
        .tell_rates = tell_rates,
        .kvm = kvm,
        .refclocks = &machine.refclocks,
        .ask_clocks = ask_clocks,
        .dropped = drop_kept,
        .ticks_per_s = machine.tsc.best.hz,
    };

    (void)vmclock_page(&machine.acpi, &setup.places.vmclock);
    (void)vmgenid_place(&machine.acpi, &setup.places.vmgenid);
    recover_start(&machine.recover, &setup, counter_read());
    remember_part(&machine.remember, generation_collect,
                  &machine.recover.generation);
    if (generation_judge(&machine.recover.generation, &machine.state))
        drop_kept(NULL);
}

static void start_network(void)
{
    const struct config *config = machine.config;

    settings_network(&machine.net_config, config);

    const struct net_setup setup = {
        .config = &machine.net_config,
        .pci = &machine.pci,
        .dev = &machine.netdev,
        .limit = &machine.limit,
        .nts = machine.nts.on ? &machine.nts.slow : NULL,
        .fastpath =
            {
                .clock = &machine.clock,
                .server = &machine.server,
                .nts = machine.nts.on ? &machine.nts.fast : NULL,
                .access = &config->access,
                .require =
                    config->nts.require_any ? &config->nts.require : NULL,
                .ticks_per_s = machine.tsc.best.hz,
                .port = config->port,
                .dscp = config->dscp,
                .disrupted = disruption_look,
                .watch = &machine.recover.watch,
                .private_only = config->refused,
            },
    };

    if (!net_attach(&machine.net, &setup))
        log_line("network: %s", machine.netdev.failed);
}

/* What sources by NTS share. */
static void start_ke_clients(void)
{
    const struct config_nts *nts = &machine.config->nts;
    uint64_t hz = machine.tsc.best.hz;

    machine.ke_clients = (struct ke_clients){
        .net = &machine.net,
        .client = &machine.client,
        .ticks_per_s = hz,
        .refresh_ticks = nts->refresh_s * hz,
        .no_cert_time_check = nts->no_cert_time_check,
        .cipher = cipher(),
        .random = random_bytes,
        .changed = keep_keys,
    };
    nts_sources_trust(&machine.ke_clients, machine.config);
}

static void start_upstream(void)
{
    const struct config *config = machine.config;
    const struct upstream_setup setup = {
        .client = &machine.client,
        .net = &machine.net,
        .source = machine.source,
        .source_count = settings_sources(machine.source, config),
        .use_dhcp = config->dhcp_sources,
        .ticks_per_s = machine.tsc.best.hz,
        .ke = &machine.ke_clients,
        .stolen_ns = away_ns,
        .stolen_arg = &machine.away,
    };

    const struct refclock_machine from = {
        .rtc_century = machine.acpi.rtc_century,
        .acpi = &machine.acpi,
        .ticks_per_s = machine.tsc.best.hz,
    };

    away_start(&machine.away,
               steal_attach(&machine.steal) ? &machine.steal : NULL,
               machine.tsc.best.hz);
    start_ke_clients();
    refclocks_start(&machine.refclocks, config, &from, &machine.client,
                    machine.tsc.best.hz);
    upstream_start(&machine.upstream, &setup, counter_read());
    refclocks_name(&machine.refclocks, &machine.upstream);
    nts_sources_resume(&machine.upstream, state_loaded(&machine.state),
                       counter_read());
    remember_part(&machine.remember, nts_sources_collect, &machine.upstream);
}

static void start_ke(void)
{
    const struct ke_service_setup setup = {
        .config = machine.config,
        .kept = state_loaded(&machine.state),
        .keys = machine.nts.on ? &machine.nts.keys : NULL,
        .client = &machine.client,
        .net = &machine.net,
        .ticks_per_s = machine.tsc.best.hz,
        .changed = keep_keys,
    };

    ke_service_setup(&machine.ke, &setup, counter_read());
    remember_part(&machine.remember, ke_service_collect, &machine.ke);
}

void boot_main(uint32_t protocol, uint64_t address, uint64_t entry_ticks)
{
    start_log(entry_ticks);
    cpu_init();
    read_loader(protocol, address);
    entropy_init();
    read_firmware();
    find_clocks();
    measure_counter();

    const char *selftest = strstr(machine.info.cmdline, "selftest=");

    if (selftest) {
        irq_enable();
        if (strstr(selftest, "clock-read"))
            clock_cost_tell(machine.tsc.best.hz);
        if (strstr(selftest, "nts-cost"))
            nts_cost_tell(machine.tsc.best.hz);
        selftest_run(selftest + strlen("selftest="));
    }

    machine.config = settings_read(&machine.info);
    find_devices();
    start_client();
    remember_start(&machine.remember, &machine.state, &machine.client,
                   machine.tsc.best.hz);
    rate_start(&machine.rate, &machine.remember);
    start_limit();
    start_nts();
    start_watch();
    start_network();
    start_ke();
    start_upstream();
    recover_join(&machine.recover);
    mem_seal();
    log_line("boot: done, %llu KiB of memory left",
             (unsigned long long)(mem_available() / 1024));

    machine.loop = (struct loop){
        .net = &machine.net,
        .upstream = &machine.upstream,
        .refclocks = &machine.refclocks,
        .ke = &machine.ke,
        .client = &machine.client,
        .tsc = &machine.tsc,
        .limit = &machine.limit,
        .remember = &machine.remember,
        .rate = &machine.rate,
        .rng = &machine.rng,
        .nts = &machine.nts,
        .recover = &machine.recover,
        .ticks_per_s = machine.tsc.best.hz,
        .logstats_s = machine.config->logstats_s,
    };
    loop_run(&machine.loop);
}
