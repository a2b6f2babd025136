/* SPDX-License-Identifier: BSD-2-Clause */
/* The state region: found at boot, saved to from the background. */
#include "boot/state.h"

#include "arch/cpu.h"
#include "arch/due.h"
#include "arch/entropy.h"
#include "arch/log.h"
#include "arch/mem.h"
#include "arch/panic.h"
#include "drivers/pci.h"

#include <string.h>

/* A local disk takes a millisecond; one over a network may take its time, but
 * a machine that waits for it longer does not serve. */
#define BOOT_LIMIT_S 1

/* After that the disk is given up.  Hosts that move a machine, or whose
 * storage fails over, keep it waiting for tens of seconds. */
#define STEP_LIMIT_S 120

/* Last words must not keep the machine from coming back. */
#define WORDS_LIMIT_S 1

/* Between two saves, so that many changes are one; after one that failed. */
#define PAUSE_S 2
#define RETRY_S 60

#define POLL_MS 2

static uint64_t whole_pages(size_t len)
{
    return (len + BLK_UNIT - 1) & ~(BLK_UNIT - 1ull);
}

/*
 * An operation on the region: the one place that knows where it is.  `offset`
 * and `len` are inside of STATE_REGION_BYTES.
 */
static struct blk_request on_region(const struct state *s, enum blk_op op,
                                    uint64_t offset, size_t len)
{
    return (struct blk_request){
        .op = op, .offset = s->region.offset + offset, .len = len};
}

/* At boot. */

static bool read_part(struct state *s, uint64_t offset, size_t len,
                      uint64_t deadline)
{
    struct blk_request request = on_region(s, BLK_READ, offset, len);

    request.to = s->image;
    return state_do(&s->region.disk, &request, deadline);
}

/* From here on the region is known by its header. */
static bool write_header(struct state *s, uint64_t deadline)
{
    struct blk_request write = on_region(s, BLK_WRITE, 0, STATE_PAGE_BYTES);
    const struct blk_request flush = {.op = BLK_FLUSH};

    state_header_write(s->image);
    write.from = s->image;
    return state_do(&s->region.disk, &write, deadline) &&
           state_do(&s->region.disk, &flush, deadline);
}

/* Each line of last words is one of the console's. */
static void say_words(const char *text)
{
    const char *what = "last panic: ";

    while (*text) {
        size_t len = strcspn(text, "\n");

        log_line("state: %s%.*s", what, (int)len, text);
        text += len + (text[len] == '\n');
        what = "  ";
    }
}

static void read_words(struct state *s, uint64_t deadline)
{
    if (!read_part(s, STATE_WORDS_AT, STATE_PAGE_BYTES, deadline))
        return;
    switch (state_words_read(s->image, s->loaded.panic)) {
    case STATE_OK:
        say_words(s->loaded.panic);
        s->words = s->usable;
        break;
    case STATE_DAMAGED:
        log_line("state: the run before ended in a panic; its last words are "
                 "damaged");
        s->words = s->usable;
        break;
    case STATE_EMPTY:
    case STATE_UNKNOWN:
        break;
    }
}

/*
 * Take a slot, if it is newer than what is there; returns how it was found. One
 * that the disk does not read might be the newest: nothing may be written then.
 */
static enum state_verdict read_slot(struct state *s, unsigned slot,
                                    uint64_t deadline)
{
    uint64_t generation;
    size_t len = STATE_PAGE_BYTES;
    bool ok = read_part(s, STATE_SLOT_AT(slot), len, deadline);

    if (ok && state_image_bytes(s->image) > len) {
        len = state_image_bytes(s->image);
        ok = read_part(s, STATE_SLOT_AT(slot), whole_pages(len), deadline);
    }
    if (!ok) {
        s->usable = false;
        return STATE_DAMAGED;
    }
    enum state_verdict verdict =
        state_image_read(s->image, len, NULL, &generation);
    if (verdict == STATE_UNKNOWN)
        s->usable = false;
    if (verdict == STATE_OK && generation > s->generation) {
        state_image_read(s->image, len, &s->loaded, &generation);
        s->generation = generation;
        s->slot = slot;
        /* Worth nothing, and different on every machine. */
        entropy_mix(s->image, STATE_PAGE_BYTES);
    }
    return verdict;
}

static void say_slots(const enum state_verdict verdict[2],
                      const struct state *s)
{
    for (unsigned slot = 0; slot < 2; slot++) {
        if (verdict[slot] == STATE_DAMAGED)
            log_line("state: slot %u is damaged, torn or rotten%s", slot,
                     s->generation ? "; the other one is used" : "");
        else if (verdict[slot] == STATE_UNKNOWN)
            log_line("state: slot %u is of a later version: nothing will be "
                     "saved",
                     slot);
    }
}

