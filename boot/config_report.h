/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong with a configuration, and what in it is not followed.  Level of
 * all: any. */
#ifndef BOOT_CONFIG_REPORT_H
#define BOOT_CONFIG_REPORT_H

#include "boot/config_lexer.h"
#include "boot/config_text.h"

#define REPORT_ERRORS_MAX 64  /* shown; more are counted */
#define REPORT_NOTES_MAX  128 /* shown; more are counted */
#define REPORT_FILES_MAX  64  /* a configuration of more files is refused */
#define REPORT_NAME_MAX   63  /* of a file name, its end; shown */
#define REPORT_FOUND_MAX  63
#define REPORT_TEXT_MAX   143

/* Long enough for any message as a line. */
#define REPORT_LINE_MAX 320

/* A position in the configuration. */
struct place {
    uint8_t file;    /* in the report's table */
    uint16_t column; /* from 1 */
    uint32_t line;   /* from 1; 0: the file as a whole */
};

struct report_message {
    struct place at;
    char found[REPORT_FOUND_MAX + 1];
    char text[REPORT_TEXT_MAX + 1]; /* expected, or what was made of it */
};

struct report {
    char file[REPORT_FILES_MAX][REPORT_NAME_MAX + 1];
    unsigned files;
    struct report_message error[REPORT_ERRORS_MAX];
    unsigned errors; /* may be more than are shown */
    struct report_message note[REPORT_NOTES_MAX];
    unsigned notes; /* may be more than are shown */
};

/* A number for that file name; the last number when there are too many. */
uint8_t report_file(struct report *r, const char *name, size_t len);

/* `found` is any bytes, quoted when shown. */
void report_error(struct report *r, struct place at, struct word found,
                  const char *expected);

/* The same without quotes: `found` is a phrase of ours. */
void report_wrong(struct report *r, struct place at, const char *found,
                  const char *expected);

/* What was made of `found`, which is no error. */
void report_note(struct report *r, struct place at, struct word found,
                 const char *done);

/* Put errors and notes in the order of their places. */
void report_sort(struct report *r);

/*
 * Error or note number `i` as a line without its end:
 *     chrony.conf:3:8: found "maxpol", expected ...
 *     chrony.conf:9:1: "rtcsync": ...
 * Returns false when there is none with that number (any more).
 */
bool report_error_line(const struct report *r, unsigned i,
                       char line[REPORT_LINE_MAX]);
bool report_note_line(const struct report *r, unsigned i,
                      char line[REPORT_LINE_MAX]);

#endif
