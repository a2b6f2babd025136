/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the configuration is gathered, and what each module gets of it. */
#ifndef BOOT_SETTINGS_H
#define BOOT_SETTINGS_H

#include "boot/config.h"
#include "boot/loader.h"
#include "net/lwip_port.h"
#include "net/upstream.h"

/*
 * Read all layers: the loader's modules, fw_cfg, the command line.  Errors and
 * notes go to the log.
 * Returns the settings, never NULL; const ever after.
 * Level: boot, once.
 */
const struct config *settings_read(const struct boot_info *info);

/*
 * What the network and the sources get; both lend from `config`.  `source` has
 * room for CONFIG_SOURCES_MAX; returns how many were written.
 * Level: boot.
 */
void settings_network(struct net_config *net, const struct config *config);
unsigned settings_sources(struct upstream_source *source,
                          const struct config *config);

#endif
