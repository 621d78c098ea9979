/* SPDX-License-Identifier: MIT
 * A chat's life and its plain messages. */
#include "chat/messages.h"

#include "text/text.h"

phial_status ph_chat_new(const ph_heap *heap, ph_chat **out)
{
    ph_chat *chat = ph_alloc(heap, 1, sizeof *chat);

    if (!chat)
        return ph_no_memory("a chat", sizeof *chat);
    chat->heap = heap;
    chat->tools.heap = heap;
    *out = chat;
    return PHIAL_OK;
}

void ph_chat_truncate(ph_chat *chat, size_t n)
{
    while (chat->n_messages > n) {
        ph_message *m = &chat->messages[--chat->n_messages];

        ph_free(chat->heap, (void *)m->text.data);
    }
    chat->n_to_speaker = n;
    while (chat->n_to_speaker &&
           chat->messages[chat->n_to_speaker - 1].role == PHIAL_ROLE_TOOL)
        chat->n_to_speaker--;
}

void ph_chat_free(ph_chat *chat)
{
    if (!chat)
        return;
    ph_chat_truncate(chat, 0);
    ph_free(chat->heap, chat->messages);
    ph_buf_free(&chat->tools);
    ph_free(chat->heap, chat);
}

static phial_status reserve(ph_chat *chat)
{
    size_t cap = chat->cap + chat->cap / 2 + 8;
    ph_message *messages;

    if (chat->n_messages >= PH_CHAT_MAX_MESSAGES)
        return ph_fail(PHIAL_E_MEMORY, "a chat holds at most %d messages",
                       PH_CHAT_MAX_MESSAGES);
    if (chat->n_messages < chat->cap)
        return PHIAL_OK;
    messages = ph_realloc(chat->heap, chat->messages, cap, sizeof *messages);
    if (!messages)
        return ph_no_memory("messages", cap * sizeof *messages);
    chat->messages = messages;
    chat->cap = cap;
    return PHIAL_OK;
}

static ph_str put(char **at, ph_str s)
{
    ph_str copy = {*at, s.len};

    if (s.len)
        memcpy(*at, s.data, s.len);
    *at += s.len;
    return copy;
}

phial_status ph_chat_append(ph_chat *chat, int32_t role, ph_str text,
                            ph_str calls, ph_str ids)
{
    size_t size;
    char *at;
    ph_message *m;

    if (!ph_add(text.len, calls.len, &size) || !ph_add(size, ids.len, &size))
        return ph_no_memory("a message", text.len);
    PH_TRY(reserve(chat));
    at = ph_alloc_raw(chat->heap, size);
    if (!at)
        return ph_no_memory("a message", size);
    m = &chat->messages[chat->n_messages++];
    m->role = role;
    m->text = put(&at, text);
    m->calls = put(&at, calls);
    m->ids = put(&at, ids);
    if (role != PHIAL_ROLE_TOOL)
        chat->n_to_speaker = chat->n_messages;
    return PHIAL_OK;
}

static phial_status check_text(ph_str text)
{
    size_t at = 0;

    if (text.len > PH_CHAT_MAX_BYTES)
        return ph_fail(PHIAL_E_MEMORY,
                       "a message of %zu bytes, at most %d are allowed",
                       text.len, PH_CHAT_MAX_BYTES);
    if (text.len == 0 || ph_utf8_valid(text.data, text.len))
        return PHIAL_OK;
    while (at < text.len) {
        uint32_t code_point;
        size_t n = ph_utf8_next(text.data + at, text.len - at, &code_point);

        if (!ph_utf8_valid(text.data + at, n))
            break;
        at += n;
    }
    return ph_fail(PHIAL_E_FORMAT, "the message is not valid UTF-8 at byte %zu",
                   at);
}

phial_status ph_chat_add(ph_chat *chat, int32_t role, ph_str text)
{
    static const ph_str none = {"", 0};

    if (role < PHIAL_ROLE_SYSTEM || role > PHIAL_ROLE_TOOL)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "role is %d, allowed are %d to %d (PHIAL_ROLE_*)", role,
                       PHIAL_ROLE_SYSTEM, PHIAL_ROLE_TOOL);
    PH_TRY(check_text(text));
    return ph_chat_append(chat, role, text, none, none);
}
