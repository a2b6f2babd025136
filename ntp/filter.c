/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock filter: from the samples of one source to its time and rate. */
#include "ntp/filter.h"

#include "ntp/real.h"

#include <string.h>

/*
 * The ways an oscillator may wander: random walk of the frequency, from very
 * steady to hardly an oscillator, then those whose drift wanders too
 * (temperature, load); and how probable each is before any sample.
 */
static const struct wander {
    struct track_wander is;
    double prior;
} wanders[FILTER_WANDERS] = {
    {{1e-20, 0}, 0.14},     {{1e-19, 0}, 0.18},     {{1e-18, 0}, 0.22},
    {{1e-17, 0}, 0.16},     {{1e-16, 0}, 0.10},     {{1e-15, 0}, 0.03},
    {{1e-14, 0}, 0.01},     {{1e-19, 1e-25}, 0.06}, {{1e-19, 1e-24}, 0.04},
    {{1e-19, 1e-23}, 0.03}, {{1e-19, 1e-22}, 0.02}, {{1e-18, 1e-21}, 0.01},
};

/*
 * What the part of a delay above the least says of the error of the offset,
 * which it bounds: uniform within the bound (both directions alike), normal
 * within it (many small delays), or near one end (one direction only).  The
 * uniform one also with a larger error that is not seen in the delay.
 */
enum shape_kind { UNIFORM, NORMAL, LATE, EARLY };

static const struct shape {
    enum shape_kind kind;
    double scale; /* of the further error, in those of the least delay */
    double prior; /* probability before any sample */
} shapes[FILTER_SHAPES] = {
    {UNIFORM, 1, 0.5},    {UNIFORM, 8, 0.2}, {UNIFORM, 64, 0.05},
    {UNIFORM, 512, 0.01}, {NORMAL, 1, 0.14}, {LATE, 3, 0.025},
    {LATE, 12, 0.025},    {EARLY, 3, 0.025}, {EARLY, 12, 0.025},
};

/* A normal error within the bound: its standard deviation, of the bound. */
#define NORMAL_PART 0.3

/* Between two samples, another hypothesis becomes true. */
#define CHANGE 0.005

/* Hypotheses that wander that much begin with a frequency error DOUBT times as
 * large, and so does a filter that has to start anew; up to 10 %. */
#define WILD           1e-16
#define DOUBT          10
#define FREQUENCY_MOST 0.1

/* Drift of an oscillator that is not known yet, s/s^2. */
#define DRIFT_SIGMA 1e-9

/* A rate that was told with little doubt is taken for wrong by those that
 * wander that much. */
#define WILDEST 1e-14

/* The least of n delays is above that of the path by this part of the median
 * excess over the root of n, or less. */
#define LEAST_ERROR 0.4

/* With fewer samples than YOUNG that is doubted more. */
#define YOUNG       16
#define YOUNG_DOUBT 3.0

/* The window is run through for each of the first samples, and later when the
 * least delay turns out less by this part of its error. */
#define ALWAYS_RUN 8
#define RUN_AGAIN  0.5

/* Less than this was explained: a stray. */
#define EXPLAINED 0.1

/* Strays in a row that start the filter anew, if they agree; if they do not. */
#define STRAYS_AGREE 4
#define STRAYS_MOST  12

/* Two strays agree if no worse a rate than that explains both. */
#define STRAY_WIDTHS 20

#define LEAST_NOISE 1e-9 /* s; nothing is read better than that */

void filter_init(struct filter *f, double frequency_error)
{
    memset(f, 0, sizeof(*f));
    f->frequency_error = frequency_error;
}

void filter_tell(struct filter *f, const struct filter_told *told)
{
    f->told = *told;
}

/* What a sample says under a shape. */
static struct track_likelihood likelihood(const struct filter *f,
                                          const struct filter_sample *s,
                                          const struct shape *shape)
{
    double bound = real_max(0.5 * (s->delay - f->delay), 0);
    double lean = 2 * f->told.asymmetry;
    double half = bound * (1 - real_abs(lean));
    double blur = real_min(shape->scale * f->delay_unit, f->blur_most);
    double young = f->delay_error - f->delay_unit;
    double variance = young * young + s->noise * s->noise;
    struct track_likelihood l = {.offset = s->offset + lean * bound};

    switch (shape->kind) {
    case UNIFORM:
        l.half = half;
        variance += blur * blur;
        break;
    case NORMAL:
        variance += blur * blur;
        variance += NORMAL_PART * NORMAL_PART * half * half;
        break;
    case LATE:
    case EARLY:
        if (half < blur) {
            variance += half * half / 3;
        } else {
            double shift = half - blur;
            l.offset += shape->kind == LATE ? -shift : shift;
            variance += blur * blur;
        }
        break;
    }
    l.sigma = real_sqrt(variance);
    return l;
}

