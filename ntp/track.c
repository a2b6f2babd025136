/* SPDX-License-Identifier: BSD-2-Clause */
/* One hypothesis about a source against our counter: a Kalman filter. */
#include "ntp/track.h"

#include "ntp/real.h"

/* A likelihood this much narrower than its normal error is a normal one. */
#define NARROW 0.5

/* Density of strays far beyond `reach`, so that no evidence is ever zero. */
#define ANYWHERE 1e-9

void track_start(struct track *t, double offset, double offset_sigma,
                 double frequency, double frequency_sigma, double drift_sigma)
{
    *t = (struct track){
        .offset = offset,
        .frequency = frequency,
        .p00 = offset_sigma * offset_sigma,
        .p11 = frequency_sigma * frequency_sigma,
        .p22 = drift_sigma * drift_sigma,
        .weight = t->weight,
    };
}

/* Variance that wander adds to the offset in `s` seconds. */
static double wandered(const struct track_wander *w, double s)
{
    return w->frequency * s * s * s / 3 + w->drift * s * s * s * s * s / 20;
}

double track_variance(const struct track *t, const struct track_wander *wander,
                      double s)
{
    double s2 = s * s;

    return t->p00 + 2 * s * t->p01 + s2 * (t->p02 + t->p11) + s2 * s * t->p12 +
           s2 * s2 / 4 * t->p22 + wandered(wander, s);
}

void track_predict(struct track *t, const struct track_wander *wander, double s)
{
    double s2 = s * s;
    double s3 = s2 * s;
    double qf = wander->frequency;
    double qd = wander->drift;
    struct track old = *t;

    t->offset += s * old.frequency + s2 / 2 * old.drift;
    t->frequency += s * old.drift;

    t->p00 = track_variance(&old, wander, s);
    t->p01 = old.p01 + s * (old.p02 + old.p11) + 1.5 * s2 * old.p12 +
             s3 / 2 * old.p22 + qf * s2 / 2 + qd * s2 * s2 / 8;
    t->p02 = old.p02 + s * old.p12 + s2 / 2 * old.p22 + qd * s3 / 6;
    t->p11 = old.p11 + 2 * s * old.p12 + s2 * old.p22 + qf * s + qd * s3 / 3;
    t->p12 = old.p12 + s * old.p22 + qd * s2 / 2;
    t->p22 = old.p22 + qd * s;
}

/*
 * What a measurement does to a normal prior of mean m: its evidence Z, and of
 * ln Z the first derivative by m and the negative of the second.  The posterior
 * mean is m + P g and its variance P - P c P, whatever the likelihood.
 */
struct evidence {
    double z, g, c;
};

static struct evidence normal_evidence(double away, double variance)
{
    double sigma = real_sqrt(variance);

    return (struct evidence){
        .z = real_normal(away / sigma) / sigma,
        .g = away / variance,
        .c = 1 / variance,
    };
}

/* Uniform within `half`, blurred by `variance`. */
static struct evidence uniform_evidence(double away, double half,
                                        double variance)
{
    double sigma = real_sqrt(variance);
    double low = (away - half) / sigma;
    double high = (away + half) / sigma;
    double inside = real_normal_between(low, high);

    if (!(inside > 0))
        return (struct evidence){0};

    double at_low = real_normal(low);
    double at_high = real_normal(high);
    double g = (at_low - at_high) / inside / sigma;
    double bend = (low * at_low - high * at_high) / inside / variance;

    return (struct evidence){inside / (2 * half), g, g * g - bend};
}

double track_update(struct track *t, const struct track_likelihood *l,
                    double reach)
{
    double away = l->offset - t->offset;
    double blur = t->p00 + l->sigma * l->sigma;
    struct evidence e =
        l->half > NARROW * l->sigma
            ? uniform_evidence(away, l->half, blur)
            : normal_evidence(away, blur + l->half * l->half / 3);

    double stray = TRACK_STRAY *
                   (normal_evidence(away, t->p00 + reach * reach).z + ANYWHERE);
    double good = (1 - TRACK_STRAY) * e.z;
    double total = good + stray;
    double share = good / total;

    /* A stray leaves the prior as it is: a mixture of the two posteriors. */
    double g = share * e.g;
    double c = g * g - share * (e.g * e.g - e.c);
    struct track old = *t;

    t->offset += old.p00 * g;
    t->frequency += old.p01 * g;
    t->drift += old.p02 * g;
    t->p00 -= old.p00 * old.p00 * c;
    t->p01 -= old.p00 * old.p01 * c;
    t->p02 -= old.p00 * old.p02 * c;
    t->p11 -= old.p01 * old.p01 * c;
    t->p12 -= old.p01 * old.p02 * c;
    t->p22 -= old.p02 * old.p02 * c;
    t->weight *= total;
    return share;
}

/* Add to `to`, `weight` times, the spread of `t` about the mean of `to`. */
static void add_spread(struct track *to, const struct track *t, double weight)
{
    double x = t->offset - to->offset;
    double f = t->frequency - to->frequency;
    double d = t->drift - to->drift;

    to->p00 += weight * (t->p00 + x * x);
    to->p01 += weight * (t->p01 + x * f);
    to->p02 += weight * (t->p02 + x * d);
    to->p11 += weight * (t->p11 + f * f);
    to->p12 += weight * (t->p12 + f * d);
    to->p22 += weight * (t->p22 + d * d);
}

void track_mix(struct track *mean, const struct track *tracks, unsigned n)
{
    struct track m = {0};

    for (unsigned i = 0; i < n; i++)
        m.weight += tracks[i].weight;
    for (unsigned i = 0; i < n; i++) {
        double share = tracks[i].weight / m.weight;
        m.offset += share * tracks[i].offset;
        m.frequency += share * tracks[i].frequency;
        m.drift += share * tracks[i].drift;
    }
    for (unsigned i = 0; i < n; i++)
        add_spread(&m, &tracks[i], tracks[i].weight / m.weight);
    *mean = m;
}

void track_blend(struct track *t, const struct track *mean, double chance,
                 bool steady)
{
    double own = 1 - chance;
    struct track m = {
        .offset = own * t->offset + chance * mean->offset,
        .frequency = own * t->frequency + chance * mean->frequency,
        .drift = own * t->drift + chance * mean->drift,
        .weight = t->weight,
    };

    add_spread(&m, t, own);
    add_spread(&m, mean, chance);
    if (steady) {
        m.drift = t->drift;
        m.p02 = t->p02;
        m.p12 = t->p12;
        m.p22 = t->p22;
    }
    *t = m;
}
