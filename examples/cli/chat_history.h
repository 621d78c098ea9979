/* SPDX-License-Identifier: MIT
 * chat_history.h - the messages of a conversation, which can be taken back. */
#ifndef CHAT_HISTORY_H
#define CHAT_HISTORY_H

#include "cli.h"

#include <jansson.h>

typedef struct chat_message {
    int32_t role; /* PHIAL_ROLE_* */
    char *text;   /* NUL-terminated; owned */
} chat_message;

typedef struct chat_history {
    chat_message *items;
    size_t n;
} chat_history;

void history_add(chat_history *h, int32_t role, const char *text);

/* Forgets all but the first n messages. */
void history_cut(chat_history *h, size_t n);
void history_free(chat_history *h);

/* Begins anew with this system text; NULL or "": without one. */
void history_reset(chat_history *h, const char *system_text);

/* The present system text, or NULL. */
const char *history_system(const chat_history *h);

phial_status history_to_chat(const chat_history *h, phial_chat **out);

/* An array of messages, as phial_chat_add_json takes it; NULL if there is no
 * memory. */
json_t *history_json(const chat_history *h);

/* Adds the messages of such an array; false, and nothing added, if it is
 * none. */
bool history_add_json(chat_history *h, const json_t *list);

/* Writes the messages as JSON, which `phial run --messages` reads. Returns an
 * exit code. */
int history_save(const chat_history *h, const char *path);

#endif /* CHAT_HISTORY_H */
