/* SPDX-License-Identifier: MIT
 * Writes results, each with one write(), so that what has been reported as done
 * survives the end of the program at any moment. */
#include "batch_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct held_line {
    held_line *next;
    uint64_t place;
    char *line;
};

static int refuse(const char *what, const char *name)
{
    complain("cannot %s %s: %s", what, name, strerror(errno));
    return CLI_FAILED;
}

/* Two runs that go on with one file would both do what it lacks. File systems
 * without locks are taken as they are. */
static int lock(const batch_output *o)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (o->is_file && fcntl(o->fd, F_SETLK, &whole) &&
        (errno == EAGAIN || errno == EACCES)) {
        complain("another program is writing to %s", o->name);
        return CLI_FAILED;
    }
    return CLI_OK;
}

/* Devices and pipes are there before, too. */
static int open_existing(const settings *s, batch_output *o)
{
    struct stat info;

    if (stat(o->name, &info))
        return refuse("open", o->name);
    o->is_file = S_ISREG(info.st_mode);
    if (s->resume && !o->is_file) {
        complain("cannot resume %s: it is not a regular file", o->name);
        return CLI_FAILED;
    }
    if (o->is_file && !s->resume) {
        complain("%s exists already; --resume goes on with it", o->name);
        return CLI_FAILED;
    }
    o->fd =
        open(o->name, (o->is_file ? O_RDWR : O_WRONLY) | O_APPEND | O_CLOEXEC);
    return o->fd < 0 ? refuse("open", o->name) : CLI_OK;
}

int results_open(const settings *s, batch_output *out)
{
    struct stat info;
    int code = CLI_OK;

    *out = (batch_output){.fd = STDOUT_FILENO,
                          .name = "standard output",
                          .in_order = s->in_order};
    if (!strcmp(s->output_file, "-"))
        return CLI_OK;
    out->name = s->output_file;
    out->fd =
        open(out->name, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    out->is_new = out->is_file = out->fd >= 0;
    if (out->fd < 0 && errno != EEXIST)
        return refuse("create", out->name);
    if (out->fd < 0)
        code = open_existing(s, out);
    if (code == CLI_OK)
        code = lock(out);
    if (code == CLI_OK && fstat(out->fd, &info))
        code = refuse("read", out->name);
    if (code == CLI_OK)
        out->size = info.st_size;
    return code;
}

int results_cut(batch_output *o)
{
    while (ftruncate(o->fd, o->size))
        if (errno != EINTR)
            return refuse("cut", o->name);
    return CLI_OK;
}

/* A part of a line, which a full disk leaves, is taken back. */
static int write_whole(batch_output *o, const char *line)
{
    const size_t len = strlen(line);
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(o->fd, line + done, len - done);
        int code;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            code = refuse("write to", o->name);
            if (o->is_file)
                results_cut(o);
            return code;
        }
        done += (size_t)n;
    }
    o->size += (off_t)len;
    return CLI_OK;
}

static void hold(batch_output *o, uint64_t place, char *line)
{
    held_line **at = &o->held;
    held_line *held = must_alloc(1, sizeof *held);

    while (*at && (*at)->place < place)
        at = &(*at)->next;
    *held = (held_line){*at, place, line};
    *at = held;
}

static char *unhold(batch_output *o)
{
    held_line *first = o->held;
    char *line = first->line;

    o->held = first->next;
    free(first);
    return line;
}

int results_put(batch_output *o, uint64_t place, char *line)
{
    int code = CLI_OK;

    hold(o, place, line);
    while (code == CLI_OK && o->held &&
           (!o->in_order || o->held->place == o->place)) {
        line = unhold(o);
        code = write_whole(o, line);
        o->place++;
        free(line);
    }
    return code;
}

void results_close(batch_output *o, bool keep)
{
    while (o->held)
        free(unhold(o));
    if (o->fd < 0 || o->fd == STDOUT_FILENO)
        return;
    if (o->is_new && !o->size && !keep)
        unlink(o->name);
    close(o->fd);
}
