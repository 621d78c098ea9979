/* SPDX-License-Identifier: MIT
 * Puts a reply together. The library hands out whole characters and says why it
 * stopped. */
#include "reply.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

static void keep_text(reply *r, const char *text, size_t len)
{
    if (!len)
        return;
    if (r->cap - r->len <= len) {
        const size_t cap = 2 * (r->len + len) + 1;
        char *more = realloc(r->text, cap);

        if (!more) {
            complain("out of memory");
            exit(CLI_FAILED);
        }
        r->text = more;
        r->cap = cap;
    }
    memcpy(r->text + r->len, text, len);
    r->len += len;
    r->text[r->len] = 0;
}

static void begin_call(reply *r, const phial_event *event)
{
    if (!r->calls)
        r->calls = must_json(json_array());
    json_array_append_new(
        r->calls, must_json(json_pack("{s:o, s:s}", "name",
                                      json_text(event->text, event->text_len),
                                      "arguments", "")));
}

/* Arguments are a string of JSON, as in OpenAI's messages. */
static void continue_call(reply *r, const phial_event *event)
{
    json_t *call = json_array_get(r->calls, json_array_size(r->calls) - 1);

    json_append_text(call, "arguments", event->text, event->text_len);
}

void reply_take(reply *r, const phial_event *event)
{
    switch (event->kind) {
    case PHIAL_EVENT_TEXT:
        keep_text(r, event->text, event->text_len);
        break;
    case PHIAL_EVENT_TOOL:
        begin_call(r, event);
        break;
    case PHIAL_EVENT_TOOL_ARGS:
        continue_call(r, event);
        break;
    case PHIAL_EVENT_STOP:
        r->reason = event->reason;
        break;
    default:
        break;
    }
}

json_t *reply_text(const reply *r)
{
    return must_json(json_text(r->len ? r->text : "", r->len));
}

void reply_clear(reply *r)
{
    json_decref(r->calls);
    *r = (reply){.text = r->text, .cap = r->cap};
}

void reply_free(reply *r)
{
    json_decref(r->calls);
    free(r->text);
    *r = (reply){0};
}
