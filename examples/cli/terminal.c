/* SPDX-License-Identifier: MIT
 * Standard streams, SIGINT and the clock. The signal's handler does nothing
 * but what phial.h allows there. */
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static phial_session *volatile session_to_cancel;
static volatile sig_atomic_t interrupted;

bool terminal_input(void)
{
    return isatty(STDIN_FILENO);
}

bool terminal_output(void)
{
    return isatty(STDOUT_FILENO);
}

bool terminal_errors(void)
{
    return isatty(STDERR_FILENO);
}

bool terminal_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return !(no_color && *no_color) && term && strcmp(term, "dumb");
}

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
    if (session_to_cancel)
        phial_session_cancel(session_to_cancel);
}

void interrupt_catch(phial_session *session, bool once)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    interrupted = 0;
    session_to_cancel = session;
    action.sa_flags = SA_RESTART | (once ? (int)SA_RESETHAND : 0);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void interrupt_cancels(phial_session *session)
{
    session_to_cancel = session;
}

void interrupt_release(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    session_to_cancel = NULL;
}

bool interrupt_seen(void)
{
    return interrupted;
}

void interrupt_die(void)
{
    interrupt_release();
    raise(SIGINT);
}

double clock_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
