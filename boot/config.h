/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings from chrony.conf's language, checked once, then const. */
#ifndef BOOT_CONFIG_H
#define BOOT_CONFIG_H

#include "boot/config_report.h"
#include "ntp/access.h"
#include "ntp/client.h"
#include "ntp/leap_list.h"
#include "ntp/limit.h"
#include "ntp/mac.h"
#include "ntp/refclock.h"
#include "nts/keys.h"

/* Everything has a bound: an input past it is an error that names it. */
#define CONFIG_SOURCES_MAX      CLIENT_SOURCES_MAX
#define CONFIG_NAME_MAX         253 /* of a host, RFC 1035, 2.3.4 */
#define CONFIG_ADDRS_MAX        8
#define CONFIG_GATEWAYS_MAX     2 /* one a family */
#define CONFIG_NAMESERVERS_MAX  4
#define CONFIG_HOSTNAME_MAX     63
#define CONFIG_INCLUDE_MAX      8            /* depth */
#define CONFIG_FILE_MAX         (256 * 1024) /* bytes */
#define CONFIG_LINE_MAX         2047         /* bytes, as in chrony */
#define CONFIG_LINES_MAX        4096         /* of all files together */
#define CONFIG_ARCHIVES_MAX     4
#define CONFIG_COMMAND_LINE_MAX 4095
#define CONFIG_CERTS_MAX        4 /* of the server, by name */
#define CONFIG_TRUSTED_MAX      16
#define CONFIG_INITSTEPS_MAX    8
#define CONFIG_STATE_MAX        63

/* The client table: what it may take of the machine's 16 MiB, and what it
 * needs to be of any use. */
#define CONFIG_CLIENT_LOG_MAX (2 * 1024 * 1024)
#define CONFIG_CLIENT_LOG_MIN (16 * 1024)

enum config_family { FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6 };

/* One `server`, `pool` or `peer` line. */
struct config_source {
    char name[CONFIG_NAME_MAX + 1]; /* or an address, as it was written */
    uint16_t port;
    enum config_family family;
    bool pool;
    uint8_t max_sources; /* of a pool, 1 to 16; else 1 */
    uint32_t key_id;     /* 0: none */
    bool nts;            /* never followed without */
    uint16_t nts_port;   /* of NTS-KE */
    uint32_t certset;    /* of trust anchors, as in struct config_trusted */
    bool samples_given;  /* `maxsamples`: that of the directive is not used */
    struct source_config ntp;
};

enum refclock_kind {
    REFCLOCK_KVM,
    REFCLOCK_VMCLOCK,
    REFCLOCK_VMWARE,
    REFCLOCK_RTC,
    REFCLOCK_KINDS
};

/* One `refclock` line; a clock is there once. */
struct config_refclock {
    enum refclock_kind kind;
    const char *name;   /* as it is written */
    bool samples_given; /* as in struct config_source */
    struct refclock_config ntp;
};

struct config_addr {
    struct ip_addr6 addr;
    uint8_t bits; /* as in struct access_rule */
};

/* A file that the configuration names, in an archive: lent for good. */
struct config_file {
    const uint8_t *at;
    size_t len;
    const char *name; /* as the archive has it, ends with a zero */
};

/* Certificates that are trusted, for the sources of that set. */
struct config_trusted {
    uint32_t id;
    struct config_file file; /* PEM, perhaps many in one */
};

/* RFC 8915, and where keys and cookies are kept. */
struct config_nts {
    /* server */
    bool server;   /* NTS-KE is served: NTP is, to somebody, and ntsport is
                      not 0 */
    uint16_t port; /* of NTS-KE; 0: not served */
    struct config_file cert[CONFIG_CERTS_MAX]; /* PEM, the server's first */
    struct config_file key[CONFIG_CERTS_MAX];  /* PEM, of the same number */
    unsigned certs;                            /* 0: one of its own making */
    char ntp_server[CONFIG_NAME_MAX + 1];      /* empty: clients are not told */
    uint32_t rotate_s;                         /* 0: never */
    uint8_t aead[4];                           /* in order of preference */
    unsigned aeads;
    uint16_t max_connections;
    struct limit_config ratelimit;
    struct nts_key_bytes given[NTS_KEYS_KEPT]; /* newest first */
    unsigned given_count;                      /* 0: it makes its own */
    struct access require;                     /* `allow`: from there only */
    bool require_any;                          /* somebody is required to */

    /* client */
    struct config_trusted trusted[CONFIG_TRUSTED_MAX];
    unsigned trusteds;
    int32_t no_cert_time_check; /* updates of the clock; below 0: for ever */
    uint32_t refresh_s;         /* age of keys at which NTS-KE comes again */

    /* both */
    bool state_wanted;                /* use a state region */
    char state[CONFIG_STATE_MAX + 1]; /* only the one of that name; empty: the
                                         first that is found */
};

struct config {
    /* network */
    struct config_addr address[CONFIG_ADDRS_MAX];
    unsigned address_count; /* 0: by DHCP and SLAAC */
    struct ip_addr6 gateway[CONFIG_GATEWAYS_MAX];
    unsigned gateway_count;
    struct ip_addr6 nameserver[CONFIG_NAMESERVERS_MAX];
    unsigned nameserver_count;
    char hostname[CONFIG_HOSTNAME_MAX + 1]; /* empty: not given */

    /* sources */
    struct config_source source[CONFIG_SOURCES_MAX];
    unsigned source_count;
    struct config_refclock refclock[REFCLOCK_KINDS];
    unsigned refclock_count;
    bool dhcp_sources; /* servers from DHCP option 42 are used */
    struct client_config client;
    struct ntp_keys keys;
    struct leap_list leaps; /* empty: none was given */

    /* service */
    uint16_t port; /* 0: client only */
    struct access access;
    struct limit_config ratelimit;
    bool client_log; /* keep the client table */
    uint32_t client_log_bytes;
    uint8_t dscp;
    uint32_t logstats_s; /* 0: never */

    struct config_nts nts;

    /* It had an error: of it only the network part is used, there are no
     * sources, no NTS and no state, and only private and link-local networks
     * may ask. */
    bool refused;
};

/*
 * Read a configuration, layer by layer:
 *
 *     config_init(&builder);
 *     config_add_archive(...)        // the loader's modules
 *     config_add_text(...)           // fw_cfg's opt/gnomon/conf
 *     config_add_archive(...)        // fw_cfg's opt/gnomon/archive
 *     config_add_command_line(...)
 *     config = config_finish(&builder);
 *
 * Each of them, and what it adds to those before, is in docs/CONFIGURATION.md.
 * Text is lent until config_finish(), archives for good.  Nothing is allocated;
 * the builder holds it all, the result and the report included, and `struct
 * config` is not to be copied: its sources point at its keys.
 * Level: boot.
 */
struct config_builder;

/* Nothing but the built-in defaults so far. */
void config_init(struct config_builder *b);

/* A configuration as text; `name` is what messages call it. */
void config_add_text(struct config_builder *b, const char *name,
                     const void *text, size_t len);

/*
 * A cpio archive with gnomon.conf or else chrony.conf or else ntp.conf in it,
 * if any, and files that this or any other layer names.
 */
void config_add_archive(struct config_builder *b, const char *name,
                        const void *data, size_t len);

/* The loader's command line: `;` ends a line, words for Linux are noted. */
void config_add_command_line(struct config_builder *b, const char *line);

/* What all layers together mean.  To be called once. */
const struct config *config_finish(struct config_builder *b);

/* Errors and notes, for the console and the status page. */
const struct report *config_report(const struct config_builder *b);

#endif
