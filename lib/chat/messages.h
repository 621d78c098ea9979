/* SPDX-License-Identifier: MIT
 * messages.h - what a chat holds, for the files of this module. */
#ifndef PH_CHAT_MESSAGES_H
#define PH_CHAT_MESSAGES_H

#include "chat/chat.h"

enum {
    PH_CHAT_MAX_MESSAGES = 100000,
    PH_CHAT_MAX_BYTES = 8 << 20, /* of one text */
    PH_CHAT_MAX_CALLS = 128      /* tool calls in one message, and tools */
};

/* The three strings are one allocation, at text.data. */
typedef struct ph_message {
    int32_t role;
    ph_str text;
    ph_str calls; /* a JSON list of tool calls; empty: none */
    ph_str ids;   /* of the calls, each followed by a NUL */
} ph_message;

struct ph_chat {
    const ph_heap *heap;
    ph_message *messages;
    size_t n_messages;
    size_t cap;
    size_t n_to_speaker; /* up to the last that is not a tool's */
    ph_buf tools;        /* a JSON list of function objects; empty: none */
};

/* Copies the strings. */
phial_status ph_chat_append(ph_chat *chat, int32_t role, ph_str text,
                            ph_str calls, ph_str ids);

/* Forgets all but the first n messages. */
void ph_chat_truncate(ph_chat *chat, size_t n);

#endif /* PH_CHAT_MESSAGES_H */
