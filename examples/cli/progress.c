/* SPDX-License-Identifier: MIT
 * The status line: "\r", text, and the escape sequence that erases to the end
 * of the line. */
#include "progress.h"
#include "terminal.h"

#include <stdio.h>

/* Below this nobody can read the line before it goes. */
#define DELAY_SECONDS 0.25

static const char *label;
static double began;
static int shown = -1; /* percent on the screen; -1: no line is there */

void progress_begin(const char *what)
{
    progress_clear();
    label = what;
    began = clock_seconds();
}

void progress_update(double fraction)
{
    int percent = (int)(fraction * 100);

    if (!label || !terminal_errors() || percent == shown)
        return;
    if (shown < 0 && clock_seconds() - began < DELAY_SECONDS)
        return;
    fprintf(stderr, "\r%s... %d%%\033[K", label, percent);
    fflush(stderr);
    shown = percent;
}

void progress_line(const char *text)
{
    const double now = clock_seconds();

    if (!terminal_errors() || now - began < DELAY_SECONDS)
        return;
    fprintf(stderr, "\r%s\033[K", text);
    fflush(stderr);
    shown = 0;
    began = now;
}

void progress_clear(void)
{
    if (shown >= 0) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
    shown = -1;
    label = NULL;
}