static void say_loaded(const struct state *s)
{
    const struct state_data *d = &s->loaded;
    const struct blk *disk = &s->region.disk;

    if (s->generation == 0) {
        log_line("state: %s at %02x:%02x.%x, nothing was saved yet",
                 disk->driver->name, disk->pci->bus, disk->pci->slot,
                 disk->pci->function);
        return;
    }
    log_line("state: %s at %02x:%02x.%x, save %llu: last known time %llu s "
             "since 1970, %u cookie key%s, %s certificate, cookies of %u "
             "server%s",
             disk->driver->name, disk->pci->bus, disk->pci->slot,
             disk->pci->function, (unsigned long long)s->generation,
             (unsigned long long)d->unix_seconds, d->nts.count,
             d->nts.count == 1 ? "" : "s", d->own.cert_len > 0 ? "a" : "no",
             d->upstreams, d->upstreams == 1 ? "" : "s");
}

/* Its slots have said whose region it is. */
static void mend_header(struct state *s, uint64_t deadline)
{
    bool mended = s->usable && write_header(s, deadline);

    log_line("state: the header is damaged, torn or rotten; %s",
             mended ? "it is written anew" : "it stays as it is");
}

static void load(struct state *s, uint64_t deadline)
{
    enum state_verdict verdict[2];

    s->usable = !s->region.disk.read_only;
    for (unsigned slot = 0; slot < 2; slot++)
        verdict[slot] = read_slot(s, slot, deadline);
    say_slots(verdict, s);
    say_loaded(s);
    read_words(s, deadline);
    if (s->region.rotten)
        mend_header(s, deadline);
    s->usable &= !s->region.disk.failed;
}

/* The part of a panic's report that is not the log. */
static size_t words_of(const char *text, size_t len)
{
    const char *log = strstr(text, "last log lines:");

    return log && (size_t)(log - text) < len ? (size_t)(log - text) : len;
}

static void keep_words(void *arg, const char *text, size_t len)
{
    struct state *s = arg;

    if (!s->usable)
        return;
    state_words_write(s->page, text, words_of(text, len));
    blk_last_words(&s->region.disk, s->region.offset + STATE_WORDS_AT, s->page,
                   counter_read() + WORDS_LIMIT_S * s->ticks_per_s);
}

static void forget(const char *why)
{
    log_line("state: %s: keys, cookies and the last known time and rate are "
             "forgotten at power-off",
             why);
}

void state_init(struct state *s, const struct state_setup *setup)
{
    uint64_t deadline = counter_read() + BOOT_LIMIT_S * setup->ticks_per_s;

    memset(s, 0, sizeof(*s));
    s->ticks_per_s = setup->ticks_per_s;
    if (!setup->wanted) {
        forget("off");
        return;
    }
    s->image = mem_alloc(STATE_SLOT_BYTES, 64);
    if (!state_find(&s->region, setup, s->image, deadline)) {
        forget(setup->name[0] ? "no disk or partition of that name for it"
                              : "no disk for it");
        return;
    }
    if (s->region.blank) {
        if (write_header(s, deadline)) {
            s->usable = true;
            log_line("state: the blank %s at %02x:%02x.%x is made the state "
                     "disk",
                     s->region.offset ? "partition" : "disk",
                     s->region.disk.pci->bus, s->region.disk.pci->slot,
                     s->region.disk.pci->function);
        }
    } else {
        load(s, deadline);
    }
    if (s->region.disk.failed)
        forget(s->region.disk.failed);
    else if (!s->usable)
        forget("may not be written to");
    else
        panic_set_keeper(keep_words, s);
}

const struct state_data *state_loaded(const struct state *s)
{
    return &s->loaded;
}

void state_drop_upstreams(struct state *s)
{
    aes_wipe(&s->loaded.upstream, sizeof(s->loaded.upstream));
    s->loaded.upstreams = 0;
}

bool state_usable(const struct state *s)
{
    return s->usable;
}

/* In the background. */

void state_save(struct state *s, const struct state_data *data)
{
    /* Whoever wanted these has them, and wipes them when they are retired. */
    aes_wipe(&s->loaded.nts, sizeof(s->loaded.nts));
    state_drop_upstreams(s);
    if (!s->usable)
        return;
    s->image_len = state_image_write(s->image, data);
    memset(s->image + s->image_len, 0, STATE_SLOT_BYTES - s->image_len);
    if (s->wanted == 0)
        s->wanted = 1;
}

