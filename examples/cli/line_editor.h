/* SPDX-License-Identifier: MIT
 * line_editor.h - lines from the user: edited on a terminal, plain elsewhere.*/
#ifndef LINE_EDITOR_H
#define LINE_EDITOR_H

#include "cli.h"

typedef struct line_editor line_editor;

/* edit: prompt and edit on the terminal; otherwise just read lines. */
line_editor *editor_new(bool edit);
void editor_free(line_editor *e);

/* The next line without its newline, borrowed until the next call; NULL at the
 * end of the input. A line that ends in a backslash goes on in the next. */
const char *editor_read(line_editor *e);

#endif /* LINE_EDITOR_H */
