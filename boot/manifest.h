/* SPDX-License-Identifier: BSD-2-Clause */
/* What this image was built from; the build writes the definitions. */
#ifndef BOOT_MANIFEST_H
#define BOOT_MANIFEST_H

/* The commit, with "-dirty" if files differed from it; "unknown" without git.
 */
extern const char gnomon_version[];

/*
 * The compiler, then each library: package, version, SHA-256, file; one line
 * each, every line ended by a newline.
 */
extern const char gnomon_manifest[];

#endif