void state_save_twice(struct state *s, const struct state_data *data)
{
    state_save(s, data);
    if (!s->usable)
        return;
    s->wanted = 2;
    s->whole = true;
}

static void complain(struct state *s, const char *what)
{
    s->failures++;
    if (!s->complained)
        log_line("state: WARNING: %s", what);
    s->complained = true;
}

/* The disk is lost: what is kept now is what will be found. */
static void give_up(struct state *s, const char *reason)
{
    blk_fail(&s->region.disk, reason);
    s->usable = false;
    s->wanted = 0;
    s->step = STATE_RESTING;
    s->complained = false;
    complain(s, s->region.disk.failed);
    forget("the disk is given up");
}

static void begin(struct state *s, enum state_step step,
                  const struct blk_request *request, uint64_t now)
{
    if (!blk_start(&s->region.disk, request)) {
        give_up(s, "refuses an operation");
        return;
    }
    s->step = step;
    s->deadline_ticks = now + STEP_LIMIT_S * s->ticks_per_s;
    s->look_ticks = now;
}

static void flush(struct state *s, enum state_step step, uint64_t now)
{
    const struct blk_request request = {.op = BLK_FLUSH};

    begin(s, step, &request, now);
}

/* Into the slot that is not the newest, so that one is always whole. */
static void write_slot(struct state *s, uint64_t now)
{
    unsigned slot = s->generation ? 1 - s->slot : 0;
    size_t len = s->whole ? STATE_SLOT_BYTES : whole_pages(s->image_len);
    struct blk_request request =
        on_region(s, BLK_WRITE, STATE_SLOT_AT(slot), len);

    state_image_seal(s->image, s->image_len, s->generation + 1);
    request.from = s->image;
    s->wanted--;
    begin(s, STATE_WRITING, &request, now);
}

static void clear_words(struct state *s, uint64_t now)
{
    struct blk_request request =
        on_region(s, BLK_WRITE, STATE_WORDS_AT, STATE_PAGE_BYTES);

    memset(s->page, 0, sizeof(s->page));
    request.from = s->page;
    s->words = false;
    begin(s, STATE_CLEARING, &request, now);
}

/* What follows a step that is done. */
static void advance(struct state *s, uint64_t now)
{
    switch (s->step) {
    case STATE_WRITING:
        flush(s, STATE_FLUSHING, now);
        return;
    case STATE_CLEARING:
        flush(s, STATE_SETTLING, now);
        return;
    case STATE_FLUSHING:
        s->slot = s->generation ? 1 - s->slot : 0;
        s->generation++;
        s->saves++;
        s->complained = false;
        s->whole &= s->wanted > 0;
        s->next_ticks = now + PAUSE_S * s->ticks_per_s;
        break;
    case STATE_SETTLING:
    case STATE_RESTING:
        break;
    }
    s->step = STATE_RESTING;
}

/* The slot was not written, or not for certain: so it does not count. */
static void retry(struct state *s, uint64_t now)
{
    complain(s, "the disk refused to keep it; tried again every minute");
    if (s->step == STATE_WRITING || s->step == STATE_FLUSHING)
        s->wanted++;
    else
        s->words = true;
    s->step = STATE_RESTING;
    s->next_ticks = now + RETRY_S * s->ticks_per_s;
}

void state_poll(struct state *s, uint64_t now)
{
    if (!s->usable)
        return;
    if (s->step == STATE_RESTING) {
        if (!due_now(s->next_ticks, now, RETRY_S * s->ticks_per_s))
            return;
        if (s->words)
            clear_words(s, now);
        else if (s->wanted)
            write_slot(s, now);
        return;
    }
    switch (blk_poll(&s->region.disk)) {
    case BLK_DONE:
        advance(s, now);
        break;
    case BLK_REFUSED:
        retry(s, now);
        break;
    case BLK_IDLE:
        give_up(s, "lost an operation");
        break;
    case BLK_BUSY:
        if (now >= s->deadline_ticks) {
            blk_abandon(&s->region.disk);
            give_up(s, "");
        }
        s->look_ticks = now + POLL_MS * s->ticks_per_s / 1000;
        break;
    }
}

uint64_t state_next(const struct state *s)
{
    if (!s->usable)
        return UINT64_MAX;
    if (s->step != STATE_RESTING)
        return s->look_ticks;
    return s->wanted || s->words ? s->next_ticks : UINT64_MAX;
}
