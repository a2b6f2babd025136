/* SPDX-License-Identifier: BSD-2-Clause */
/* How much of the processor interrupt level may have: a bucket of ticks. */
#include "arch/budget.h"

/*
 * A virtual CPU that was away for long, idle or in the middle of an interrupt,
 * neither saved nor spent all that time: this many buckets are the most.
 */
#define BUCKETS_MAX 10

void budget_start(struct budget *b, uint64_t ticks_per_second,
                  uint64_t now_ticks)
{
    b->size_ticks = (int64_t)(ticks_per_second / 500);
    b->left_ticks = b->size_ticks;
    b->at_ticks = now_ticks;
}

void budget_fill(struct budget *b, uint64_t now_ticks)
{
    uint64_t most = (uint64_t)b->size_ticks * 2 * BUCKETS_MAX;
    uint64_t elapsed = now_ticks - b->at_ticks;

    b->at_ticks = now_ticks;
    if (elapsed > most)
        elapsed = most;
    b->left_ticks += (int64_t)(elapsed * 4 / 5);
    if (b->left_ticks > b->size_ticks)
        b->left_ticks = b->size_ticks;
}

void budget_spend(struct budget *b, uint64_t spent_ticks)
{
    int64_t most = BUCKETS_MAX * b->size_ticks;

    b->left_ticks -= spent_ticks < (uint64_t)most ? (int64_t)spent_ticks : most;
    if (b->left_ticks < -most)
        b->left_ticks = -most;
}

int64_t budget_left(const struct budget *b, uint64_t running_ticks)
{
    if (b->size_ticks == 0)
        return INT64_MAX;
    if (running_ticks > INT64_MAX / 2)
        return INT64_MIN / 2;
    return b->left_ticks - (int64_t)running_ticks;
}
