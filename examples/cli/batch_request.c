/* SPDX-License-Identifier: MIT
 * Takes a line apart: OpenAI's batch envelope, or its body alone. What a
 * message may hold is the library's to judge. */
#include "batch_request.h"
#include "loading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ID = 512 }; /* bytes */

void batch_fail(batch_error *error, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    error->code = code;
}

void batch_fail_status(batch_error *error, phial_status status)
{
    const char *code = "invalid_request";

    switch (status) {
    case PHIAL_E_CONTEXT:
        code = "context_length_exceeded";
        break;
    case PHIAL_E_MEMORY:
        code = "out_of_memory";
        break;
    case PHIAL_E_NUMERIC:
    case PHIAL_E_IO:
    case PHIAL_E_INTERNAL:
        code = "server_error";
        break;
    default:
        break;
    }
    batch_fail(error, code, "%s", phial_last_error());
}

static void check_text(const json_t *object, const char *key, const char *a,
                       const char *b, batch_error *error)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);

    if (value && !(text && (!strcmp(text, a) || !strcmp(text, b))))
        batch_fail(error, "invalid_request",
                   "\"%s\" is not \"%s\"; that is all there is here", key, a);
}

static void read_envelope(batch_request *r, json_t *body, batch_error *error)
{
    const char *url = json_string_value(json_object_get(r->document, "url"));
    const char *key;
    json_t *value;

    json_object_foreach(r->document, key, value)
    {
        if (strcmp(key, "custom_id") && strcmp(key, "method") &&
            strcmp(key, "url") && strcmp(key, "body")) {
            batch_fail(error, "invalid_request",
                       "there is no field \"%.100s\" beside \"body\"", key);
            return;
        }
    }
    check_text(r->document, "method", "POST", "POST", error);
    check_text(r->document, "url", "/v1/chat/completions", "/v1/completions",
               error);
    if (!error->code && !json_is_object(body))
        batch_fail(error, "invalid_request", "\"body\" is not an object");
    if (!error->code)
        body_read(r, body, false, error);
    if (!error->code && url && !strcmp(url, "/v1/completions") != !!r->prompt)
        batch_fail(error, "invalid_request", "%s takes \"%s\"", url,
                   r->prompt ? "messages" : "prompt");
}

static void name_request(batch_request *r, batch_error *error)
{
    const json_t *id = json_object_get(r->document, "custom_id");
    const size_t len = json_string_length(id);

    if (id && (!json_is_string(id) || len > MAX_ID)) {
        batch_fail(error, "invalid_request",
                   "\"custom_id\" is not a text of at most %d bytes", MAX_ID);
    } else if (id) {
        r->custom_id = must_alloc(len + 1, 1);
        memcpy(r->custom_id, json_string_value(id), len);
    }
    if (!r->custom_id) {
        r->custom_id = must_alloc(24, 1);
        snprintf(r->custom_id, 24, "%llu", (unsigned long long)r->line);
    }
}

batch_request *request_unread(uint64_t line)
{
    batch_request *r = must_alloc(1, sizeof *r);
    batch_error ignored = {0};

    r->line = line;
    name_request(r, &ignored);
    return r;
}

batch_request *request_read(const settings *s, uint64_t line, const char *text,
                            size_t len, batch_error *error)
{
    batch_request *r = must_alloc(1, sizeof *r);
    json_error_t malformed;
    json_t *body;

    *error = (batch_error){0};
    r->line = line;
    r->base = s;
    r->sampling = *s;
    r->document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &malformed);
    if (!r->document)
        batch_fail(error, "invalid_json", "not valid JSON: column %d: %s",
                   malformed.column, malformed.text);
    name_request(r, error);
    if (error->code)
        return r;
    body = json_object_get(r->document, "body");
    if (body)
        read_envelope(r, body, error);
    else if (json_is_object(r->document))
        body_read(r, r->document, true, error);
    else
        batch_fail(error, "invalid_request", "not an object");
    return r;
}

void request_free(batch_request *r)
{
    if (r->base)
        sampling_free(&r->sampling, r->base);
    json_decref(r->document);
    free(r->custom_id);
    free(r);
}

/* Hands a part of the line to one of the phial_chat functions. */
static phial_status give_json(phial_chat *chat, const json_t *json,
                              phial_status (*give)(phial_chat *, const char *,
                                                   size_t))
{
    char *dump = json_dumps(json, JSON_COMPACT);
    phial_status status;

    if (!dump) {
        complain("out of memory");
        exit(CLI_FAILED);
    }
    status = give(chat, dump, PHIAL_NUL_TERMINATED);
    free(dump);
    return status;
}

static phial_status give_chat(const batch_request *r, phial_session *session)
{
    phial_chat *chat = NULL;
    phial_status status = phial_chat_new(&chat);

    if (status >= 0 && r->tools)
        status = give_json(chat, r->tools, phial_chat_set_tools);
    if (status >= 0)
        status = give_json(chat, r->messages, phial_chat_add_json);
    if (status >= 0)
        status = phial_session_set_chat(session, chat);
    phial_chat_free(chat);
    return status;
}

phial_status request_give(const batch_request *r, phial_session *session)
{
    phial_status status = load_sampling(&r->sampling, session);

    if (status < 0)
        return status;
    if (r->messages)
        return give_chat(r, session);
    status = phial_session_rewind(session, 0);
    if (status >= 0)
        status = phial_session_add_text(session, r->prompt,
                                        PHIAL_NUL_TERMINATED, PHIAL_TEXT_BOS);
    return status;
}
