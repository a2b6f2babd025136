/* SPDX-License-Identifier: BSD-2-Clause */
/* One hypothesis about a source against our counter: a Kalman filter. */
#ifndef NTP_TRACK_H
#define NTP_TRACK_H

#include <stdbool.h>

/*
 * Offset in seconds, frequency in s/s, drift in s/s^2, with their covariance.
 * docs/DISCIPLINE.md has the mathematics.
 */
struct track {
    double offset, frequency, drift;
    double p00, p01, p02, p11, p12, p22;
    double weight; /* probability of this hypothesis among the others */
};

/* How an oscillator wanders: variance of the step of frequency and of drift in
 * each second. */
struct track_wander {
    double frequency; /* 1/s */
    double drift;     /* 1/s^3; 0: the drift stays what it is */
};

/* What a measurement says: the likelihood of each offset. */
struct track_likelihood {
    double offset; /* its middle */
    double half;   /* uniform within that much of it; 0: normal */
    double sigma;  /* standard deviation of the (further) normal error */
};

/* Start at an offset and a frequency known with these standard deviations. */
void track_start(struct track *t, double offset, double offset_sigma,
                 double frequency, double frequency_sigma, double drift_sigma);

/* Let `seconds` pass. */
void track_predict(struct track *t, const struct track_wander *wander,
                   double seconds);

/*
 * Learn from a measurement.  With a probability of TRACK_STRAY it says nothing;
 * then it lies anywhere within `reach` or so.
 * Multiplies the weight by the density that was foretold for the measurement,
 * and returns the probability that it was not a stray.
 */
#define TRACK_STRAY 0.003
double track_update(struct track *t, const struct track_likelihood *l,
                    double reach);

/* Variance of the offset `seconds` later. */
double track_variance(const struct track *t, const struct track_wander *wander,
                      double seconds);

/*
 * Mean and covariance of a mixture into `mean` (its weight is the sum); tracks
 * with a weight of 0 are left out.
 */
void track_mix(struct track *mean, const struct track *tracks, unsigned n);

/*
 * Let `t` be, with probability `chance`, no better than the mixture `mean`:
 * hypotheses that are wrong now follow those that are right, and are ready when
 * they become true.  Drift is left alone if `steady`.
 */
void track_blend(struct track *t, const struct track *mean, double chance,
                 bool steady);

#endif
