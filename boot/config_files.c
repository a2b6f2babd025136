/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that a configuration names, found in the boot archives. */
#include "boot/config_builder.h"

#include <string.h>

static bool bytes_equal(struct word a, struct word b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/* A path as archives have it: without "/" and "./" in front. */
static struct word plain_path(struct word path)
{
    for (;;) {
        size_t skip = 0;

        if (path.len >= 1 && path.at[0] == '/')
            skip = 1;
        else if (path.len >= 2 && path.at[0] == '.' && path.at[1] == '/')
            skip = 2;
        if (skip == 0)
            return path;
        path.at += skip;
        path.len -= skip;
    }
}

static struct word base_name(struct word path)
{
    size_t start = path.len;

    while (start > 0 && path.at[start - 1] != '/')
        start--;
    return (struct word){path.at + start, path.len - start};
}

static struct word directory_name(struct word path)
{
    struct word base = base_name(path);

    path.len -= base.len;
    while (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

static struct word entry_path(const struct cpio_entry *e)
{
    return plain_path((struct word){e->name, e->name_len});
}

/* The next file of the archive that `r` is in. */
static bool next_file(struct reader *r, struct cpio_entry *e)
{
    while (cpio_next(r, e) == CPIO_ENTRY)
        if (cpio_is_file(e))
            return true;
    return false;
}

/* A later file with a name replaces an earlier one, as when unpacking. */
static bool find_in(struct reader r, struct word path, bool whole,
                    struct cpio_entry *entry)
{
    struct cpio_entry e;
    bool found = false;

    while (next_file(&r, &e)) {
        struct word name = entry_path(&e);

        if (!bytes_equal(whole ? name : base_name(name), path))
            continue;
        *entry = e;
        found = true;
    }
    return found;
}

static bool find(const struct config_builder *b, struct word path, bool whole,
                 struct cpio_entry *entry)
{
    for (unsigned i = b->archives; i > 0; i--)
        if (find_in(b->archive[i - 1], path, whole, entry))
            return true;
    return false;
}

bool archive_find(const struct config_builder *b, struct word path,
                  struct cpio_entry *entry)
{
    path = plain_path(path);
    return find(b, path, true, entry) || find(b, base_name(path), false, entry);
}

bool archive_find_newest(const struct config_builder *b, struct word path,
                         struct cpio_entry *entry)
{
    struct reader r = b->archive[b->archives - 1];

    path = plain_path(path);
    return find_in(r, path, true, entry) ||
           find_in(r, base_name(path), false, entry);
}

/* `*` stands for any characters, `?` for one. */
static bool matches(struct word pattern, struct word name)
{
    size_t p = 0, n = 0;
    size_t star = SIZE_MAX, resume = 0;

    while (n < name.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.len &&
                   (pattern.at[p] == '?' || pattern.at[p] == name.at[n])) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

static int compare(struct word a, struct word b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Files of one directory, by pattern; taken in the order of their names. */
struct listing {
    struct word directory;
    struct word pattern;
    struct word last; /* base name of the one before; len 0: none */
};

static bool in_directory(const struct listing *l, struct word path, bool whole)
{
    struct word directory = directory_name(path);

    if (!whole)
        directory = base_name(directory);
    return bytes_equal(directory,
                       whole ? l->directory : base_name(l->directory)) &&
           matches(l->pattern, base_name(path));
}

static bool list_next_as(const struct config_builder *b, struct listing *l,
                         bool whole, struct cpio_entry *entry)
{
    struct word least = {NULL, 0};

    for (unsigned i = 0; i < b->archives; i++) {
        struct reader r = b->archive[i];
        struct cpio_entry e;

        while (next_file(&r, &e)) {
            struct word path = entry_path(&e), name = base_name(path);

            if (!in_directory(l, path, whole) ||
                (l->last.len > 0 && compare(name, l->last) <= 0) ||
                (least.len > 0 && compare(name, least) > 0))
                continue;
            least = name;
            *entry = e;
        }
    }
    if (least.len == 0)
        return false;
    l->last = least;
    return true;
}

static struct listing listing_of(struct word directory, struct word pattern)
{
    directory = plain_path(directory);
    while (directory.len > 0 && directory.at[directory.len - 1] == '/')
        directory.len--;
    return (struct listing){directory, pattern, {NULL, 0}};
}

bool read_entry(struct directive *d, const struct cpio_entry *e)
{
    struct config_builder *b = d->b;

    if (b->depth == CONFIG_INCLUDE_MAX)
        return directive_refuse(d, d->name, "at most 8 includes in each other");
    if (b->report.files == REPORT_FILES_MAX)
        return directive_refuse(d, d->name, "at most 64 files");

    b->depth++;
    read_text(b, report_file(&b->report, e->name, e->name_len),
              (struct word){(const char *)e->data, e->len}, d->dialect);
    b->depth--;
    return true;
}

/* Read all files of a directory; false if there is none. */
static bool read_directory(struct directive *d, struct word directory,
                           struct word pattern)
{
    struct listing by_path = listing_of(directory, pattern);
    struct listing list = by_path;
    struct cpio_entry e;
    bool whole = list_next_as(d->b, &by_path, true, &e);
    bool found = false;

    while (list_next_as(d->b, &list, whole, &e)) {
        found = true;
        if (!read_entry(d, &e))
            break;
    }
    return found;
}

static bool is_pattern(struct word path)
{
    return memchr(path.at, '*', path.len) || memchr(path.at, '?', path.len);
}

void read_include(struct directive *d, const struct kind *kind)
{
    const char *expected = "a file of the boot archive";
    struct cpio_entry e;
    struct word path;
    bool found;

    (void)kind;
    if (!directive_word(d, &path, expected) || !directive_end(d))
        return;
    if (is_pattern(path)) {
        found = read_directory(d, directory_name(path), base_name(path));
    } else {
        found = archive_find(d->b, path, &e);
        if (found)
            read_entry(d, &e);
    }
    if (!found)
        directive_refuse(d, path, expected);
}

/* `confdir` and `sourcedir`: files ending in the kind's note. */
static void read_directories(struct directive *d, const char *pattern,
                             bool (*is_special)(struct directive *,
                                                struct word))
{
    struct word path;
    bool any = false;

    if (!directive_word(d, &path, "a directory of the boot archive"))
        return;
    do {
        if ((is_special && is_special(d, path)) ||
            read_directory(d, path, word_of(pattern)))
            any = true;
    } while (line_word(&d->line, &path));
    if (!any)
        directive_note(d, "the boot archive has no such directory");
}

void read_confdir(struct directive *d, const struct kind *kind)
{
    (void)kind;
    read_directories(d, "*.conf", NULL);
}

/* Where a DHCP client writes the servers that it was given. */
static bool is_dhcp(struct directive *d, struct word path)
{
    static const char dhcp[] = "/run/chrony-dhcp";

    if (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    if (!bytes_equal(path, word_of(dhcp)))
        return false;
    d->b->dhcp_given = true;
    return true;
}

void read_sourcedir(struct directive *d, const struct kind *kind)
{
    (void)kind;
    d->dialect = DIALECT_SOURCES;
    read_directories(d, "*.sources", is_dhcp);
}