static const struct track_wander *wander_of(unsigned track)
{
    return &wanders[track % FILTER_WANDERS].is;
}

static const struct shape *shape_of(unsigned track)
{
    return &shapes[track / FILTER_WANDERS];
}

static double prior_of(unsigned track)
{
    return shape_of(track)->prior * wanders[track % FILTER_WANDERS].prior;
}

/* Scale the weights to a sum of 1 and give each hypothesis a chance to become
 * true. */
static void exchange(struct filter *f)
{
    track_mix(&f->mean, f->track, FILTER_TRACKS);
    for (unsigned i = 0; i < FILTER_TRACKS; i++) {
        struct track *t = &f->track[i];
        double stays = (1 - CHANGE) * t->weight / f->mean.weight;
        double comes = CHANGE * prior_of(i);

        t->weight = stays + comes;
        track_blend(t, &f->mean, comes / t->weight, wander_of(i)->drift == 0);
    }
    track_mix(&f->mean, f->track, FILTER_TRACKS);
}

/* The wilder hypotheses also doubt what was said of our rate. */
static double first_frequency(const struct filter *f, unsigned track)
{
    double wander = wander_of(track)->frequency;
    double error = f->frequency_error * (wander >= WILD ? DOUBT : 1);

    if (wander >= WILDEST)
        error = real_max(error, f->told.frequency_doubt);
    return real_min(error, FREQUENCY_MOST);
}

static void start(struct filter *f, const struct filter_sample *s)
{
    for (unsigned i = 0; i < FILTER_TRACKS; i++) {
        struct track_likelihood l = likelihood(f, s, shape_of(i));
        double sigma = real_sqrt(l.sigma * l.sigma + l.half * l.half / 3);

        track_start(&f->track[i], l.offset, sigma, 0, first_frequency(f, i),
                    wander_of(i)->drift > 0 ? DRIFT_SIGMA : 0);
    }
    f->when = s->when;
    track_mix(&f->mean, f->track, FILTER_TRACKS);
}

/* Returns how well the sample was explained, 0 to 1. */
static double step(struct filter *f, const struct filter_sample *s)
{
    double seconds = s->when - f->when;
    double half = real_max(0.5 * (s->delay - f->delay), 0);
    double reach = 2 * half + 20 * (f->delay_error + s->noise);
    double explained = 0;
    double total = 0;

    for (unsigned i = 0; i < FILTER_TRACKS; i++) {
        struct track_likelihood l = likelihood(f, s, shape_of(i));
        struct track *t = &f->track[i];

        track_predict(t, wander_of(i), seconds);
        double share = track_update(t, &l, reach);
        explained += share * t->weight;
        total += t->weight;
    }
    f->when = s->when;
    exchange(f);
    return explained / total;
}

static double run(struct filter *f)
{
    double explained = 1;

    /* What was learned about the hypotheses is half forgotten. */
    for (unsigned i = 0; i < FILTER_TRACKS; i++)
        f->track[i].weight = 0.5 * (f->track[i].weight + prior_of(i));
    start(f, &f->sample[0]);
    for (unsigned i = 1; i < f->count; i++)
        explained = step(f, &f->sample[i]);
    f->run_delay = f->delay;
    return explained;
}

/* Samples that are kept. */
static unsigned window(const struct filter *f)
{
    bool limited = f->told.samples > 0 && f->told.samples < FILTER_WINDOW;

    return limited ? f->told.samples : FILTER_WINDOW;
}

static void remember(struct filter *f, const struct filter_sample *s)
{
    if (f->count == window(f)) {
        f->count--;
        memmove(f->sample, f->sample + 1, f->count * sizeof(*f->sample));
    }
    f->sample[f->count++] = *s;
    f->total++;

    if (f->blocks == 0 || f->in_block == FILTER_BLOCK) {
        if (f->blocks == FILTER_BLOCKS) {
            f->blocks--;
            memmove(f->block, f->block + 1, f->blocks * sizeof(*f->block));
        }
        f->block[f->blocks++] = s->delay;
        f->in_block = 0;
    }
    double *newest = &f->block[f->blocks - 1];
    *newest = real_min(*newest, s->delay);
    f->in_block++;
}

/*
 * The path has become longer when even the least delay of the newest blocks is
 * clearly above that of each before: by more than those differ among
 * themselves.
 */
static void notice_longer_path(struct filter *f)
{
    if (f->blocks < 4 || f->in_block < FILTER_BLOCK)
        return;

    double least = f->block[0];
    double most = f->block[0];
    for (unsigned i = 1; i + 1 < f->blocks; i++) {
        least = real_min(least, f->block[i]);
        most = real_max(most, f->block[i]);
    }
    double newest = f->block[f->blocks - 1];
    if (newest <= most + 4 * (most - least) + 4 * f->delay_error)
        return;
    f->block[0] = newest;
    f->blocks = 1;
}

