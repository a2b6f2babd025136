/* SPDX-License-Identifier: BSD-2-Clause */
/* What the client does with its sources' estimates: set, step, slew. */
#include "ntp/follow.h"

#include "ntp/client_parts.h"
#include "ntp/real.h"
#include "ntp/served.h"

#define NANO 1e-9

/* The raw scale follows a set or step that is larger than that, s: then all
 * that is measured against it stays small. */
#define MOVE_RAW 1.0

/* The raw scale and all that is measured against it move together. */
static void move_raw(struct client *c, double seconds)
{
    discipline_move_raw(&c->discipline, ntp_span_from_seconds(seconds));
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        filter_shift(&c->source[slot].filter, -seconds);
        c->source[slot].best.offset -= seconds;
    }
}

static void step(struct client *c, uint64_t ticks, struct selection *s)
{
    if (real_abs(s->offset) > MOVE_RAW) {
        /* Whole seconds are exact in every number they are added to. */
        double seconds = (double)(int64_t)s->offset;
        move_raw(c, seconds);
        s->offset -= seconds;
    }
    discipline_step(&c->discipline, ticks, s->offset, s->frequency);
}

static bool has_majority(const struct view *v)
{
    return 2 * v->selection.agree > v->configured;
}

static void set_first(struct client *c, uint64_t ticks, struct view *v,
                      double away)
{
    struct selection *s = &v->selection;
    bool majority = has_majority(v);

    if (!majority && c->waiting)
        return;
    if (c->lost) {
        discipline_new_epoch(&c->discipline, c->losses);
        c->lost = false;
    }
    int slot = v->candidate[s->leader].slot;
    step(c, ticks, s);
    c->set = true;
    c->set_offset = away + c->told_offset;
    c->told_offset = 0;
    c->provisional = !majority;
    c->updates = 0;
    client_note(c, majority ? CLIENT_FIRST_SET : CLIENT_PROVISIONAL_SET, slot,
                ticks, away);
}

/* A majority has come together since the provisional set. */
static void confirm(struct client *c, uint64_t ticks, struct view *v,
                    double away)
{
    struct selection *s = &v->selection;
    const struct candidate *leader = &v->candidate[s->leader];

    c->provisional = false;
    if (real_abs(away) > leader->distance) {
        step(c, ticks, s);
        c->steps++;
        client_note(c, CLIENT_STEP, leader->slot, ticks, away);
    } else {
        discipline_slew(&c->discipline, ticks, s->offset, s->frequency);
        client_note(c, CLIENT_CONFIRMED, leader->slot, ticks, away);
    }
}

/* `maxchange`: returns false when the offset is not to be followed. */
static bool change_allowed(struct client *c, uint64_t ticks, double away)
{
    const struct client_config *k = c->config;

    if (k->maxchange_ns == 0 || (int64_t)c->updates < k->maxchange_start ||
        real_abs(away) <= NANO * (double)k->maxchange_ns) {
        c->alarmed = false;
        return true;
    }
    c->refused++;
    c->alarmed =
        k->maxchange_ignore >= 0 && c->refused > (uint32_t)k->maxchange_ignore;
    client_note(c, CLIENT_STEP_REFUSED, c->leader, ticks, away);
    return false;
}

static bool step_allowed(const struct client *c, double away)
{
    const struct client_config *k = c->config;

    return k->makestep_ns > 0 &&
           real_abs(away) > NANO * (double)k->makestep_ns &&
           (k->makestep_count < 0 || c->updates < (uint32_t)k->makestep_count);
}

/* Returns false when the clock does not follow. */
static bool steer(struct client *c, uint64_t ticks, struct view *v, double away)
{
    struct selection *s = &v->selection;

    if (!change_allowed(c, ticks, away))
        return false;
    if (4 * s->frequency_error > NANO * c->config->maxupdateskew_ppb)
        s->frequency = c->discipline.frequency;
    if (step_allowed(c, away)) {
        step(c, ticks, s);
        c->steps++;
        client_note(c, CLIENT_STEP, c->leader, ticks, away);
    } else {
        discipline_slew(&c->discipline, ticks, s->offset, s->frequency);
    }
    return true;
}

/* Returns false as long as the clock is not to follow. */
static bool follow(struct client *c, uint64_t ticks, struct view *v)
{
    double away =
        v->selection.offset - discipline_offset(&c->discipline, ticks);

    if (!c->set) {
        set_first(c, ticks, v, away);
        return c->set;
    }
    if (c->provisional && has_majority(v))
        confirm(c, ticks, v, away);
    else if (!steer(c, ticks, v, away))
        return false;
    c->updates++;
    c->last_offset = away;
    c->mean_square_offset +=
        (c->updates == 1 ? 1 : 0.125) * (away * away - c->mean_square_offset);
    return true;
}

static void choose_leader(struct client *c, int leader, uint64_t ticks)
{
    if (leader == c->leader)
        return;
    if (leader >= 0)
        client_note(c, CLIENT_SELECTED, leader, ticks, 0);
    else if (c->set)
        client_note(c, CLIENT_LOST, c->leader, ticks, 0);
    c->leader = leader;
}

bool follow_waited(const struct client *c, uint64_t ticks)
{
    return client_span(c, c->replied_ticks, ticks) >= FOLLOW_MAJORITY_WAIT;
}

void follow_sources(struct client *c, uint64_t ticks)
{
    struct view v;
    const struct selection *s = &v.selection;

    c->due = false;
    if (follow_waited(c, ticks))
        c->waiting = false;
    look(c, ticks, &v);
    if (s->leader < 0) {
        choose_leader(c, -1, ticks);
        if (c->set && !c->overdue)
            served_coast(c, ticks);
        return;
    }
    if (!follow(c, ticks, &v)) {
        if (c->set) /* maxchange */
            served_publish(c, ticks);
        return;
    }
    choose_leader(c, v.candidate[s->leader].slot, ticks);
    c->combined = s->combined;
    c->local = false;
    c->residual_frequency = s->frequency - c->discipline.frequency;
    c->update_interval = client_span(c, c->update_ticks, ticks);
    c->update_ticks = ticks;
    served_describe(c, ticks, &v);
    c->status.update = true;
    served_publish(c, ticks);
    served_leap(c, &v, ticks);
    discipline_show(&c->discipline, ticks);
    c->was_near |= c->status.root_delay / 2 + c->status.root_dispersion <=
                   NANO * (double)c->config->local.activate_ns;
}
