/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock filter: from the samples of one source to its time and rate. */
#ifndef NTP_FILTER_H
#define NTP_FILTER_H

#include "ntp/track.h"

#include <stdbool.h>
#include <stdint.h>

/* Samples kept, to estimate anew when the delay of the path is better known. */
#define FILTER_WINDOW 64

/* The least delay is remembered by blocks of samples. */
#define FILTER_BLOCK  32
#define FILTER_BLOCKS 16

/* Hypotheses: ways to wander times shapes of the delays. */
#define FILTER_WANDERS 12
#define FILTER_SHAPES  9
#define FILTER_TRACKS  (FILTER_WANDERS * FILTER_SHAPES)

/* One exchange, against the raw time scale: our counter at its calibrated
 * rate, which nothing ever adjusts. */
struct filter_sample {
    double when;   /* s on the raw time scale, the middle of T1 and T4 */
    double offset; /* s, source minus raw time scale */
    double delay;  /* s, there and back */
    double noise;  /* s, standard deviation of reading the two clocks */
};

/* The estimate for one moment; errors are standard deviations. */
struct filter_estimate {
    double offset;
    double offset_error;
    double frequency;
    double frequency_error;
    double drift;
};

/* What is known of a source beforehand; 0: nothing. */
struct filter_told {
    double delay;     /* s, the least of the path, there and back */
    double asymmetry; /* of the excess of a delay, to be added to the offset:
                         -0.5 (all of it on the way there) to 0.5 */
    uint8_t samples;  /* that the estimate is to stand on at most */
    double frequency_doubt; /* of the raw time scale: its standard deviation
                               if what was said of it is wrong */
};

struct filter {
    struct filter_told told;
    double frequency_error; /* of the raw time scale, before any sample */
    double when;            /* of the last sample */
    double delay;           /* the least, of the path as it is now */
    double delay_error;     /* by how much it may be less still */
    double delay_unit;      /* the part of that which is not for being new */
    double blur_most;       /* no error without delay is larger */
    double run_delay;       /* `delay` when the window was last run through */
    double excess;          /* median of the delay above the least */
    double block[FILTER_BLOCKS];
    uint8_t blocks;
    uint8_t in_block; /* samples in the newest block */
    uint8_t strays;   /* samples in a row that no hypothesis explains */
    uint8_t count;    /* samples in the window, the newest last */
    uint32_t total;   /* since the start */
    struct filter_sample sample[FILTER_WINDOW];
    struct track track[FILTER_TRACKS];
    struct track mean; /* of all tracks, at `when` */
};

/*
 * Forget everything.  The frequency of the source against the raw time scale
 * is 0 with a standard deviation of `frequency_error`.
 */
void filter_init(struct filter *f, double frequency_error);

/* To be called before the first sample. */
void filter_tell(struct filter *f, const struct filter_told *told);

/*
 * Take a sample, newer than those before.  Returns false when it fits nothing
 * known so far; after some such in a row that agree with each other, the
 * filter starts anew from them.
 */
bool filter_add(struct filter *f, const struct filter_sample *sample);

/* Estimate for raw time `when`, which is not before the last sample. */
void filter_at(const struct filter *f, double when, struct filter_estimate *e);

/* Standard deviation of the estimate `seconds` after the last sample. */
double filter_error_after(const struct filter *f, double seconds);

/* Standard deviation of a plain single measurement. */
double filter_noise(const struct filter *f);

/* The source, or the raw time scale, was set: add `seconds` to all offsets. */
void filter_shift(struct filter *f, double seconds);

#endif
