/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP connections that were abandoned, and are not to be spoken of. */
#include "net/gone.h"

void gone_add(struct gone *g, const struct gone_connection *connection)
{
    g->connection[g->next++ % GONE_MAX] = *connection;
}

static struct gone_connection *find(struct gone *g,
                                    const struct sieve_segment *s)
{
    for (unsigned i = 0; i < GONE_MAX; i++) {
        struct gone_connection *c = &g->connection[i];

        if (c->own_port == s->from_port && c->peer_port == s->to_port &&
            c->own_port != 0 && ip_equal(&c->peer, &s->to))
            return c;
    }
    return NULL;
}

bool gone_passes(struct gone *g, const uint8_t *data, size_t len)
{
    struct sieve_segment s;
    struct gone_connection *c;

    if (g->next == 0 || !sieve_segment(&s, data, len) ||
        (s.flags & (SIEVE_TCP_SYN | SIEVE_TCP_RST)) == 0)
        return true;
    c = find(g, &s);
    if (c == NULL)
        return true;
    if (s.flags & SIEVE_TCP_RST)
        return false;
    *c = (struct gone_connection){0};
    return true;
}
