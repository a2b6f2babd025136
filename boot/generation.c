/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose state it is: this machine's, or that of one it was copied from. */
#include "boot/generation.h"

#include "arch/log.h"

#include <string.h>

bool generation_judge(const struct generation *g, struct state *state)
{
    const struct state_data *kept = state_loaded(state);
    unsigned servers = kept->upstreams;

    if (!g->known || !kept->has_generation_id ||
        memcmp(g->id, kept->generation_id, sizeof(g->id)) == 0)
        return false;

    state_drop_upstreams(state);
    log_line("state: this machine is a copy, or was restored: its VM "
             "generation ID is not the one that was saved; the cookies of %u "
             "server%s are dropped",
             servers, servers == 1 ? "" : "s");
    return true;
}

void generation_collect(void *arg, struct state_data *data)
{
    const struct generation *g = arg;

    data->has_generation_id = g->known;
    memcpy(data->generation_id, g->id, sizeof(data->generation_id));
}
