/* SPDX-License-Identifier: MIT
 * How phial fails: one line on standard error and a documented exit code. */
#include "cli.h"
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the control character at text, which is not empty: C0, DEL, or the
 * two bytes of C1 in UTF-8; 0 if it is none. */
static size_t control_length(const char *text)
{
    const unsigned char c = (unsigned char)text[0];
    const unsigned char next = (unsigned char)text[1];

    if (c < 0x20 || c == 0x7f)
        return 1;
    return c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

/* A sentence may quote a file's name or contents: what would move the cursor
 * or break the line is shown as '?'. */
static void print_line(const char *format, va_list args)
{
    char line[1024];
    int len = vsnprintf(line, sizeof line, format, args);

    for (char *c = line; len >= 0 && *c; c++)
        memset(c, '?', control_length(c));
    progress_clear();
    fprintf(stderr, "phial: %s\n", len < 0 ? format : line);
}

void complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_line(format, args);
    va_end(args);
}

void usage_error(const command *cmd, const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (cmd)
        complain("%s: %s; see phial %s --help", cmd->name, line, cmd->name);
    else
        complain("%s; see phial --help", line);
    exit(CLI_USAGE);
}

int library_error(phial_status status)
{
    if (status == PHIAL_E_CANCELLED)
        return CLI_INTERRUPTED;
    complain("%s", phial_last_error());
    return CLI_FAILED;
}

int model_error(phial_status status)
{
    int code = library_error(status);

    switch (status) {
    case PHIAL_E_IO:
    case PHIAL_E_FORMAT:
    case PHIAL_E_UNSUPPORTED:
    case PHIAL_E_NUMERIC:
        return CLI_NO_MODEL;
    default:
        return code;
    }
}

void *must_alloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);

    if (!p) {
        complain("out of memory");
        exit(CLI_FAILED);
    }
    return p;
}
