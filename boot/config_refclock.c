/* SPDX-License-Identifier: BSD-2-Clause */
/* `refclock`: the clocks of the platform. */
#include "boot/config_builder.h"

#include <string.h>

#define POLL_MIN     (-32)
#define POLL_MAX     32
#define POLL_DEFAULT 4
#define OUR_POLL_MIN 0
#define OUR_POLL_MAX 17

#define REFID_MAX 4

/* A line while it is being read: settings, and what they do not hold. */
struct line_options {
    struct refclock_config ntp;
    int16_t poll;
    int16_t maxsamples; /* below 0: not given */
    struct word refid;  /* empty: not given */
    bool pps, tai, local;
};

#define FLAG(name, field) FLAG_OPTION(name, struct line_options, field)
#define WORD(name, field) WORD_OPTION(name, struct line_options, field, NULL)
#define NUMBER(name, field, places, min, max)                                  \
    NUMBER_OPTION(name, struct line_options, field, places, min, max)

static const struct option options[] = {
    NUMBER("poll", poll, 0, POLL_MIN, POLL_MAX),
    WORD("refid", refid),
    NUMBER("offset", ntp.source.offset_ns, 9, -SPAN_NS_MAX, SPAN_NS_MAX),
    NUMBER("delay", ntp.delay_ns, 9, 0, SPAN_NS_MAX),
    NUMBER("stratum", ntp.stratum, 0, 0, 15),
    NUMBER("precision", ntp.precision_ns, 9, 0, SPAN_NS_MAX),
    NUMBER("maxdispersion", ntp.maxdispersion_ns, 9, 0, SPAN_NS_MAX),
    NUMBER("maxsamples", maxsamples, 0, 0, INT16_MAX),
    FLAG("prefer", ntp.source.prefer),
    FLAG("noselect", ntp.source.noselect),
    FLAG("trust", ntp.source.trust),
    FLAG("require", ntp.source.require),
    FLAG("pps", pps),
    FLAG("tai", tai),
    FLAG("local", local),
    SKIP_ARG_OPTION("dpoll",
                    "each reading is a sample: it is read once a poll"),
    SKIP_ARG_OPTION("filter", "each reading is a sample"),
    SKIP_ARG_OPTION("rate", "it concerns pulses"),
    SKIP_ARG_OPTION("width", "it concerns pulses"),
    SKIP_ARG_OPTION("lock", "it concerns pulses"),
    SKIP_ARG_OPTION("maxlockage", "it concerns pulses"),
    SKIP_ARG_OPTION("maxunreach", "one that cannot be read is not followed"),
    SKIP_ARG_OPTION("minsamples", "how much older samples count is learned"),
};

/* A driver, which clock is meant by its argument, and how it is called. */
static const struct {
    const char *driver;
    const char *argument; /* NULL: it needs none */
    const char *name;
    const char *letters; /* of the reference ID, a digit follows */
    enum refclock_kind kind;
    int64_t precision_ns;
} drivers[] = {
    {"PHC", "/dev/ptp_kvm", "PHC /dev/ptp_kvm", "PHC", REFCLOCK_KVM, 1000},
    {"PHC", "/dev/vmclock0", "PHC /dev/vmclock0", "PHC", REFCLOCK_VMCLOCK, 100},
    {"VMWARE", NULL, "VMWARE", "VMW", REFCLOCK_VMWARE, 10000},
    /* It shows whole seconds, and is read when one begins. */
    {"RTC", NULL, "RTC", "RTC", REFCLOCK_RTC, 3000000},
};

static bool is_driver(struct word word)
{
    for (size_t i = 0; i < COUNT(drivers); i++)
        if (word_is(word, drivers[i].driver))
            return true;
    return false;
}

/* What chrony takes after a device, as in /dev/ptp0:nocrossts. */
static struct word without_options(struct word device)
{
    const char *colon = memchr(device.at, ':', device.len);

    if (colon)
        device.len = (size_t)(colon - device.at);
    return device;
}

/* The clock that is meant; -1 when an error or a note says why none is. */
static int find_driver(struct directive *d, struct word driver)
{
    struct word device;

    for (size_t i = 0; i < COUNT(drivers); i++)
        if (!drivers[i].argument && word_is(driver, drivers[i].driver))
            return (int)i;
    if (!directive_word(d, &device, "/dev/ptp_kvm or /dev/vmclock0"))
        return -1;
    device = without_options(device);
    for (size_t i = 0; i < COUNT(drivers); i++)
        if (drivers[i].argument && word_is(driver, drivers[i].driver) &&
            word_is(device, drivers[i].argument))
            return (int)i;
    directive_refuse(d, device,
                     "/dev/ptp_kvm (KVM's clock pairing) or /dev/vmclock0: a "
                     "clock is told by its name here, not by its number");
    return -1;
}

