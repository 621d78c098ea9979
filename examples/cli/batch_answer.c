/* SPDX-License-Identifier: MIT
 * An answer of a batch, put together from a session's events. */
#include "batch_result.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_text(batch_answer *a, const char *text, size_t len)
{
    if (a->cap - a->len < len) {
        const size_t cap = 2 * (a->len + len);
        char *more = realloc(a->text, cap);

        if (!more) {
            complain("out of memory");
            exit(CLI_FAILED);
        }
        a->text = more;
        a->cap = cap;
    }
    if (len)
        memcpy(a->text + a->len, text, len);
    a->len += len;
}

static void begin_call(batch_answer *a, const batch_request *r,
                       const phial_event *event)
{
    char id[48];

    if (!a->calls)
        a->calls = must_json(json_array());
    snprintf(id, sizeof id, "call_%llu_%zu", (unsigned long long)r->line,
             json_array_size(a->calls));
    json_array_append_new(
        a->calls, must_json(json_pack("{s:s, s:s, s:{s:o, s:s}}", "id", id,
                                      "type", "function", "function", "name",
                                      json_text(event->text, event->text_len),
                                      "arguments", "")));
}

static void continue_call(batch_answer *a, const phial_event *event)
{
    json_t *call = json_array_get(a->calls, json_array_size(a->calls) - 1);

    json_append_text(json_object_get(call, "function"), "arguments",
                     event->text, event->text_len);
}

void answer_take(batch_answer *a, const batch_request *r,
                 const phial_event *event)
{
    switch (event->kind) {
    case PHIAL_EVENT_TEXT:
        keep_text(a, event->text, event->text_len);
        break;
    case PHIAL_EVENT_TOOL:
        begin_call(a, r, event);
        break;
    case PHIAL_EVENT_TOOL_ARGS:
        continue_call(a, event);
        break;
    case PHIAL_EVENT_STOP:
        a->reason = event->reason;
        break;
    default:
        break;
    }
}

void answer_clear(batch_answer *a)
{
    json_decref(a->calls);
    *a = (batch_answer){.text = a->text, .cap = a->cap};
}

void answer_discard(batch_answer *a)
{
    json_decref(a->calls);
    free(a->text);
    *a = (batch_answer){0};
}
