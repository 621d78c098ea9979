/* SPDX-License-Identifier: MIT
 * reply.h - what a model said, gathered from a session's events. */
#ifndef REPLY_H
#define REPLY_H

#include "cli.h"

#include <jansson.h>

/* Zeroed: nothing was said. */
typedef struct reply {
    char *text; /* owned; NUL-terminated once there is some */
    size_t len, cap;
    json_t *calls;  /* tool calls: [{"name", "arguments"}]; NULL if none */
    int32_t reason; /* PHIAL_STOP_*; 0 if it was cut off */
} reply;

void reply_take(reply *r, const phial_event *event);

/* The text as JSON; the caller's. */
json_t *reply_text(const reply *r);

/* Empties it and keeps its memory. */
void reply_clear(reply *r);
void reply_free(reply *r);

#endif /* REPLY_H */
