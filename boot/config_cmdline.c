/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: our directives among words that are meant for Linux. */
#include "boot/config_builder.h"

#include <string.h>

/* Flags without a value that loaders and hypervisors add. */
static const char *const linux_flags[] = {
    "--",       "debug",     "nmi_watchdog", "noacpi",
    "noapic",   "noinitrd",  "nokaslr",      "nolapic",
    "nomodule", "nomodules", "nopti",        "noreplace-smp",
    "nosmp",    "quiet",     "ro",           "rootwait",
    "rw",       "single",    "splash",       "verbose",
};

/* Words like i8042.noaux, 8250.nr_uarts=0 and virtio_mmio.device=... */
static const char *const linux_modules[] = {
    "8250.", "i8042.", "virtio_mmio.", "tsc.", "random.",
};

static bool is_directive(struct word word)
{
    return kind_find(&chrony_kinds, word) || kind_find(&own_kinds, word) ||
           kind_find(&ntpconf_kinds, word);
}

/* `name=value`, unless the name is ours: then a space was meant. */
static bool is_assignment(struct word word)
{
    const char *equals = memchr(word.at, '=', word.len);

    if (!equals)
        return false;
    return !is_directive((struct word){word.at, (size_t)(equals - word.at)});
}

static bool is_linux_flag(struct word word)
{
    for (size_t i = 0; i < COUNT(linux_flags); i++)
        if (word_is(word, linux_flags[i]))
            return true;
    for (size_t i = 0; i < COUNT(linux_modules); i++) {
        size_t len = strlen(linux_modules[i]);

        if (word.len > len &&
            word_equal((struct word){word.at, len}, word_of(linux_modules[i])))
            return true;
    }
    return false;
}

/* Takes one host name, which may look like anything. */
static bool wants_name(struct word word)
{
    return word_is(word, "server") || word_is(word, "pool") ||
           word_is(word, "peer") || word_is(word, "hostname");
}

/* Words taken out so far, for one note. */
struct taken {
    char buffer[REPORT_FOUND_MAX + 32];
    struct text text;
    const char *first;
};

static void take_out(struct taken *t, struct word word)
{
    if (!t->first)
        t->first = word.at;
    else
        text_add_char(&t->text, ' ');
    text_add_bytes(&t->text, word.at, word.len);
}

/* Blank the words of one line that are for Linux; columns stay. */
static void filter_line(char *buffer, struct line line, struct taken *taken)
{
    struct word word, previous = {NULL, 0};
    bool path_first = line.at == buffer;

    while (line_word(&line, &word)) {
        bool name = previous.len > 0 && wants_name(previous);
        /* Some loaders put the path of the image first. */
        bool path = path_first && previous.len == 0 &&
                    (word.at[0] == '/' || word.at[0] == '(');

        if (is_assignment(word) || path || (!name && is_linux_flag(word))) {
            take_out(taken, word);
            memset(buffer + (word.at - buffer), ' ', word.len);
        } else {
            previous = word;
        }
        if (taken->first && path)
            path_first = false;
    }
}

static void filter(struct config_builder *b, uint8_t file, size_t len)
{
    struct lexer lexer = lexer_of(b->command_line, len);
    struct taken taken = {.first = NULL};
    struct line line;

    taken.text = text_in(taken.buffer, sizeof(taken.buffer));
    lexer.separator = ';';
    while (lexer_line(&lexer, &line))
        filter_line(b->command_line, line, &taken);
    if (!taken.first)
        return;

    struct place at = {file, (uint16_t)(taken.first - b->command_line + 1), 1};

    report_note(&b->report, at, (struct word){taken.buffer, taken.text.len},
                "words for a Linux kernel are not used");
}

/* Without the line at the end, of which only a part is there. */
static size_t whole_lines(const char *text, size_t len)
{
    while (len > 0 && text[len - 1] != ';' && text[len - 1] != '\n')
        len--;
    return len;
}

void config_add_command_line(struct config_builder *b, const char *line)
{
    static const char name[] = "command line";
    uint8_t file = report_file(&b->report, name, strlen(name));
    size_t len = strnlen(line, CONFIG_COMMAND_LINE_MAX + 1);

    if (len > CONFIG_COMMAND_LINE_MAX) {
        report_wrong(&b->report, (struct place){file, 0, 0}, "more bytes",
                     "a command line of at most 4095");
        len = whole_lines(line, CONFIG_COMMAND_LINE_MAX);
    }
    memcpy(b->command_line, line, len);
    b->command_line[len] = 0;
    filter(b, file, len);

    struct lexer lexer = lexer_of(b->command_line, len);

    lexer.separator = ';';
    read_lines(b, file, lexer, DIALECT_CHRONY);
}
