/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a key file: of chrony, or of ntpd if the first one says so. */
#include "tests/cpio_make.h"
#include "tests/fuzz/config_holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct cpio_make archive;

    if (len < 1 || len > 64 * 1024)
        return 0;
    archive.len = 0;
    make_file(&archive, "ntp.conf",
              data[0] & 1 ? "keys k\nserver 10.0.0.1 key 1\ndisable kernel\n"
                          : "keyfile k\nserver 10.0.0.1 key 1\nrtcsync\n");
    make_member(&archive, "k", MAKE_FILE, data + 1, len - 1);
    make_trailer(&archive);
    config_init(&builder);
    config_add_archive(&builder, "boot archive", archive.bytes, archive.len);
    return all_holds();
}
