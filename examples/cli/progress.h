/* SPDX-License-Identifier: MIT
 * progress.h - one status line on standard error while the user waits; only
 * if that is a terminal, and only if it takes long enough to be read. */
#ifndef PROGRESS_H
#define PROGRESS_H

/* Says what is being waited for; nothing is shown yet. */
void progress_begin(const char *what);

/* The same where a line of text may have begun on the screen: the status stands
 * behind it. */
void progress_begin_behind(const char *what);

/* fraction from 0 to 1. */
void progress_update(double fraction);

/* The same with a text of the caller's, at most a few times a second. */
void progress_line(const char *text);

/* Removes the line, if there is one. Safe to call at any time. */
void progress_clear(void);

#endif /* PROGRESS_H */
