/* SPDX-License-Identifier: MIT
 * One finished line at a time to the host's log hook. */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>

void ph_log_line(const ph_log *log, int32_t level, const char *format, ...)
{
    char line[512];
    va_list args;

    if (!log || !log->fn || level > log->level)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log->fn(log->user, level, line);
}