static void measure_delay(struct filter *f)
{
    double excess[FILTER_WINDOW];
    unsigned n = f->in_block + (f->blocks - 1u) * FILTER_BLOCK;

    f->delay = f->block[0];
    for (unsigned i = 1; i < f->blocks; i++)
        f->delay = real_min(f->delay, f->block[i]);
    if (f->told.delay > 0) {
        f->delay = f->told.delay;
        n = FILTER_BLOCK * FILTER_BLOCKS;
    }
    for (unsigned i = 0; i < f->count; i++)
        excess[i] = real_max(f->sample[i].delay - f->delay, 0);
    real_sort(excess, f->count);
    f->excess = excess[f->count / 2];

    /* Of few, the median is not known well, and of very few, nothing is. */
    f->delay_unit = LEAST_NOISE + LEAST_ERROR * f->excess / real_sqrt(n) *
                                      (1 + YOUNG_DOUBT / n);
    f->delay_error = f->delay_unit;
    f->blur_most = 1;
    if (n < YOUNG) {
        f->delay_error += f->delay * real_exp2i(-(int)n - 1);
        f->blur_most = f->delay / 8;
    }
}

static bool agree(const struct filter *f, const struct filter_sample *a,
                  const struct filter_sample *b)
{
    double within =
        0.5 * (a->delay + b->delay) + 8 * f->delay_error +
        4 * (a->noise + b->noise) +
        STRAY_WIDTHS * f->frequency_error * real_abs(a->when - b->when);

    return real_abs(a->offset - b->offset) <= within;
}

/* Start anew from the samples that nothing explained. */
static bool start_anew(struct filter *f)
{
    if (f->strays < STRAYS_AGREE || f->strays > f->count)
        return false;

    struct filter_sample *first = &f->sample[f->count - STRAYS_AGREE];
    if (f->strays < STRAYS_MOST) {
        for (unsigned i = 1; i < STRAYS_AGREE; i++) {
            if (!agree(f, first, first + i))
                return false;
        }
    }

    struct filter_sample kept[STRAYS_AGREE];
    memcpy(kept, first, sizeof(kept));
    uint32_t total = f->total;
    struct filter_told told = f->told;
    double error = real_max(f->frequency_error * DOUBT, told.frequency_doubt);
    filter_init(f, real_min(error, FREQUENCY_MOST));
    f->told = told;
    for (unsigned i = 0; i < STRAYS_AGREE; i++)
        filter_add(f, &kept[i]);
    f->total = total;
    return true;
}

/* The window is run through, or else its newest sample is only added. */
static bool must_run(const struct filter *f)
{
    /* What has left the window is in the tracks still. */
    bool stale = window(f) < FILTER_WINDOW && f->total > window(f);

    return stale || f->total <= ALWAYS_RUN ||
           f->run_delay - f->delay > RUN_AGAIN * f->delay_error;
}

bool filter_add(struct filter *f, const struct filter_sample *sample)
{
    remember(f, sample);
    notice_longer_path(f);
    measure_delay(f);

    double explained = must_run(f) ? run(f) : step(f, sample);
    if (explained >= EXPLAINED) {
        f->strays = 0;
        return true;
    }
    f->strays++;
    return start_anew(f);
}

void filter_at(const struct filter *f, double when, struct filter_estimate *e)
{
    const struct track *m = &f->mean;
    double s = when - f->when;

    e->offset = m->offset + s * m->frequency + s * s / 2 * m->drift;
    e->offset_error = filter_error_after(f, s);
    e->frequency = m->frequency + s * m->drift;
    e->drift = m->drift;
    e->frequency_error = real_sqrt(m->p11 + 2 * s * m->p12 + s * s * m->p22);
}

double filter_error_after(const struct filter *f, double seconds)
{
    double wander = 0;
    struct track none = {0};

    for (unsigned i = 0; i < FILTER_TRACKS; i++)
        wander +=
            f->track[i].weight * track_variance(&none, wander_of(i), seconds);

    static const struct track_wander still;
    return real_sqrt(track_variance(&f->mean, &still, seconds) + wander);
}

double filter_noise(const struct filter *f)
{
    return LEAST_NOISE + 0.42 * f->excess + f->delay_error;
}

void filter_shift(struct filter *f, double seconds)
{
    for (unsigned i = 0; i < f->count; i++)
        f->sample[i].offset += seconds;
    for (unsigned i = 0; i < FILTER_TRACKS; i++)
        f->track[i].offset += seconds;
    f->mean.offset += seconds;
}
