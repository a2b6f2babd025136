/* SPDX-License-Identifier: BSD-2-Clause */
/* Load on an NTP server, time to its first reply, and error of its time. */
#include "tests/bench/exchange.h"
#include "tests/bench/now.h"

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

static const char usage[] =
    "usage: loadgen load|first|offset|now OPTION VALUE ...\n"
    "\n"
    "load    asks as fast as it is answered, or at a rate\n"
    "first   asks until a reply is as wanted, and says how long that took\n"
    "offset  the server's clock minus the host's, best of a burst each period\n"
    "now     CLOCK_MONOTONIC in ns, for --t0\n"
    "\n"
    "where to\n"
    "  --udp ADDRESS:PORT      by UDP sockets; --nsock N of them (16)\n"
    "  --frame LOCAL,REMOTE    by Ethernet frames over unix sockets, where\n"
    "                          REMOTE is the local.path of -netdev dgram\n"
    "  --dst A --dport N       frames: the server (10.0.2.15, 123)\n"
    "  --gw A                  frames: we are the gateway (10.0.2.2)\n"
    "  --src A --nsrc N --nport N  frames: first client, how many, ports each\n"
    "                          (10.9.0.1, 256, 16)\n"
    "all\n"
    "  --version N             1 to 4 (4)\n"
    "  --timeout MS            after which a request is lost (1000)\n"
    "  --limit S               to wait for a first answer (120)\n"
    "load\n"
    "  --window N              so many requests in flight (64)\n"
    "  --rate N                or so many a second, answered or not\n"
    "  --duration S --warmup S how long, and how long before (10, 2)\n"
    "first\n"
    "  --interval MS           between requests (5)\n"
    "  --t0 NS                 when the stopwatch started, as `now` says it\n"
    "  --stratum N --refid A   wanted of the reply\n"
    "  --bounded 1             wanted: error below the server's own bound\n"
    "offset\n"
    "  --count N --period MS   how many bursts, how often (60, 1000)\n"
    "  --burst N --gap MS      requests in one, time between (8, 20)\n"
    "  --csv FILE              each burst's best, too\n";

struct settings {
    const char *frame;
    const char *udp;
    unsigned sockets;
    unsigned window;
    double rate;
    double duration;
    double warmup;
    double limit;
    double interval_ms;
    uint64_t t0;
    unsigned stratum;
    uint32_t reference_id;
    bool bounded;
    unsigned count;
    double period_ms;
    unsigned burst;
    double gap_ms;
    const char *csv;
};

static uint64_t ns_of(double value, double unit)
{
    return (uint64_t)(value * unit);
}

static void need_server(struct exchange *x, const struct settings *s)
{
    if (!link_resolve(x->link, ns_of(s->interval_ms, 1e6),
                      ns_of(s->limit, 1e9)))
        errx(1, "the server does not answer ARP");
}

/* Load. */

static void fill_window(struct exchange *x, unsigned window)
{
    while (x->waiting < window) {
        unsigned want = window - x->waiting;

        if (want > LINK_BATCH)
            want = LINK_BATCH;
        if (exchange_ask(x, want) < want)
            return;
    }
}

