/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings from chrony.conf's language, checked once, then const. */
#ifndef BOOT_CONFIG_H
#define BOOT_CONFIG_H

#include "ntp/access.h"
#include "ntp/client.h"
#include "ntp/limit.h"
#include "ntp/mac.h"

/* Everything has a bound: an input past it is an error that names it. */
#define CONFIG_SOURCES_MAX 32
#define CONFIG_NAME_MAX    253 /* of a host, RFC 1035, 2.3.4 */
#define CONFIG_ADDRS_MAX   8
#define CONFIG_ERRORS_MAX  64 /* shown; more are counted */
#define CONFIG_NOTES_MAX   128
#define CONFIG_INCLUDE_MAX 8 /* depth */
#define CONFIG_FILE_MAX    (256 * 1024)
#define CONFIG_LINES_MAX   4096

enum config_family { FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6 };

/* One `server`, `pool` or `peer` line. */
struct config_source {
    char name[CONFIG_NAME_MAX + 1];
    uint16_t port;
    enum config_family family;
    bool pool;
    uint8_t max_sources; /* of a pool, 1 to 16 */
    uint32_t key_id;     /* 0: none */
    struct source_config ntp;
};

struct config_addr {
    struct ip_addr6 addr;
    uint8_t bits; /* as in struct access_rule */
};

struct config {
    /* network */
    struct config_addr address[CONFIG_ADDRS_MAX];
    unsigned address_count;
    struct ip_addr6 gateway[2]; /* one a family */
    unsigned gateway_count;
    struct ip_addr6 nameserver[4];
    unsigned nameserver_count;
    char hostname[64];

    /* sources */
    struct config_source source[CONFIG_SOURCES_MAX];
    unsigned source_count;
    bool dhcp_sources; /* servers from DHCP option 42 are used */
    struct client_config client;
    struct ntp_keys keys;

    /* service */
    uint16_t port; /* 0: client only */
    struct access access;
    struct limit_config ratelimit;
    bool client_log; /* keep the client table */
    uint32_t client_log_bytes;
    uint8_t dscp;
    uint32_t logstats_s; /* 0: never */

    bool refused; /* it had an error: only the network part is used */
};

#endif