/* The path of a clock that there is one of. */
static void skip_device(struct directive *d, int which)
{
    struct line ahead = d->line;
    struct word word;

    if (drivers[which].argument || !line_word(&ahead, &word) ||
        !word_cut(&word, "/dev/"))
        return;
    line_word(&d->line, &word);
}

/* Up to four letters, the first one highest. */
static uint32_t reference_id(struct word word)
{
    uint32_t id = 0;

    for (size_t i = 0; i < REFID_MAX; i++)
        id = id << 8 | (i < word.len ? (uint8_t)word.at[i] : 0u);
    return id;
}

static uint32_t own_reference_id(int which, unsigned number)
{
    char text[REFID_MAX + 1];
    size_t len = strlen(drivers[which].letters);

    memcpy(text, drivers[which].letters, len);
    text[len] = (char)('0' + number % 10);
    return reference_id((struct word){text, len + 1});
}

static bool settle(struct directive *d, int which, struct line_options *o)
{
    struct refclock_config *ntp = &o->ntp;
    int poll = o->poll < OUR_POLL_MIN ? OUR_POLL_MIN : o->poll;

    if (o->pps || o->tai || o->local)
        return directive_refuse(d, d->name,
                                "a clock of UTC: not `pps`, `tai` or `local`");
    if (o->refid.len > REFID_MAX)
        return directive_refuse(d, o->refid, "at most four letters");
    if (poll > OUR_POLL_MAX)
        poll = OUR_POLL_MAX;
    if (poll != o->poll)
        directive_note(d, "`poll` of 0 to 17 is possible: the nearest is used");
    ntp->source.minpoll = ntp->source.maxpoll = (int8_t)poll;
    ntp->source.maxsamples = clamp_samples(d, o->maxsamples);
    ntp->reference_id =
        o->refid.len > 0 ? reference_id(o->refid)
                         : own_reference_id(which, d->b->config.refclock_count);
    return true;
}

static bool add_line(struct directive *d, struct word driver)
{
    struct config *config = &d->b->config;
    struct line_options o = {.poll = POLL_DEFAULT, .maxsamples = -1};
    int which = find_driver(d, driver);

    if (which < 0)
        return false;
    source_config_default(&o.ntp.source);
    o.ntp.precision_ns = drivers[which].precision_ns;
    skip_device(d, which);
    if (!directive_options(d, options, COUNT(options), &o) ||
        !settle(d, which, &o))
        return false;

    struct config_refclock clock = {drivers[which].kind, drivers[which].name,
                                    o.maxsamples >= 0, o.ntp};
    unsigned at = 0;

    while (at < config->refclock_count &&
           config->refclock[at].kind != clock.kind)
        at++;
    if (at < config->refclock_count)
        directive_note_word(d, driver,
                            "named before: it is one clock, with the options "
                            "of this line");
    else
        config->refclock_count++;
    config->refclock[at] = clock;
    return true;
}

/* One that is never selected cannot be missed. */
static bool is_noselect(struct directive *d)
{
    struct line rest = d->line;
    struct word word;

    while (line_word(&rest, &word))
        if (word_is(word, "noselect"))
            return true;
    return false;
}

/* Would that line be understood?  An unknown PHC is one of another machine. */
static bool is_ours(struct directive *d, struct word driver)
{
    struct line ahead = d->line;
    struct word device;

    if (!word_is(driver, "PHC") || !line_word(&ahead, &device))
        return is_driver(driver);
    device = without_options(device);
    for (size_t i = 0; i < COUNT(drivers); i++)
        if (drivers[i].argument && word_is(device, drivers[i].argument))
            return true;
    return false;
}

/*
 * A reference clock changes what is trusted, so one that is not known must not
 * vanish silently.
 */
void read_platform_clock(struct directive *d, const struct kind *kind)
{
    struct word driver;

    (void)kind;
    if (!directive_word(d, &driver, "a driver: PHC, RTC or VMWARE")) {
        d->b->sources_refused = true;
        return;
    }
    if (!is_ours(d, driver) && is_noselect(d)) {
        directive_note_word(d, driver,
                            "not watched: this machine has no such clock");
        return;
    }
    if (!is_driver(driver))
        directive_refuse(d, driver,
                         "PHC, RTC or VMWARE, the clocks of virtual machines");
    else if (add_line(d, driver))
        return;
    d->b->sources_refused = true;
}
