/* SPDX-License-Identifier: MIT
 * Calls that write files and fail on request. Definitions in the program take
 * precedence over those of the C library; they go to the system directly. */
#include "file_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static file_plan plan;
static bool armed;
static size_t n_calls, bytes[MAX_CALLS];

void file_hook_arm(const file_plan *p)
{
    plan = *p;
    n_calls = 0;
    memset(bytes, 0, sizeof bytes);
    armed = true;
}

size_t file_hook_disarm(void)
{
    armed = false;
    return n_calls;
}

size_t file_hook_bytes(size_t nth)
{
    return nth <= MAX_CALLS ? bytes[nth - 1] : 0;
}

static bool is_chosen(void)
{
    return armed && ++n_calls == plan.nth && plan.fault != FILE_NONE;
}

/* What becomes of the chosen call. */
static int fault(void)
{
    if (plan.fault == FILE_KILL)
        _exit(KILLED);
    errno = plan.error;
    return -1;
}

ssize_t write(int fd, const void *data, size_t n)
{
    const bool chosen = is_chosen();

    if (armed && n_calls <= MAX_CALLS)
        bytes[n_calls - 1] = n;
    if (chosen && plan.partial) {
        const size_t part = plan.partial < n ? plan.partial : n;
        const ssize_t done = syscall(SYS_write, fd, data, part);

        if (plan.fault == FILE_KILL)
            _exit(KILLED);
        plan.partial = 0;
        plan.nth++; /* the rest fails */
        return done;
    }
    if (chosen)
        return fault();
    if (armed && plan.at_once && n > plan.at_once)
        n = plan.at_once;
    return syscall(SYS_write, fd, data, n);
}

int fsync(int fd)
{
    return is_chosen() ? fault() : (int)syscall(SYS_fsync, fd);
}

int fchmod(int fd, mode_t mode)
{
    return is_chosen() ? fault() : (int)syscall(SYS_fchmod, fd, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return is_chosen()
               ? fault()
               : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int openat(int dir, const char *name, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return is_chosen() ? fault()
                       : (int)syscall(SYS_openat, dir, name, flags, mode);
}
