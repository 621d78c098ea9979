/* SPDX-License-Identifier: MIT
 * OpenAI-shaped messages. Unknown fields are ignored, as clients send many;
 * what would change the meaning of a message and cannot be honoured (unknown
 * roles, images, audio) is refused. */
#include "json/json.h"
#include "chat/messages.h"

/* A message while it is read. */
typedef struct draft {
    const ph_json *json;
    size_t number; /* for messages to the caller, from 0 */
    uint32_t node;
    int32_t role;
    ph_buf text;
    ph_buf calls;
    ph_buf ids;
} draft;

static phial_status wrong(const draft *d, const char *what)
{
    return ph_fail(PHIAL_E_FORMAT, "message %zu: %s", d->number, what);
}

static ph_json_kind kind_of(const ph_json *json, uint32_t node)
{
    return (ph_json_kind)json->nodes[node].kind;
}

/* A member that may be absent or null. */
static uint32_t member(const ph_json *json, uint32_t object, const char *key)
{
    uint32_t node = ph_json_get(json, object, key);

    if (node && kind_of(json, node) == PH_JSON_NULL)
        return PH_JSON_NONE;
    return node;
}

static phial_status read_role(draft *d)
{
    static const struct {
        const char *name;
        int32_t role;
    } roles[] = {
        {"system", PHIAL_ROLE_SYSTEM},       {"developer", PHIAL_ROLE_SYSTEM},
        {"user", PHIAL_ROLE_USER},           {"tool", PHIAL_ROLE_TOOL},
        {"assistant", PHIAL_ROLE_ASSISTANT}, {"function", PHIAL_ROLE_TOOL},
    };
    uint32_t node = member(d->json, d->node, "role");

    if (!node || kind_of(d->json, node) != PH_JSON_STRING)
        return wrong(d, "\"role\" is missing or no string");
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (ph_json_is(d->json, node, roles[i].name)) {
            d->role = roles[i].role;
            return PHIAL_OK;
        }
    }
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "message %zu: \"role\" is none of system, developer, user, "
                   "assistant, tool and function",
                   d->number);
}

/* One element of a content list: {"type": "text", "text": "..."}. */
static phial_status read_part(draft *d, uint32_t part)
{
    uint32_t type, text;

    if (kind_of(d->json, part) != PH_JSON_OBJECT)
        return wrong(d, "a part of \"content\" is no object");
    type = member(d->json, part, "type");
    if (!type || kind_of(d->json, type) != PH_JSON_STRING)
        return wrong(d, "a part of \"content\" has no \"type\"");
    if (!ph_json_is(d->json, type, "text"))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "message %zu: a part of \"content\" is no text; images, "
                       "audio and files are not supported",
                       d->number);
    text = member(d->json, part, "text");
    if (!text || kind_of(d->json, text) != PH_JSON_STRING)
        return wrong(d, "a text part of \"content\" has no string \"text\"");
    return ph_json_string(d->json, text, &d->text);
}

static phial_status read_content(draft *d, bool required)
{
    uint32_t node = member(d->json, d->node, "content");

    if (!node)
        return required ? wrong(d, "\"content\" is missing or null") : PHIAL_OK;
    if (kind_of(d->json, node) == PH_JSON_STRING)
        return ph_json_string(d->json, node, &d->text);
    if (kind_of(d->json, node) != PH_JSON_ARRAY)
        return wrong(d, "\"content\" is neither a string nor a list of parts");
    for (uint32_t i = node + 1; i < d->json->nodes[node].end;
         i = d->json->nodes[i].end)
        PH_TRY(read_part(d, i));
    return PHIAL_OK;
}

/* Arguments come as a string that holds an object. What a model once wrote
 * there may be no JSON at all: then it stays a string, and since that is no
 * error, the error text stays what it was. */
static phial_status put_parsed(draft *d, ph_str text)
{
    char saved[512];
    ph_json json;
    phial_status status;

    memccpy(saved, ph_error_text(), 0, sizeof saved);
    status = ph_json_parse(d->text.heap, text, "arguments", &json);
    if (status == PHIAL_E_FORMAT) {
        ph_fail(status, "%s", saved);
        return ph_json_quote(text, &d->calls);
    }
    PH_TRY(status);
    status = ph_json_dump(&json, 0, &d->calls);
    ph_json_free(&json);
    return status;
}

static phial_status put_arguments(draft *d, uint32_t node)
{
    ph_buf text = {.heap = d->text.heap};
    phial_status status;

    if (kind_of(d->json, node) == PH_JSON_OBJECT)
        return ph_json_dump(d->json, node, &d->calls);
    if (kind_of(d->json, node) != PH_JSON_STRING)
        return wrong(d, "the \"arguments\" of a tool call are neither a "
                        "string nor an object");
    if (ph_json_is(d->json, node, ""))
        return ph_buf_puts(&d->calls, "{}");
    status = ph_json_string(d->json, node, &text);
    if (status == PHIAL_OK)
        status = put_parsed(d, (ph_str){text.data, text.len});
    ph_buf_free(&text);
    return status;
}

static phial_status put_id(draft *d, uint32_t call)
{
    uint32_t id = member(d->json, call, "id");

    if (!id)
        return PHIAL_OK;
    if (kind_of(d->json, id) != PH_JSON_STRING)
        return wrong(d, "the \"id\" of a tool call is no string");
    PH_TRY(ph_json_string(d->json, id, &d->ids));
    return ph_buf_put(&d->ids, "", 1);
}

