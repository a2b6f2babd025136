/* SPDX-License-Identifier: BSD-2-Clause */
/* Has a moment come, by a counter that may be set back? */
#ifndef ARCH_DUE_H
#define ARCH_DUE_H

#include <stdbool.h>
#include <stdint.h>

#define DUE_NEVER UINT64_MAX

/*
 * `due` was set at most `most` ticks ahead.  If it seems to be later than that,
 * the counter was set back, and nobody waits until it is there again.
 * Level: any.
 */
static inline bool due_now(uint64_t due, uint64_t now, uint64_t most)
{
    return due != DUE_NEVER && (now >= due || due - now > most);
}

#endif
