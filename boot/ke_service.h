/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS key establishment: its certificates, and when it begins. */
#ifndef BOOT_KE_SERVICE_H
#define BOOT_KE_SERVICE_H

#include "boot/config.h"
#include "boot/state_data.h"
#include "net/ke_listener.h"
#include "net/lwip_port.h"
#include "ntp/client.h"
#include "nts/cert.h"

/* What is lent, all of it for good. */
struct ke_service_setup {
    const struct config *config;
    const struct state_data *kept; /* from before the reboot, or NULL */
    const struct nts_keys *keys;   /* NULL: NTS is not served */
    const struct client *client;
    const struct net *net;
    uint64_t ticks_per_s;
    void (*changed)(void *arg); /* there is a certificate to keep, or NULL */
    void *arg;
};

struct ke_service {
    struct ke_service_setup setup;
    bool wanted;
    bool started;
    uint64_t least_ticks; /* it does not begin before */
    uint64_t start_ticks; /* at the latest */
    uint64_t warn_ticks;  /* when validity is looked at again */
    struct tls_server tls;
    const char *name[TLS_CERTS_MAX]; /* of each certificate, for the log */
    struct limit limit;
    struct ke_listener listener;
    struct nts_cert own; /* of our own making; empty: there is none */
};

/*
 * Take memory for TLS sessions, those of sources by NTS too.
 * Level: boot, before mem_seal().
 */
void ke_service_setup(struct ke_service *s,
                      const struct ke_service_setup *setup, uint64_t now);

/*
 * Begin once the clock is set and served, or some time after boot; then the
 * listener's work.  TLS is not what the first reply waits for.
 * Level: background.
 */
void ke_service_poll(struct ke_service *s, uint64_t now);

/* When ke_service_poll() has something to do; UINT64_MAX: never.  Level:
 * background. */
uint64_t ke_service_next(const struct ke_service *s);

/* What is to be kept, a part of boot/remember.c; `arg` is the service.  Level:
 * background. */
void ke_service_collect(void *arg, struct state_data *data);

#endif
