/* SPDX-License-Identifier: MIT
 * The status line: "\r", text, and the escape sequence that erases to the end
 * of the line. Behind other text it begins where that ends: ESC 7 keeps the
 * place, ESC 8 goes back to it, and all behind it is erased (ECMA-48, VT100).
 */
#include "progress.h"
#include "terminal.h"

#include <stdio.h>

/* Below this nobody can read the line before it goes. */
#define DELAY_SECONDS 0.25

static const char *label;
static bool behind; /* other text */
static double began;
static int shown = -1; /* percent on the screen; -1: no line is there */

void progress_begin(const char *what)
{
    progress_clear();
    label = what;
    behind = false;
    began = clock_seconds();
}

void progress_begin_behind(const char *what)
{
    progress_begin(what);
    behind = true;
}

/* To where the line begins. */
static const char *back(void)
{
    return !behind ? "\r" : shown < 0 ? "\0337" : "\0338";
}

void progress_update(double fraction)
{
    int percent = (int)(fraction * 100);

    if (!label || !terminal_errors() || percent == shown)
        return;
    if (shown < 0 && clock_seconds() - began < DELAY_SECONDS)
        return;
    fprintf(stderr, "%s%s... %d%%\033[K", back(), label, percent);
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
        fprintf(stderr, "%s\033[%s", back(), behind ? "J" : "K");
        fflush(stderr);
    }
    shown = -1;
    label = NULL;
}
