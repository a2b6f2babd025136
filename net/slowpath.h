/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: NTP requests that the fast path left to lwIP. */
#ifndef NET_SLOWPATH_H
#define NET_SLOWPATH_H

#include <stdbool.h>

struct net;

/*
 * Answer requests that come with IP options, in fragments, with extension
 * headers or with a VLAN tag: the fast path's checks and the same server.
 * Returns false when lwIP has no room for it.
 * Level: boot.
 */
bool slowpath_start(struct net *net);

#endif