/* What the kernel refuses is not asked again: it counts as offered. */
static void keep_rate(struct exchange *x, uint64_t due, uint64_t *offered)
{
    for (unsigned batch = 0; *offered < due && batch < 64; batch++) {
        uint64_t want = due - *offered;

        if (want > LINK_BATCH)
            want = LINK_BATCH;
        exchange_ask(x, (unsigned)want);
        *offered += want;
        if (batch % 4 == 3)
            exchange_receive(x, 1);
    }
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void print_load(const struct exchange *x, const struct settings *s,
                       uint64_t offered)
{
    const struct exchange_counts *c = &x->count;
    const struct link_counts *l = &x->link->count;
    const struct histogram *h = &x->response;

    printf("offered=%" PRIu64 " sent=%" PRIu64 " answered=%" PRIu64, offered,
           c->sent, c->answered);
    printf(" valid=%" PRIu64 " lost=%" PRIu64 " rps=%.0f", c->valid, c->lost,
           (double)c->in_span / s->duration);
    printf(" ratio=%.4f",
           offered > 0 ? (double)c->answered / (double)offered : 0.0);
    printf(" p50_us=%.1f p90_us=%.1f p99_us=%.1f max_us=%.1f",
           histogram_quantile(h, 0.5) / 1e3, histogram_quantile(h, 0.9) / 1e3,
           histogram_quantile(h, 0.99) / 1e3, (double)h->max / 1e3);
    printf(" late=%" PRIu64 " kiss=%" PRIu64 " unsync=%" PRIu64, c->late,
           c->kiss, c->unsynchronised);
    printf(" malformed=%" PRIu64 " wrong_origin=%" PRIu64,
           c->malformed + l->malformed, c->wrong_origin);
    printf(" bad_checksum=%" PRIu64 " foreign=%" PRIu64, l->bad_checksum,
           l->foreign);
    printf(" refused=%" PRIu64 " arp_requests=%" PRIu64, l->refused,
           l->arp_requests);
    printf(" cpu_s=%.2f\n", cpu_seconds());
}

static int load(struct exchange *x, const struct settings *s)
{
    need_server(x, s);

    uint64_t start = now_ns();
    uint64_t offered = 0;

    x->from_ns = start + ns_of(s->warmup, 1e9);
    x->until_ns = x->from_ns + ns_of(s->duration, 1e9);
    for (;;) {
        uint64_t now = now_ns();
        bool done = now >= x->until_ns;
        int64_t wait = 1000000;

        exchange_expire(x, now);
        if (done && x->waiting == 0)
            break;
        if (!done && s->rate > 0) {
            keep_rate(x, ns_of((double)(now - start) / 1e9, s->rate), &offered);
            wait = (int64_t)ns_of((double)(offered + 1) / s->rate, 1e9) -
                   (int64_t)(now_ns() - start);
        } else if (!done) {
            fill_window(x, s->window);
        }
        if (exchange_receive(x, 4) == 0)
            link_wait(x->link, wait < 1000000 ? wait : 1000000,
                      !done && s->rate <= 0 && x->waiting < s->window);
    }
    print_load(x, s, s->rate > 0 ? offered : x->count.sent);
    return x->count.answered > 0 ? 0 : 1;
}

/* First. */

static bool wanted(const struct reply *r, const struct settings *s)
{
    return r->fresh && (s->stratum == 0 || r->stratum == s->stratum) &&
           (s->reference_id == 0 || r->reference_id == s->reference_id) &&
           (!s->bounded || fabs(r->offset_ns) <= r->bound_ns);
}

static void print_first(const struct exchange *x, double any_ms, double ms)
{
    const struct reply *r = &x->reply;

    printf("first_reply_ms=%.1f wanted_ms=%.1f stratum=%u refid=%08" PRIx32,
           any_ms, ms, r->stratum, r->reference_id);
    printf(" offset_us=%.1f delay_us=%.1f bound_us=%.1f", r->offset_ns / 1e3,
           r->delay_ns / 1e3, r->bound_ns / 1e3);
    printf(" unsync_before=%" PRIu64 "\n", x->count.unsynchronised);
}

static int first(struct exchange *x, const struct settings *s)
{
    uint64_t t0 = s->t0 != 0 ? s->t0 : now_ns();
    uint64_t end = now_ns() + ns_of(s->limit, 1e9);
    uint64_t next = 0;
    double any_ms = -1;

    while (now_ns() < end) {
        uint64_t now = now_ns();
        bool resolved = x->link->resolved;

        if (now >= next) {
            next = now + ns_of(s->interval_ms, 1e6);
            exchange_expire(x, now);
            if (resolved)
                exchange_ask(x, 1);
            else
                link_ask_mac(x->link);
        }
        link_wait(x->link, (int64_t)(next - now), false);
        exchange_receive(x, 1);
        if (x->link->resolved && !resolved)
            next = 0;

        double ms = (double)(now_ns() - t0) / 1e6;

        if (x->reply.fresh && any_ms < 0)
            any_ms = ms;
        if (wanted(&x->reply, s)) {
            print_first(x, any_ms, ms);
            return 0;
        }
        x->reply.fresh = false;
    }
    printf("first_reply_ms=%.1f wanted_ms=none unsync=%" PRIu64 "\n", any_ms,
           x->count.unsynchronised);
    return 1;
}

/* Offset. */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The reply of least delay; false if none came. */
static bool burst(struct exchange *x, const struct settings *s,
                  struct reply *best)
{
    *best = (struct reply){0};
    for (unsigned i = 0; i < s->burst; i++) {
        uint64_t end = now_ns() + ns_of(s->gap_ms, 1e6);

        exchange_expire(x, now_ns());
        exchange_ask(x, 1);
        for (uint64_t now = now_ns(); now < end; now = now_ns()) {
            link_wait(x->link, (int64_t)(end - now), false);
            exchange_receive(x, 1);
            if (x->reply.fresh &&
                (!best->fresh || x->reply.delay_ns < best->delay_ns))
                *best = x->reply;
            x->reply.fresh = false;
        }
    }
    return best->fresh;
}

struct series {
    double *value;
    unsigned count;
};

static double quantile(const struct series *v, double share)
{
    return v->value[(unsigned)(share * (v->count - 1) + 0.5)];
}

static void print_offsets(struct series *offset, struct series *delay,
                          unsigned missed, unsigned unbounded)
{
    double sum = 0;
    double squares = 0;

    for (unsigned i = 0; i < offset->count; i++) {
        sum += offset->value[i];
        squares += offset->value[i] * offset->value[i];
    }
    qsort(offset->value, offset->count, sizeof *offset->value, by_size);
    qsort(delay->value, delay->count, sizeof *delay->value, by_size);
    printf("samples=%u missed=%u unbounded=%u", offset->count, missed,
           unbounded);
    printf(" median_us=%.2f mean_us=%.2f rms_us=%.2f", quantile(offset, 0.5),
           sum / offset->count, sqrt(squares / offset->count));
    printf(" min_us=%.2f max_us=%.2f", quantile(offset, 0),
           quantile(offset, 1));
    for (unsigned i = 0; i < offset->count; i++)
        offset->value[i] = fabs(offset->value[i]);
    qsort(offset->value, offset->count, sizeof *offset->value, by_size);
    printf(" abs_p50_us=%.2f abs_p99_us=%.2f", quantile(offset, 0.5),
           quantile(offset, 0.99));
    printf(" delay_min_us=%.1f delay_p50_us=%.1f delay_p99_us=%.1f\n",
           quantile(delay, 0), quantile(delay, 0.5), quantile(delay, 0.99));
}

static void wait_until(struct exchange *x, uint64_t ns)
{
    for (uint64_t now = now_ns(); now < ns; now = now_ns()) {
        link_wait(x->link, (int64_t)(ns - now), false);
        exchange_receive(x, 1);
    }
}

static int offset(struct exchange *x, const struct settings *s)
{
    struct series offsets = {calloc(s->count + 1, sizeof(double)), 0};
    struct series delays = {calloc(s->count + 1, sizeof(double)), 0};
    unsigned missed = 0;
    unsigned unbounded = 0;
    FILE *csv = s->csv != NULL ? fopen(s->csv, "w") : NULL;
    struct reply best;

    if (offsets.value == NULL || delays.value == NULL ||
        (s->csv != NULL && csv == NULL))
        err(2, "offset");
    need_server(x, s);
    if (csv != NULL)
        fprintf(csv, "t_s,offset_us,delay_us,bound_us,stratum\n");

    uint64_t start = now_ns();

    for (unsigned i = 0; i < s->count; i++) {
        wait_until(x, start + ns_of(i * s->period_ms, 1e6));
        if (!burst(x, s, &best)) {
            missed++;
            continue;
        }
        if (fabs(best.offset_ns) > best.bound_ns)
            unbounded++;
        offsets.value[offsets.count++] = best.offset_ns / 1e3;
        delays.value[delays.count++] = best.delay_ns / 1e3;
        if (csv != NULL)
            fprintf(csv, "%.3f,%.3f,%.3f,%.3f,%u\n",
                    (double)(now_ns() - start) / 1e9, best.offset_ns / 1e3,
                    best.delay_ns / 1e3, best.bound_ns / 1e3, best.stratum);
    }
    if (csv != NULL && fclose(csv) != 0)
        err(2, "%s", s->csv);
    if (offsets.count > 0)
        print_offsets(&offsets, &delays, missed, unbounded);
    else
        printf("samples=0 missed=%u unsync=%" PRIu64 "\n", missed,
               x->count.unsynchronised);
    free(offsets.value);
    free(delays.value);
    return offsets.count > 0 ? 0 : 1;
}

/* Options. */

static uint32_t address(const char *text)
{
    struct in_addr a;

    if (inet_pton(AF_INET, text, &a) != 1)
        errx(2, "%s is not an IPv4 address", text);
    return ntohl(a.s_addr);
}

static double number(const char *option, const char *text, double low,
                     double high)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end != '\0' || !(v >= low && v <= high))
        errx(2, "%s %s is not %.0f to %.0f", option, text, low, high);
    return v;
}

