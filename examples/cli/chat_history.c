/* SPDX-License-Identifier: MIT
 * A conversation as a list of messages. The session finds out by itself what
 * of it is already computed. */
#include "chat_history.h"
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void history_add(chat_history *h, int32_t role, const char *text)
{
    size_t len = strlen(text);
    chat_message *items = must_alloc(h->n + 1, sizeof *items);

    if (h->n)
        memcpy(items, h->items, h->n * sizeof *items);
    free(h->items);
    h->items = items;
    items[h->n].role = role;
    items[h->n].text = must_alloc(len + 1, 1);
    memcpy(items[h->n].text, text, len);
    h->n++;
}

void history_cut(chat_history *h, size_t n)
{
    while (h->n > n)
        free(h->items[--h->n].text);
}

void history_free(chat_history *h)
{
    history_cut(h, 0);
    free(h->items);
}

const char *history_system(const chat_history *h)
{
    return h->n && h->items[0].role == PHIAL_ROLE_SYSTEM ? h->items[0].text
                                                         : NULL;
}

void history_reset(chat_history *h, const char *system_text)
{
    chat_history fresh = {.n = 0};

    if (system_text && *system_text)
        history_add(&fresh, PHIAL_ROLE_SYSTEM, system_text);
    history_free(h);
    *h = fresh;
}

phial_status history_to_chat(const chat_history *h, phial_chat **out)
{
    phial_chat *chat = NULL;
    phial_status status = phial_chat_new(&chat);

    for (size_t i = 0; i < h->n && status >= 0; i++)
        status = phial_chat_add(chat, h->items[i].role, h->items[i].text,
                                PHIAL_NUL_TERMINATED);
    if (status < 0)
        phial_chat_free(chat);
    else
        *out = chat;
    return status;
}

static const char *role_name(int32_t role)
{
    switch (role) {
    case PHIAL_ROLE_SYSTEM:
        return "system";
    case PHIAL_ROLE_ASSISTANT:
        return "assistant";
    default:
        return "user";
    }
}

json_t *history_json(const chat_history *h)
{
    json_t *list = json_array();

    for (size_t i = 0; i < h->n; i++) {
        const chat_message *m = &h->items[i];

        json_array_append_new(
            list, json_pack("{s:s, s:o}", "role", role_name(m->role), "content",
                            json_text(m->text, strlen(m->text))));
    }
    return list;
}

static int32_t role_of(const json_t *message)
{
    const char *name = json_string_value(json_object_get(message, "role"));

    for (int32_t role = PHIAL_ROLE_SYSTEM; role <= PHIAL_ROLE_ASSISTANT; role++)
        if (name && !strcmp(name, role_name(role)))
            return role;
    return 0;
}

bool history_add_json(chat_history *h, const json_t *list)
{
    const size_t before = h->n;
    bool good = json_is_array(list);

    for (size_t i = 0; good && i < json_array_size(list); i++) {
        const json_t *message = json_array_get(list, i);
        const char *text =
            json_string_value(json_object_get(message, "content"));
        const int32_t role = role_of(message);

        good = role && text && (role != PHIAL_ROLE_SYSTEM || h->n == 0);
        if (good)
            history_add(h, role, text);
    }
    if (!good)
        history_cut(h, before);
    return good;
}

int history_save(const chat_history *h, const char *path)
{
    json_t *list = history_json(h);
    int failed;

    errno = 0;
    failed = json_dump_file(list, path, JSON_INDENT(2));
    json_decref(list);
    if (failed)
        complain("cannot write %s: %s", path,
                 errno ? strerror(errno) : "the disk is full, or memory");
    return failed ? CLI_FAILED : CLI_OK;
}
