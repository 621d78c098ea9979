/* SPDX-License-Identifier: MIT
 * Reads lines without stdio: while sessions run, input that has not come yet
 * must not be waited for. */
#include "batch_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, PATIENCE_MS = 200 };

void lines_begin(int fd, const char *name, size_t limit, line_reader *out)
{
    *out = (line_reader){.fd = fd, .name = name, .limit = limit, .cap = CHUNK};
    out->data = must_alloc(out->cap, 1);
}

int lines_open(const char *path, size_t limit, line_reader *out)
{
    int fd = STDIN_FILENO;
    const char *name = "standard input";

    if (strcmp(path, "-")) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        name = path;
    }
    if (fd < 0) {
        complain("cannot open %s: %s", path, strerror(errno));
        return CLI_FAILED;
    }
    lines_begin(fd, name, limit, out);
    out->owns_fd = fd != STDIN_FILENO;
    return CLI_OK;
}

void lines_close(line_reader *r)
{
    if (r->owns_fd)
        close(r->fd);
    free(r->data);
    *r = (line_reader){0};
}

static void make_room(line_reader *r)
{
    const size_t held = r->end - r->begin;
    char *more;

    memmove(r->data, r->data + r->begin, held);
    r->begin = 0;
    r->end = held;
    if (r->cap - held >= CHUNK)
        return;
    more = realloc(r->data, r->cap * 2);
    if (!more) {
        complain("out of memory while reading %s", r->name);
        exit(CLI_FAILED);
    }
    r->data = more;
    r->cap *= 2;
}

/* What poll() does not know, such as a file on disk, is ready. */
static bool is_ready(const line_reader *r, bool wait)
{
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    int n = poll(&p, 1, wait ? PATIENCE_MS : 0);

    return n > 0 || (n < 0 && errno != EINTR);
}

static line_state read_more(line_reader *r, bool wait)
{
    ssize_t got;

    if (!is_ready(r, wait))
        return LINE_LATER;
    if (r->cap - r->end < CHUNK)
        make_room(r);
    got = read(r->fd, r->data + r->end, r->cap - r->end);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return LINE_LATER;
    if (got < 0) {
        complain("cannot read %s: %s", r->name, strerror(errno));
        return LINE_FAILED;
    }
    r->at_end = got == 0;
    r->end += (size_t)got;
    return LINE_READY;
}

static void skip(line_reader *r, size_t n)
{
    r->begin += n;
    r->offset += n;
    r->scanned = 0;
}

static bool is_blank(const text_line *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (!memchr(" \t\r", line->text[i], 3))
            return false;
    return true;
}

/* The line of len bytes at data[begin]. LINE_LATER: it is nothing to give. */
static line_state take(line_reader *r, size_t len, bool terminated,
                       text_line *out)
{
    const bool is_long = r->dropping || len > r->limit;

    *out = (text_line){r->data + r->begin, len, r->offset, terminated};
    skip(r, len + terminated);
    r->dropping = false;
    r->number++;
    if (r->number == 1 && len >= 3 && !memcmp(out->text, "\xef\xbb\xbf", 3)) {
        out->text += 3;
        out->len -= 3;
    }
    if (is_long)
        return LINE_LONG;
    return is_blank(out) ? LINE_LATER : LINE_READY;
}

line_state lines_next(line_reader *r, bool wait, text_line *out)
{
    for (;;) {
        const size_t held = r->end - r->begin;
        const char *from = r->data + r->begin;
        const char *newline =
            memchr(from + r->scanned, '\n', held - r->scanned);
        line_state state = LINE_LATER;

        if (newline || (r->at_end && (held || r->dropping))) {
            state = take(r, newline ? (size_t)(newline - from) : held,
                         newline != NULL, out);
            if (state != LINE_LATER)
                return state;
            continue;
        }
        if (r->at_end)
            return LINE_END;
        r->scanned = held;
        if (held > r->limit) {
            r->dropping = true;
            skip(r, held);
        }
        state = read_more(r, wait);
        if (state != LINE_READY)
            return state;
    }
}

uint64_t lines_count(line_reader *r)
{
    line_reader again;
    text_line line;
    struct stat info;
    line_state state = LINE_END;
    uint64_t n = 0;
    const off_t here = lseek(r->fd, 0, SEEK_CUR);

    if (here < 0 || fstat(r->fd, &info) || !S_ISREG(info.st_mode))
        return 0;
    lines_begin(r->fd, r->name, r->limit, &again);
    while ((state = lines_next(&again, true, &line)) <= LINE_LONG)
        n += state != LINE_LATER;
    lines_close(&again);
    return lseek(r->fd, here, SEEK_SET) == here && state == LINE_END ? n : 0;
}
