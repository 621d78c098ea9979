/* SPDX-License-Identifier: MIT
 * From lines to requests that are worth computing: not those that an earlier
 * run has done, nor a second one of the same name, nor one that is wrong. */
#include "batch_run.h"

int queue_refuse(batch *b, batch_request *r, const batch_error *error)
{
    int code = results_put(&b->out, r->place, result_of_error(r, error));

    b->n_finished++;
    b->n_failed++;
    request_free(r);
    return code;
}

/* What was refused for its name is counted apart from what has the name, since
 * either may have been written first. */
static bool is_done(batch *b, const batch_request *r, batch_error *error)
{
    const json_t *before = json_object_get(b->seen, r->custom_id);
    const json_int_t n = json_integer_value(before);

    json_object_set_new(b->seen, r->custom_id,
                        json_integer(before ? n + 1 : 0));
    if (!before)
        return json_object_get(b->done.finished, r->custom_id) != NULL;
    *error = (batch_error){0};
    batch_fail(error, RESULT_REPEATED,
               "an earlier line has the same custom_id");
    return n <
           json_integer_value(json_object_get(b->done.repeats, r->custom_id));
}

static batch_request *read_line(batch *b, line_state state,
                                const text_line *line, batch_error *error)
{
    if (state == LINE_READY)
        return request_read(b->s, b->in.number, line->text, line->len, error);
    *error = (batch_error){0};
    batch_fail(error, "line_too_long", "the line is longer than %zu bytes",
               b->in.limit);
    return request_unread(b->in.number);
}

line_state queue_next(batch *b, bool wait, batch_request **out)
{
    for (;;) {
        text_line line;
        batch_error error;
        batch_request *r;
        line_state state = lines_next(&b->in, wait, &line);

        if (state != LINE_READY && state != LINE_LONG)
            return state;
        r = read_line(b, state, &line, &error);
        if (is_done(b, r, &error)) {
            request_free(r);
            continue;
        }
        r->place = b->place++;
        if (!error.code) {
            *out = r;
            return LINE_READY;
        }
        if (queue_refuse(b, r, &error) != CLI_OK)
            return LINE_FAILED;
    }
}
