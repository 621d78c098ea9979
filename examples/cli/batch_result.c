/* SPDX-License-Identifier: MIT
 * Results in the shape of OpenAI's batch output. Without --times nothing in
 * them depends on when, how fast or beside which others a request ran. */
#include "batch_result.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* As OpenAI has them, with names that are unique in the file. */
static json_t *calls_of(const batch_request *r, const json_t *calls)
{
    json_t *out = must_json(json_array());
    json_t *call;
    size_t i;

    json_array_foreach(calls, i, call)
    {
        char id[48];

        snprintf(id, sizeof id, "call_%llu_%zu", (unsigned long long)r->line,
                 i);
        json_array_append_new(
            out, must_json(json_pack("{s:s, s:s, s:O}", "id", id, "type",
                                     "function", "function", call)));
    }
    return out;
}

static json_t *choice_of(const batch_request *r, const batch_answer *a)
{
    const json_t *calls = a->reply.calls;
    const bool is_cut = a->reply.reason == PHIAL_STOP_LENGTH ||
                        a->reply.reason == PHIAL_STOP_CONTEXT;
    const char *finish = calls ? "tool_calls" : is_cut ? "length" : "stop";
    json_t *text = reply_text(&a->reply);
    json_t *message;

    if (r->prompt)
        return must_json(json_pack("{s:i, s:o, s:n, s:s}", "index", 0, "text",
                                   text, "logprobs", "finish_reason", finish));
    message = must_json(
        json_pack("{s:s, s:o}", "role", "assistant", "content", text));
    if (calls && !a->reply.len)
        json_object_set_new(message, "content", json_null());
    if (calls)
        json_object_set_new(message, "tool_calls", calls_of(r, calls));
    return must_json(json_pack("{s:i, s:o, s:n, s:s}", "index", 0, "message",
                               message, "logprobs", "finish_reason", finish));
}

static json_t *usage_of(const settings *s, const batch_answer *a)
{
    json_t *usage = must_json(
        json_pack("{s:I, s:I, s:I}", "prompt_tokens", (json_int_t)a->prompt,
                  "completion_tokens", (json_int_t)a->generated, "total_tokens",
                  (json_int_t)(a->prompt + a->generated)));

    if (s->times)
        json_object_set_new(usage, "prompt_tokens_details",
                            must_json(json_pack("{s:I}", "cached_tokens",
                                                (json_int_t)a->reused)));
    return usage;
}

static json_t *body_of(const settings *s, const batch_request *r,
                       const batch_answer *a)
{
    const char *slash = strrchr(s->model, '/');
    const char *name = slash ? slash + 1 : s->model;
    char id[40];
    json_t *body;

    snprintf(id, sizeof id, "%s-%llu", r->prompt ? "cmpl" : "chatcmpl",
             (unsigned long long)r->line);
    body = must_json(
        json_pack("{s:s, s:s, s:I, s:o, s:[o], s:o}", "id", id, "object",
                  r->prompt ? "text_completion" : "chat.completion", "created",
                  (json_int_t)(s->times ? time(NULL) : 0), "model",
                  json_text(name, strlen(name)), "choices", choice_of(r, a),
                  "usage", usage_of(s, a)));
    if (s->times)
        json_object_set_new(body, "seconds", must_json(json_real(a->seconds)));
    return body;
}

/* Takes over response and error. */
static char *write_line(const batch_request *r, json_t *response, json_t *error)
{
    char id[40];
    char *line;
    size_t len;
    json_t *json;

    snprintf(id, sizeof id, "batch_req_%llu", (unsigned long long)r->line);
    json = must_json(json_pack("{s:s, s:s, s:o, s:o}", "id", id, "custom_id",
                               r->custom_id, "response", response, "error",
                               error));
    line = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(json);
    len = line ? strlen(line) : 0;
    line = line ? realloc(line, len + 2) : NULL;
    if (!line) {
        complain("out of memory");
        exit(CLI_FAILED);
    }
    memcpy(line + len, "\n", 2);
    return line;
}

char *result_of_answer(const settings *s, const batch_request *r,
                       const batch_answer *a)
{
    char id[40];

    snprintf(id, sizeof id, "req_%llu", (unsigned long long)r->line);
    return write_line(
        r,
        must_json(json_pack("{s:i, s:s, s:o}", "status_code", 200, "request_id",
                            id, "body", body_of(s, r, a))),
        json_null());
}

char *result_of_error(const batch_request *r, const batch_error *error)
{
    return write_line(r, json_null(),
                      must_json(json_pack(
                          "{s:s, s:o}", "code", error->code, "message",
                          json_text(error->message, strlen(error->message)))));
}
