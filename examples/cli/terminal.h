/* SPDX-License-Identifier: MIT
 * terminal.h - what standard streams are connected to, and SIGINT. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "cli.h"

bool terminal_input(void);  /* standard input is a terminal */
bool terminal_output(void); /* so is standard output */
bool terminal_errors(void); /* so is standard error */

/* Whether a stream that is a terminal may be coloured: not with NO_COLOR
 * (no-color.org) and not on a dumb terminal. */
bool terminal_colours(void);

/* From here on Ctrl-C cancels the session's work (NULL: only sets the flag).
 * once: a second Ctrl-C kills the program, as it would have at first. */
void interrupt_catch(phial_session *session, bool once);

/* While it is caught, this session from here on. NULL: none. */
void interrupt_cancels(phial_session *session);
void interrupt_release(void);
bool interrupt_seen(void);

/* Ends the program as SIGINT does by default, so that a calling shell stops
 * too. Everything must be written and released. */
void interrupt_die(void);

/* Seconds on a clock that only goes forward. */
double clock_seconds(void);

#endif /* TERMINAL_H */
