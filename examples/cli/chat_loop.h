/* SPDX-License-Identifier: MIT
 * chat_loop.h - what phial chat holds while it runs. */
#ifndef CHAT_LOOP_H
#define CHAT_LOOP_H

#include "answer.h"
#include "chat_history.h"

typedef struct chat_loop {
    const settings *settings;
    phial_session *session;
    chat_history history;
    phial_stats total; /* of all answers so far */
    bool stats;        /* print figures after every answer */
    bool editing;      /* somebody sits at a terminal */
    bool leave;        /* /quit was given */
    bool kept;         /* nothing has changed since it was put into a file */
    double saved_at;   /* clock_seconds() when what is computed was, */
    double saving_seconds; /* and how long that took */
    int code;              /* the exit code so far */
} chat_loop;

/* Answers the last message of the history, which is the user's. */
void chat_answer(chat_loop *c);

/* Runs a line that begins with "/". */
void chat_command(chat_loop *c, const char *line);

/* Takes up the conversation in the file of --session, if it is there. Returns
 * an exit code. */
int chat_take_up(chat_loop *c);

/* Puts the conversation into the file of --session, if one was named and it is
 * not there already; what is computed of it not after every answer, but if last
 * is true. A failure is reported and becomes the exit code. */
void chat_keep(chat_loop *c, bool last);

#endif /* CHAT_LOOP_H */
