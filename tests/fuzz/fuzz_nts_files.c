/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as one of the files that NTS is given. */
#include "tests/cpio_make.h"
#include "tests/fuzz/config_holds.h"

#define CERT                                                                   \
    "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const text[] = {
        "ntsservercert f\nntsserverkey f\nserver 10.0.0.1\n",
        "ntskeys f\nntsrequire\nserver 10.0.0.1\n",
        "ntstrustedcerts 7 f\nserver 10.0.0.1 nts certset 7\n",
        "ntsservercert c\nntsserverkey f\nserver 10.0.0.1\n",
    };
    static struct cpio_make archive;

    if (len < 1 || len > 64 * 1024)
        return 0;
    archive.len = 0;
    make_file(&archive, "chrony.conf", text[data[0] % 4]);
    make_file(&archive, "c", CERT);
    make_member(&archive, "f", MAKE_FILE, data + 1, len - 1);
    make_trailer(&archive);
    config_init(&builder);
    config_add_archive(&builder, "boot archive", archive.bytes, archive.len);
    return all_holds();
}