static bool set_text(struct settings *s, const char *name, const char *value)
{
    if (strcmp(name, "--frame") == 0)
        s->frame = value;
    else if (strcmp(name, "--udp") == 0)
        s->udp = value;
    else if (strcmp(name, "--refid") == 0)
        s->reference_id = address(value);
    else if (strcmp(name, "--t0") == 0)
        s->t0 = strtoull(value, NULL, 10);
    else if (strcmp(name, "--csv") == 0)
        s->csv = value;
    else
        return false;
    return true;
}

static bool set_name(struct link_names *n, const char *name, const char *value)
{
    if (strcmp(name, "--dst") == 0)
        n->server = address(value);
    else if (strcmp(name, "--gw") == 0)
        n->gateway = address(value);
    else if (strcmp(name, "--src") == 0)
        n->clients = address(value);
    else if (strcmp(name, "--nsrc") == 0)
        n->client_count = (uint32_t)number(name, value, 1, 1 << 20);
    else if (strcmp(name, "--nport") == 0)
        n->port_count = (uint32_t)number(name, value, 1, 40000);
    else if (strcmp(name, "--dport") == 0)
        n->server_port = (uint16_t)number(name, value, 1, 65535);
    else
        return false;
    return true;
}

static bool set_whole(struct settings *s, const char *name, const char *value)
{
    const struct {
        const char *name;
        unsigned *to;
        unsigned low;
        unsigned high;
    } whole[] = {
        {"--nsock", &s->sockets, 1, LINK_SOCKETS_MAX},
        {"--window", &s->window, 1, EXCHANGE_SLOTS / 2},
        {"--stratum", &s->stratum, 1, 15},
        {"--count", &s->count, 1, 1 << 24},
        {"--burst", &s->burst, 1, 1000},
    };

    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (strcmp(name, whole[i].name) != 0)
            continue;
        *whole[i].to =
            (unsigned)number(name, value, whole[i].low, whole[i].high);
        return true;
    }
    return false;
}

