/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's firmware configuration device: named items from the host. */
#ifndef DRIVERS_FW_CFG_H
#define DRIVERS_FW_CFG_H

#include "drivers/bytes.h"

#define FW_CFG_NAME_MAX    55      /* characters, without the zero after it */
#define FW_CFG_ENTRY_BYTES 64      /* of an entry in the directory */
#define FW_CFG_ENTRIES_MAX 1024    /* a longer directory is read so far */
#define FW_CFG_ITEM_MAX    1048576 /* bytes; a larger item is refused */

/* The items that are ours. */
#define FW_CFG_CONF    "opt/gnomon/conf"
#define FW_CFG_ARCHIVE "opt/gnomon/archive"

/* An entry of the directory. */
struct fw_cfg_entry {
    uint32_t size;
    uint16_t select;
    char name[FW_CFG_NAME_MAX + 1];
};

/*
 * Read the next entry of the directory.
 *
 * Takes any bytes at all.  False at the end, and where the view had failed;
 * the view fails where bytes are left that are no whole entry, where the last
 * byte of the name is not zero, or where the key is none of a file's (below
 * 0x20).  `entry` is written only when true is returned.
 * QEMU, docs/specs/fw_cfg.rst, "File Directory".  Level: any.
 */
bool fw_cfg_entry_next(struct view *directory, struct fw_cfg_entry *entry);

struct fw_cfg {
    bool present;
    bool dma;              /* else byte by byte */
    struct view directory; /* failed where it could not be read */
};

/* Is there such a device?  Reads its directory.  Level: boot. */
bool fw_cfg_probe(struct fw_cfg *fw);

/*
 * Bytes of the file that QEMU was given with -initrd, for its firmware to hand
 * on; 0: none, or no such device.  Level: boot.
 */
uint32_t fw_cfg_initrd_bytes(const struct fw_cfg *fw);

enum fw_cfg_verdict {
    FW_CFG_OK,
    FW_CFG_ABSENT,  /* no device, or no such item */
    FW_CFG_DAMAGED, /* the directory contradicts itself */
    FW_CFG_LARGE,   /* over FW_CFG_ITEM_MAX */
    FW_CFG_FAILED   /* the device did not deliver */
};

/*
 * Read an item whole, into memory that is taken for it and stays.
 *
 * On FW_CFG_OK `data` is it, perhaps of length 0.  On anything but that and
 * FW_CFG_ABSENT a line in the log says what was wrong.
 * Level: boot.
 */
enum fw_cfg_verdict fw_cfg_load(const struct fw_cfg *fw, const char *name,
                                struct view *data);

#endif
