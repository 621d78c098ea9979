/* SPDX-License-Identifier: MIT
 * batch_lines.h - the lines of a file or a pipe, one at a time, without ever
 * holding more than one of them. */
#ifndef BATCH_LINES_H
#define BATCH_LINES_H

#include "cli.h"

typedef struct line_reader {
    int fd;
    bool owns_fd;
    const char *name; /* for messages */
    size_t limit;     /* bytes of the longest line */
    char *data;
    size_t begin, end, cap; /* what is read and not given */
    size_t scanned;         /* so much of it holds no newline */
    uint64_t offset;        /* of data[begin] in the file */
    uint64_t number;        /* of the last line; the first is 1 */
    bool dropping;          /* data[begin] is inside a line that is too long */
    bool at_end;
} line_reader;

typedef struct text_line {
    char *text; /* without its newline; until the next call */
    size_t len;
    uint64_t offset; /* of its first byte in the file */
    bool terminated; /* a newline followed */
} text_line;

typedef enum line_state {
    LINE_READY,
    LINE_LATER, /* nothing has come yet */
    LINE_LONG,  /* a line above the limit was passed over */
    LINE_END,
    LINE_FAILED /* the sentence has been printed */
} line_state;

/* path "-" is standard input. Returns an exit code. */
int lines_open(const char *path, size_t limit, line_reader *out);

/* Reads from where fd stands, and does not own it. */
void lines_begin(int fd, const char *name, size_t limit, line_reader *out);

/* Empty lines are counted and passed over, a byte order mark at the beginning
 * is dropped. Without wait it does not block; with it only for a moment, so
 * that the caller can look for a signal. */
line_state lines_next(line_reader *r, bool wait, text_line *out);

/* How many lines that are not empty are to come of a regular file; of others,
 * which cannot be read twice, 0. Before the first lines_next(). */
uint64_t lines_count(line_reader *r);

void lines_close(line_reader *r);

#endif /* BATCH_LINES_H */
