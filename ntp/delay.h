/* SPDX-License-Identifier: BSD-2-Clause */
/* Which samples are used: the options about their delay, and `filter`. */
#ifndef NTP_DELAY_H
#define NTP_DELAY_H

#include "ntp/client.h"

/*
 * Is the round trip short enough for `maxdelay`, `maxdelayratio`,
 * `maxdelaydevratio` and `maxdelayquant` of that source?
 */
bool delay_passes(struct source *s, const struct filter_sample *sample);

/*
 * `filter`: gather samples, each with the counter at its arrival, and give the
 * best one of so many, the one with the least delay.  Returns false as long as
 * there are to be more; then nothing is written.  In a burst, and while the
 * source is new, each is given.
 */
bool delay_gather(struct source *s, struct filter_sample *sample,
                  uint64_t *ticks);

#endif