static bool set_real(struct settings *s, const char *name, const char *value)
{
    const struct {
        const char *name;
        double *to;
    } real[] = {
        {"--rate", &s->rate},
        {"--duration", &s->duration},
        {"--warmup", &s->warmup},
        {"--limit", &s->limit},
        {"--interval", &s->interval_ms},
        {"--period", &s->period_ms},
        {"--gap", &s->gap_ms},
    };

    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        if (strcmp(name, real[i].name) != 0)
            continue;
        *real[i].to = number(name, value, 0, 1e9);
        return true;
    }
    return false;
}

static bool set_exchange(struct exchange *x, struct settings *s,
                         const char *name, const char *value)
{
    if (strcmp(name, "--version") == 0)
        x->version = (uint8_t)number(name, value, 1, 4);
    else if (strcmp(name, "--timeout") == 0)
        x->timeout_ns = ns_of(number(name, value, 0, 1e9), 1e6);
    else if (strcmp(name, "--bounded") == 0)
        s->bounded = number(name, value, 0, 1) > 0;
    else
        return false;
    return true;
}

static void read_options(struct exchange *x, struct settings *s, int argc,
                         char **argv)
{
    for (int i = 2; i < argc; i += 2) {
        const char *name = argv[i];
        const char *value = argv[i + 1];

        if (value == NULL)
            errx(2, "%s wants a value", name);
        if (!set_text(s, name, value) &&
            !set_name(&x->link->names, name, value) &&
            !set_whole(s, name, value) && !set_real(s, name, value) &&
            !set_exchange(x, s, name, value))
            errx(2, "no such option: %s", name);
    }
}

static void open_link(struct link *l, const struct settings *s)
{
    if ((s->frame == NULL) == (s->udp == NULL))
        errx(2, "one of --udp and --frame is needed");
    if (s->udp != NULL) {
        link_open_udp(l, s->udp, s->sockets);
        return;
    }

    char *local = strdup(s->frame);
    char *comma = local != NULL ? strchr(local, ',') : NULL;

    if (comma == NULL)
        errx(2, "--frame wants LOCAL,REMOTE");
    *comma = '\0';
    link_open_frames(l, local, comma + 1);
}

int main(int argc, char **argv)
{
    static struct link link = {
        .names = {.server = 0x0a00020f,
                  .gateway = 0x0a000202,
                  .clients = 0x0a090001,
                  .client_count = 256,
                  .port_count = 16,
                  .server_port = 123,
                  .gateway_mac = {0x02, 0, 0, 0, 0, 0x02}},
    };
    static struct exchange x = {
        .link = &link,
        .version = 4,
        .timeout_ns = 1000000000u,
        .until_ns = UINT64_MAX,
    };
    struct settings s = {
        .sockets = 16,
        .window = 64,
        .duration = 10,
        .warmup = 2,
        .limit = 120,
        .interval_ms = 5,
        .count = 60,
        .period_ms = 1000,
        .burst = 8,
        .gap_ms = 20,
    };
    const char *verb = argc > 1 ? argv[1] : "";

    if (strcmp(verb, "now") == 0) {
        printf("%" PRIu64 "\n", now_ns());
        return 0;
    }

    int (*run)(struct exchange *, const struct settings *) =
        strcmp(verb, "load") == 0     ? load
        : strcmp(verb, "first") == 0  ? first
        : strcmp(verb, "offset") == 0 ? offset
                                      : NULL;

    if (run == NULL) {
        fputs(usage, stderr);
        return 2;
    }
    read_options(&x, &s, argc, argv);
    if (getrandom(&x.random, sizeof x.random, 0) != sizeof x.random)
        err(2, "getrandom");
    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    open_link(&link, &s);
    return run(&x, &s);
}