/* {"id": "...", "type": "function", "function": {"name", "arguments"}}, or the
 * function's object by itself. */
static phial_status read_call(draft *d, uint32_t call)
{
    uint32_t function, name, arguments;

    if (kind_of(d->json, call) != PH_JSON_OBJECT)
        return wrong(d, "a tool call is no object");
    PH_TRY(put_id(d, call));
    function = member(d->json, call, "function");
    if (!function)
        function = call;
    if (kind_of(d->json, function) != PH_JSON_OBJECT)
        return wrong(d, "the \"function\" of a tool call is no object");
    name = member(d->json, function, "name");
    if (!name || kind_of(d->json, name) != PH_JSON_STRING)
        return wrong(d, "the \"name\" of a tool call is missing or no string");
    PH_TRY(ph_buf_puts(&d->calls, "{\"name\": "));
    PH_TRY(ph_json_dump(d->json, name, &d->calls));
    PH_TRY(ph_buf_puts(&d->calls, ", \"arguments\": "));
    arguments = member(d->json, function, "arguments");
    if (arguments)
        PH_TRY(put_arguments(d, arguments));
    else
        PH_TRY(ph_buf_puts(&d->calls, "{}"));
    return ph_buf_puts(&d->calls, "}");
}

static phial_status read_calls(draft *d, uint32_t calls)
{
    size_t n = 0;

    if (kind_of(d->json, calls) != PH_JSON_ARRAY)
        return wrong(d, "\"tool_calls\" is no list");
    if (d->role != PHIAL_ROLE_ASSISTANT)
        return wrong(d, "only an assistant's message has \"tool_calls\"");
    if (ph_json_count(d->json, calls) > PH_CHAT_MAX_CALLS)
        return ph_fail(PHIAL_E_MEMORY,
                       "message %zu: more than %d \"tool_calls\"", d->number,
                       PH_CHAT_MAX_CALLS);
    PH_TRY(ph_buf_puts(&d->calls, "["));
    for (uint32_t i = calls + 1; i < d->json->nodes[calls].end;
         i = d->json->nodes[i].end) {
        if (n++)
            PH_TRY(ph_buf_puts(&d->calls, ", "));
        PH_TRY(read_call(d, i));
    }
    return ph_buf_puts(&d->calls, "]");
}

/* A result must name a call of the last message that made any. */
static phial_status check_call_id(const draft *d, const ph_chat *chat)
{
    uint32_t node = member(d->json, d->node, "tool_call_id");

    if (!node) /* a "function" message has none */
        return ph_json_is(d->json, ph_json_get(d->json, d->node, "role"),
                          "function")
                   ? PHIAL_OK
                   : wrong(d, "a tool message has no \"tool_call_id\"");
    if (kind_of(d->json, node) != PH_JSON_STRING)
        return wrong(d, "\"tool_call_id\" is no string");
    if (chat->n_to_speaker) {
        const ph_message *m = &chat->messages[chat->n_to_speaker - 1];
        const char *end = m->ids.data + m->ids.len;

        for (const char *id = m->ids.data; id < end; id += strlen(id) + 1) {
            if (ph_json_is(d->json, node, id))
                return PHIAL_OK;
        }
    }
    return wrong(d, "its \"tool_call_id\" is not the \"id\" of a tool call in "
                    "the assistant's message before it");
}

static phial_status read_message(draft *d, ph_chat *chat)
{
    uint32_t calls;

    if (kind_of(d->json, d->node) != PH_JSON_OBJECT)
        return wrong(d, "is no object");
    PH_TRY(read_role(d));
    calls = member(d->json, d->node, "tool_calls");
    if (calls && ph_json_count(d->json, calls) == 0 &&
        kind_of(d->json, calls) == PH_JSON_ARRAY)
        calls = PH_JSON_NONE;
    PH_TRY(read_content(d, !calls));
    if (calls)
        PH_TRY(read_calls(d, calls));
    if (d->role == PHIAL_ROLE_TOOL)
        PH_TRY(check_call_id(d, chat));
    return ph_chat_append(chat, d->role, (ph_str){d->text.data, d->text.len},
                          (ph_str){d->calls.data, d->calls.len},
                          (ph_str){d->ids.data, d->ids.len});
}

static phial_status add_message(ph_chat *chat, const ph_json *json,
                                uint32_t node, size_t number)
{
    draft d = {.json = json,
               .number = number,
               .node = node,
               .text = {.heap = chat->heap},
               .calls = {.heap = chat->heap},
               .ids = {.heap = chat->heap}};
    phial_status status = read_message(&d, chat);

    ph_buf_free(&d.text);
    ph_buf_free(&d.calls);
    ph_buf_free(&d.ids);
    return status;
}

phial_status ph_chat_add_json(ph_chat *chat, ph_str text)
{
    ph_json json;
    size_t n_before = chat->n_messages, number = 0;
    phial_status status = PHIAL_OK;

    PH_TRY(ph_json_parse(chat->heap, text, "messages", &json));
    if (kind_of(&json, 0) != PH_JSON_ARRAY) {
        status = add_message(chat, &json, 0, 0);
    } else {
        for (uint32_t i = 1; i < json.n_nodes && status == PHIAL_OK;
             i = json.nodes[i].end)
            status = add_message(chat, &json, i, number++);
    }
    if (status < 0)
        ph_chat_truncate(chat, n_before);
    ph_json_free(&json);
    return status;
}
