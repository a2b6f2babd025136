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
 * After a disruption, what was sent to us meanwhile comes first.  Was a reply
 * longer on its way than any before by so much that it had to wait for that,
 * and is it worth asking again?  Not for ever: the path may be another one.
 */
bool delay_waited(const struct client *c, struct source *s, double delay);

/*
 * `filter`: gather samples, each with the counter at its arrival, and give the
 * best one of so many, the one with the least delay.  Returns false as long as
 * there are to be more; then nothing is written.  In a burst, and while the
 * source is new, each is given.
 */
bool delay_gather(struct source *s, struct filter_sample *sample,
                  uint64_t *ticks);

#endif
