/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration while it is being read; settings.c holds it. */
#ifndef BOOT_CONFIG_BUILDER_H
#define BOOT_CONFIG_BUILDER_H

#include "boot/config.h"
#include "boot/cpio.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum dialect {
    DIALECT_ANY,     /* a file that only says what both know */
    DIALECT_CHRONY,  /* chrony.conf */
    DIALECT_SOURCES, /* the same, of a sourcedir: only sources */
    DIALECT_NTP      /* ntp.conf of ntpd and NTPsec */
};

/* A directive whose argument is looked at when everything is known. */
struct builder_named {
    struct word word; /* empty: it was not given */
    struct place at;
    enum dialect dialect; /* of the line */
};

/* Files of the NTS server, in the order of their lines. */
struct named_files {
    struct builder_named file[CONFIG_CERTS_MAX];
    unsigned count;
};

/* What NTS needs from the archives. */
struct nts_named {
    struct named_files cert;
    struct named_files key;
    struct builder_named keys; /* of cookies */
    struct builder_named rotate;
    struct builder_named trusted[CONFIG_TRUSTED_MAX];
    uint32_t trusted_id[CONFIG_TRUSTED_MAX];
    unsigned trusteds;
    struct place require_at; /* the last `ntsrequire` */
};

/* What ntp.conf says in several lines that make sense only together. */
#define NTPCONF_RESTRICT_MAX ACCESS_RULES_MAX

struct ntpconf_restrict {
    struct ip_addr6 prefix;
    uint8_t bits;
    bool deny;
    bool notrust;
};

struct ntpconf {
    struct ntpconf_restrict restriction[NTPCONF_RESTRICT_MAX];
    unsigned restrictions;
    bool default_v4; /* `restrict default` was there */
    bool default_v6;
    bool limited;
    bool kod;
    bool notrust;                     /* on any line */
    struct place restrict_at;         /* the first one */
    struct builder_named local_clock; /* server 127.127.1.0 */
    int64_t stratum;                  /* of fudge; -1: not given */
};

struct config_builder {
    struct config config;
    struct report report;

    struct reader archive[CONFIG_ARCHIVES_MAX];
    unsigned archives;
    unsigned depth; /* of include */
    uint32_t lines; /* read so far */

    struct place source_at[CONFIG_SOURCES_MAX];
    bool sources_refused; /* a line had an error: they are not all known */
    bool keys_refused;
    bool dhcp_given;  /* sourcedir /run/chrony-dhcp */
    bool clock_given; /* ntp.conf has its local clock for a source */
    bool local_given;
    bool makestep_given;
    int64_t minstratum; /* of every source */
    uint8_t maxsamples; /* of those that do not say */
    struct builder_named initstep[CONFIG_INITSTEPS_MAX]; /* initstepslew */
    unsigned initsteps;
    int64_t initstep_ns; /* 0: not given */
    struct place minsources_at;
    struct place authselectmode_at;
    struct builder_named keyfile;
    struct builder_named leapseclist;
    struct nts_named nts;
    struct builder_named bind[CONFIG_ADDRS_MAX];
    unsigned binds;
    struct ntpconf ntpconf;

    char command_line[CONFIG_COMMAND_LINE_MAX + 1];
};

/* A line with a directive; `line` is at the words not yet taken. */
struct directive {
    struct config_builder *b;
    struct line line;
    struct word name;
    uint8_t file;
    enum dialect dialect;
};

/* A number, and where in which struct it is put. */
struct setting {
    uint16_t offset;
    uint8_t size;   /* bytes of an integer, of either sign */
    uint8_t places; /* it is stored times 10^places */
    int64_t min;    /* times 10^places, like max */
    int64_t max;
};

#define SETTING(type, field, places, min, max)                                 \
    {                                                                          \
        offsetof(type, field), sizeof(((type *)0)->field), places, min, max    \
    }
#define NO_SETTING                                                             \
    {                                                                          \
        0, 0, 0, 0, 0                                                          \
    }

/* In ns: the longest span, where chrony has no limit. */
#define SPAN_NS_MAX (1000000000LL * 1000000000LL)

/* What a word among the options of a directive means. */
enum option_kind {
    OPTION_FLAG,    /* sets a bool */
    OPTION_NUMBER,  /* a number follows */
    OPTION_WORD,    /* a word follows, and is stored as it is */
    OPTION_SKIP,    /* noted: it has no meaning here */
    OPTION_SKIP_ARG /* so, and an argument follows */
};

struct option {
    const char *name;
    enum option_kind kind;
    struct setting setting; /* of a flag only offset */
    const char *note;
};

/* The rows of a table of options, for a struct of that type. */
#define FLAG_OPTION(name, type, field)                                         \
    {                                                                          \
        name, OPTION_FLAG, SETTING(type, field, 0, 0, 1), NULL                 \
    }
#define NUMBER_OPTION(name, type, field, places, min, max)                     \
    {                                                                          \
        name, OPTION_NUMBER, SETTING(type, field, places, min, max), NULL      \
    }
#define WORD_OPTION(name, type, field, note)                                   \
    {                                                                          \
        name, OPTION_WORD, SETTING(type, field, 0, 0, 0), note                 \
    }
#define SKIP_OPTION(name, note)                                                \
    {                                                                          \
        name, OPTION_SKIP, NO_SETTING, note                                    \
    }
#define SKIP_ARG_OPTION(name, note)                                            \
    {                                                                          \
        name, OPTION_SKIP_ARG, NO_SETTING, note                                \
    }

