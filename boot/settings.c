/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the configuration is gathered, and what each module gets of it. */
#include "boot/settings.h"

#include "arch/log.h"
#include "boot/config_builder.h"
#include "drivers/fw_cfg.h"

/* What was read, and what was said about it, for as long as we run. */
static struct config_builder builder;

static void read_modules(const struct boot_info *info)
{
    for (size_t i = 0; i < info->module_count; i++) {
        const struct boot_module *m = &info->module[i];

        config_add_archive(&builder, "boot archive",
                           (const void *)(uintptr_t)m->at.start,
                           m->at.end - m->at.start);
    }
}

/* microvm's firmware puts it where its ACPI tables were, which is no RAM. */
static void miss_initrd(const struct boot_info *info, const struct fw_cfg *fw)
{
    if (info->module_count == 0 && fw_cfg_initrd_bytes(fw) > 0)
        log_line("loader: WARNING: QEMU was given an -initrd, and its firmware "
                 "put it where it is lost, perhaps over its own ACPI tables: "
                 "give it as -fw_cfg name=" FW_CFG_ARCHIVE ",file=FILE "
                 "instead");
}

static void read_fw_cfg(const struct boot_info *info)
{
    struct fw_cfg fw;
    struct view item;

    if (!fw_cfg_probe(&fw))
        return;
    miss_initrd(info, &fw);
    if (fw_cfg_load(&fw, FW_CFG_CONF, &item) == FW_CFG_OK)
        config_add_text(&builder, FW_CFG_CONF, item.at, item.left);
    if (fw_cfg_load(&fw, FW_CFG_ARCHIVE, &item) == FW_CFG_OK)
        config_add_archive(&builder, FW_CFG_ARCHIVE, item.at, item.left);
}

static void log_report(const struct report *report, bool refused)
{
    char line[REPORT_LINE_MAX];

    for (unsigned i = 0; report_note_line(report, i, line); i++)
        log_line("note: %s", line);
    for (unsigned i = 0; report_error_line(report, i, line); i++)
        log_line("error: %s", line);
    if (refused)
        log_line("configuration refused: %u error%s; serving as "
                 "unsynchronised, to private networks only",
                 report->errors, report->errors == 1 ? "" : "s");
    else
        log_line("configuration: %u note%s, no errors", report->notes,
                 report->notes == 1 ? "" : "s");
}

_Static_assert(BOOT_CMDLINE_MAX > CONFIG_COMMAND_LINE_MAX + 1,
               "a command line that was cut is refused");

const struct config *settings_read(const struct boot_info *info)
{
    config_init(&builder);
    read_modules(info);
    read_fw_cfg(info);
    config_add_command_line(&builder, info->cmdline);

    const struct config *config = config_finish(&builder);

    log_report(config_report(&builder), config->refused);
    return config;
}

void settings_network(struct net_config *net, const struct config *config)
{
    *net = (struct net_config){
        .address_count = config->address_count,
        .gateway_count = config->gateway_count,
        .nameserver_count = config->nameserver_count,
        .hostname = config->hostname[0] ? config->hostname : NULL,
        .private_only = config->refused,
    };
    for (unsigned i = 0; i < config->address_count; i++) {
        net->address[i].addr = config->address[i].addr;
        net->address[i].bits = config->address[i].bits;
    }
    for (unsigned i = 0; i < config->gateway_count; i++)
        net->gateway[i] = config->gateway[i];
    for (unsigned i = 0; i < config->nameserver_count; i++)
        net->nameserver[i] = config->nameserver[i];
}

unsigned settings_sources(struct upstream_source *source,
                          const struct config *config)
{
    static const enum upstream_family family[] = {
        [FAMILY_ANY] = UPSTREAM_ANY,
        [FAMILY_IPV4] = UPSTREAM_IPV4,
        [FAMILY_IPV6] = UPSTREAM_IPV6,
    };

    for (unsigned i = 0; i < config->source_count; i++) {
        const struct config_source *s = &config->source[i];

        source[i] = (struct upstream_source){
            .name = s->name,
            .port = s->port,
            .family = family[s->family],
            .max_sources = s->pool ? s->max_sources : 0,
            .nts = s->nts,
            .nts_port = s->nts_port,
            .certset = s->certset,
            .ntp = s->ntp,
        };
        /* Never followed without. */
        source[i].ntp.authenticated |= s->nts;
    }
    return config->source_count;
}
