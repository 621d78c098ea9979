/* SPDX-License-Identifier: MIT
 * Takes up an interrupted batch. A request whose line is whole is done, whether
 * it was answered or refused. */
#include "batch_resume.h"
#include "batch_lines.h"
#include "batch_result.h"

#include <string.h>

/* Answers have no limit, but a file that is none of ours need not be read
 * whole to find that out. */
#define LONGEST_RESULT ((size_t)1 << 30)

static bool begins_like_a_result(const text_line *line)
{
    const size_t len = strlen(RESULT_BEGINS);

    return !memcmp(line->text, RESULT_BEGINS,
                   line->len < len ? line->len : len);
}

static void note_repeat(batch_done *done, const char *id)
{
    const json_t *before = json_object_get(done->repeats, id);

    json_object_set_new(done->repeats, id,
                        json_integer(json_integer_value(before) + 1));
}

/* False if the line is not a result. */
static bool take_result(const text_line *line, batch_done *done)
{
    json_t *json = json_loadb(line->text, line->len, 0, NULL);
    const char *id = json_string_value(json_object_get(json, "custom_id"));
    const json_t *error = json_object_get(json, "error");
    const char *code = json_string_value(json_object_get(error, "code"));

    if (id && code && !strcmp(code, RESULT_REPEATED))
        note_repeat(done, id);
    else if (id)
        json_object_set_new(done->finished, id, json_true());
    done->n++;
    done->n_failed += error && !json_is_null(error);
    json_decref(json);
    return id && error;
}

static int refuse(const batch_output *o, const line_reader *r)
{
    complain("%s: line %llu is not a result of phial batch", o->name,
             (unsigned long long)r->number);
    return CLI_FAILED;
}

static int read_results(batch_output *o, line_reader *r, batch_done *done)
{
    text_line line;
    line_state state;

    while ((state = lines_next(r, true, &line)) != LINE_END) {
        if (state == LINE_LATER)
            continue;
        if (state == LINE_FAILED)
            return CLI_FAILED;
        if (state == LINE_LONG || !begins_like_a_result(&line))
            return refuse(o, r);
        if (!line.terminated) {
            o->size = (off_t)line.offset;
            return results_cut(o);
        }
        if (!take_result(&line, done))
            return refuse(o, r);
    }
    return CLI_OK;
}

int resume_read(batch_output *o, batch_done *done)
{
    line_reader r;
    int code;

    *done = (batch_done){json_object(), json_object(), 0, 0};
    if (!done->finished || !done->repeats) {
        complain("out of memory");
        return CLI_FAILED;
    }
    lines_begin(o->fd, o->name, LONGEST_RESULT, &r);
    code = o->is_file ? read_results(o, &r, done) : CLI_OK;
    lines_close(&r);
    return code;
}

void resume_free(batch_done *done)
{
    json_decref(done->finished);
    json_decref(done->repeats);
}