/* What a directive means. */
struct kind {
    const char *name;
    void (*read)(struct directive *d, const struct kind *kind);
    struct setting setting;
    const char *note;
};

struct kinds {
    const struct kind *kind;
    size_t count;
};

/* The directives of the two languages, and those of our own. */
extern const struct kinds chrony_kinds;
extern const struct kinds ntpconf_kinds;
extern const struct kinds own_kinds;

/*
 * Level of all that follows: boot.  When a directive_...() or a ..._add()
 * returns false, the report has an error that says why.
 */

/* The directive of that name, in either case of letters; NULL: none. */
const struct kind *kind_find(const struct kinds *kinds, struct word name);

/*
 * Begin a line: check it, and find its first word, which is not taken yet.
 * The name is empty for comments, empty lines and lines with an error; false
 * when there are more lines than may be.
 */
bool directive_begin(struct directive *d);

/* Where a byte of the directive's line stands. */
struct place directive_place(const struct directive *d, const char *at);

/* The next word, or an error that says what is missing. */
bool directive_word(struct directive *d, struct word *word,
                    const char *expected);

/* An error about that word, or about the end of the line.  Returns false. */
bool directive_refuse(const struct directive *d, struct word found,
                      const char *expected);

/* A note about the whole line, or about one word of it. */
void directive_note(const struct directive *d, const char *done);
void directive_note_word(const struct directive *d, struct word found,
                         const char *done);

/* Nothing more may follow. */
bool directive_end(struct directive *d);

/* The next word as a number in the setting's range. */
bool directive_number(struct directive *d, const struct setting *setting,
                      int64_t *value);

/* Put a number where the setting says. */
void setting_store(void *base, const struct setting *setting, int64_t value);

/* All words that are left, as options, into the struct at `base`. */
bool directive_options(struct directive *d, const struct option *option,
                       size_t count, void *base);

/* As many samples as an estimate can stand on; 0: no limit. */
uint8_t clamp_samples(struct directive *d, int samples);

/* Handlers that several tables use. */
void read_number(struct directive *d, const struct kind *kind);
void read_note(struct directive *d, const struct kind *kind);
void read_refused(struct directive *d, const struct kind *kind);
void read_source(struct directive *d, const struct kind *kind);
void read_platform_clock(struct directive *d, const struct kind *kind);
void read_access(struct directive *d, const struct kind *kind);
void read_command_access(struct directive *d, const struct kind *kind);
void read_include(struct directive *d, const struct kind *kind);
void read_confdir(struct directive *d, const struct kind *kind);
void read_sourcedir(struct directive *d, const struct kind *kind);
void read_keyfile(struct directive *d, const struct kind *kind);
void read_leapseclist(struct directive *d, const struct kind *kind);
void read_ntsservercert(struct directive *d, const struct kind *kind);
void read_ntsserverkey(struct directive *d, const struct kind *kind);
void read_ntstrustedcerts(struct directive *d, const struct kind *kind);
void read_ntskeys(struct directive *d, const struct kind *kind);
void read_ntsrotate(struct directive *d, const struct kind *kind);
void read_ntsntpserver(struct directive *d, const struct kind *kind);
void read_ntsaeads(struct directive *d, const struct kind *kind);
void read_nosystemcert(struct directive *d, const struct kind *kind);
void read_nocerttimecheck(struct directive *d, const struct kind *kind);
void read_ntsrequire(struct directive *d, const struct kind *kind);

/* A file that the NTS server or an `nts` source needs; false, and an error,
 * when there are too many. */
bool nts_cert_add(struct directive *d, struct word path);
bool nts_key_add(struct directive *d, struct word path);
bool nts_trusted_add(struct directive *d, uint32_t id, struct word path);

/* Serve our own time at that stratum, the rest as `local` has it. */
void local_set(struct config_builder *b, uint8_t stratum);

/* A rule of access; an error when there are too many. */
bool access_rule_add(struct config_builder *b, struct access *access,
                     struct place at, const struct access_rule *rule, bool all);

/* Read the text of a file: its directives become part of `b`.  `dialect` is
 * what it is taken for if nothing in it tells. */
void read_text(struct config_builder *b, uint8_t file, struct word text,
               enum dialect dialect);

/* The same for text that needs no check as a whole. */
void read_lines(struct config_builder *b, uint8_t file, struct lexer lexer,
                enum dialect dialect);

/* The same for a file of an archive, named by `d`; false past a bound. */
bool read_entry(struct directive *d, const struct cpio_entry *e);

/* Read a file of an archive that is no configuration, but has a record on each
 * line that is not empty: `d` is at its first word, which is not taken yet. */
void read_records(struct config_builder *b, const struct cpio_entry *e,
                  enum dialect dialect, void (*read)(struct directive *d));

/* A file of any archive by its path, or else by the last part of it. */
bool archive_find(const struct config_builder *b, struct word path,
                  struct cpio_entry *entry);

/* The same in the archive added last. */
bool archive_find_newest(const struct config_builder *b, struct word path,
                         struct cpio_entry *entry);

/* Say what a file that ntp.conf names is taken for. */
void note_translation(struct config_builder *b,
                      const struct builder_named *file, const char *done);

/* A note that is about no line in particular. */
void note_whole(struct config_builder *b, const char *done);

/* What remains to be done when all lines of all layers are read. */
void ntpconf_finish(struct config_builder *b);
void check_all(struct config_builder *b);
void keys_finish(struct config_builder *b);
void nts_finish(struct config_builder *b);
void access_finish(struct config_builder *b);

#endif
