/* SPDX-License-Identifier: BSD-2-Clause */
/* How much of the processor interrupt level may have: a bucket of ticks. */
#ifndef ARCH_BUDGET_H
#define ARCH_BUDGET_H

#include <stdint.h>

/*
 * A bucket of 2 ms filled at 80 %: in any 20 ms it lets 2 ms + 16 ms pass,
 * which is 90 %.
 */
struct budget {
    int64_t size_ticks; /* 0: not known yet, and no limit */
    int64_t left_ticks; /* below zero when the last one took too long */
    uint64_t at_ticks;  /* the counter up to which it is filled */
};

/* Full, as of `now_ticks`.  Level: boot. */
void budget_start(struct budget *b, uint64_t ticks_per_second,
                  uint64_t now_ticks);

/* An interrupt begins: let in what has passed since the last one. */
void budget_fill(struct budget *b, uint64_t now_ticks);

/* It has ended, and took so long. */
void budget_spend(struct budget *b, uint64_t spent_ticks);

/* What is left to one that has run for so long; INT64_MAX without limit. */
int64_t budget_left(const struct budget *b, uint64_t running_ticks);

#endif
