/* SPDX-License-Identifier: MIT
 * The body of a request. A field that could change the answer and is not known
 * here is refused, never passed over. */
#include "batch_request.h"

#include <stdlib.h>
#include <string.h>

/* Fields of a body that may be there with this value only, as JSON. */
static const char *const fixed[][2] = {
    {"stream", "false"},
    {"n", "1"},
    {"logprobs", "false"},
    {"tool_choice", "\"auto\""},
    {"response_format", "{\"type\":\"text\"}"},
};

static bool fixed_field(const char *key, const json_t *value,
                        batch_error *error)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        char *dump;

        if (strcmp(fixed[i][0], key))
            continue;
        dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!dump || strcmp(dump, fixed[i][1]))
            batch_fail(error, "invalid_request",
                       "\"%s\" is %.100s; only %s is possible here", key,
                       dump ? dump : "too large", fixed[i][1]);
        free(dump);
        return true;
    }
    return false;
}

/* No answer depends on these. */
static bool is_harmless(const char *key)
{
    static const char *const keys[] = {"model", "user", "metadata", "store"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(keys[i], key))
            return true;
    return false;
}

static void input_field(batch_request *r, const char *key, const json_t *value,
                        batch_error *error)
{
    if (!strcmp(key, "messages"))
        r->messages = value;
    else if (!strcmp(key, "tools"))
        r->tools = value;
    else
        r->prompt = json_string_value(value);
    if (!strcmp(key, "prompt") ? !r->prompt : !json_is_array(value))
        batch_fail(error, "invalid_request", "\"%s\" is not %s", key,
                   strcmp(key, "prompt") ? "an array" : "a text");
}

/* null is as good as nothing, in OpenAI's API too. */
static void body_field(batch_request *r, const char *key, const json_t *value,
                       batch_error *error)
{
    if (is_harmless(key) || json_is_null(value))
        return;
    if (!strcmp(key, "messages") || !strcmp(key, "tools") ||
        !strcmp(key, "prompt"))
        input_field(r, key, value, error);
    else if (!fixed_field(key, value, error) &&
             !sampling_field(&r->sampling, key, value, error))
        batch_fail(error, "invalid_request",
                   "there is no field \"%.100s\" here", key);
}

void body_read(batch_request *r, json_t *body, bool bare, batch_error *error)
{
    const json_t *old = json_object_get(body, "max_tokens");
    const json_t *new = json_object_get(body, "max_completion_tokens");
    const char *key;
    json_t *value;

    json_object_foreach(body, key, value)
    {
        if (!bare || strcmp(key, "custom_id"))
            body_field(r, key, value, error);
        if (error->code)
            return;
    }
    if (json_is_integer(old) && json_is_integer(new) && !json_equal(old, new))
        batch_fail(error, "invalid_request",
                   "\"max_tokens\" and \"max_completion_tokens\" differ");
    else if (!r->messages == !r->prompt)
        batch_fail(error, "invalid_request", "there is %s",
                   r->prompt ? "both \"messages\" and \"prompt\""
                             : "neither \"messages\" nor \"prompt\"");
    else if (r->prompt && r->tools)
        batch_fail(error, "invalid_request",
                   "\"tools\" are for \"messages\", not for a \"prompt\"");
}
