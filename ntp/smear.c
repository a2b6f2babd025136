/* SPDX-License-Identifier: BSD-2-Clause */
/* A leap second smeared: served time goes on, and comes to UTC by and by. */
#include "ntp/smear.h"

#include "ntp/real.h"

/* A chord is that near to the curve, s. */
#define CHORD_ERROR 5e-8

/* Not more often than that, and not less, s. */
#define CHORD_LEAST 0.25
#define CHORD_MOST  16.0

/* For so long the frequency changes, and for so long it stays. */
struct phases {
    double peak; /* s/s */
    double change;
    double stay;
};

void smear_begin(struct smear *s, ntp_date start, double size)
{
    s->start = start;
    s->size = size;
}

static struct phases phases_of(const struct smear *s)
{
    double size = real_abs(s->size);
    struct phases p = {.peak = s->frequency};

    if (size == 0 || !(s->frequency > 0))
        return (struct phases){0};
    if (s->wander > 0) {
        p.peak = real_min(s->frequency, real_sqrt(size * s->wander));
        p.change = p.peak / s->wander;
    }
    /* Both changes together cover what `peak` would in one of them. */
    p.stay = real_max(size / p.peak - p.change, 0);
    return p;
}

double smear_seconds(const struct smear *s)
{
    struct phases p = phases_of(s);

    return 2 * p.change + p.stay;
}

/* What is covered of a size above 0. */
static double covered(const struct smear *s, double age)
{
    struct phases p = phases_of(s);
    double left = 2 * p.change + p.stay - age;

    if (left <= 0)
        return real_abs(s->size);
    if (age <= 0)
        return 0;
    if (age < p.change)
        return s->wander * age * age / 2;
    if (left < p.change)
        return real_abs(s->size) - s->wander * left * left / 2;
    return p.peak * (age - p.change / 2);
}

double smear_offset(const struct smear *s, double age)
{
    double left = real_abs(s->size) - covered(s, age);

    return s->size < 0 ? -left : left;
}

double smear_chord(const struct smear *s)
{
    double chord = CHORD_MOST;

    /* Half-way, a parabola is wander * chord^2 / 8 from its chord. */
    if (s->wander > 0)
        chord = real_sqrt(8 * CHORD_ERROR / s->wander);
    return real_max(CHORD_LEAST, real_min(chord, CHORD_MOST));
}
