/* SPDX-License-Identifier: MIT
 * phial score --lines: what completions are worth behind their prompts. What a
 * line shares with the one before it is computed once. */
#include "batch_lines.h"
#include "output.h"
#include "progress.h"
#include "score.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 16 << 20 };

typedef struct line_scorer {
    const settings *s;
    line_reader in;
    score_model model;
    bool bos;
    phial_token *held; /* by the session */
    size_t n_held;
    uint64_t n_all, n_done, n_failed; /* lines; n_all may be unknown: 0 */
    double began;
} line_scorer;

/* A request, and where its completion begins. */
typedef struct line_tokens {
    phial_token *tokens;
    size_t n, first;
} line_tokens;

static size_t common(const phial_token *a, size_t n_a, const phial_token *b,
                     size_t n_b)
{
    size_t n = 0;

    while (n < n_a && n < n_b && a[n] == b[n])
        n++;
    return n;
}

/* Both texts are tokenised as one; a token with bytes of both belongs to the
 * completion. Returns an exit code. */
static int tokenize(const line_scorer *l, const json_t *prompt,
                    const json_t *completion, line_tokens *out)
{
    const size_t n_prompt = json_string_length(prompt);
    const size_t n_more = json_string_length(completion);
    char *text = must_alloc(n_prompt + n_more, 1);
    phial_token *before = NULL;
    size_t n_before = 0;
    int code;

    memcpy(text, json_string_value(prompt), n_prompt);
    memcpy(text + n_prompt, json_string_value(completion), n_more);
    code = score_encode(l->s, l->model.model, l->bos, text, n_prompt, &before,
                        &n_before);
    if (code == CLI_OK)
        code = score_encode(l->s, l->model.model, l->bos, text,
                            n_prompt + n_more, &out->tokens, &out->n);
    out->first = common(before, n_before, out->tokens, out->n);
    free(before);
    free(text);
    return code;
}

/* *logprobs has the n - first values. */
static phial_status compute(line_scorer *l, const line_tokens *t,
                            float *logprobs)
{
    size_t kept = common(l->held, l->n_held, t->tokens, t->first);
    phial_status status = phial_session_rewind(l->model.session, kept);

    if (status < 0)
        return status;
    l->n_held = kept;
    status = phial_session_add_tokens(l->model.session, t->tokens + kept,
                                      t->first - kept);
    if (status < 0)
        return status;
    free(l->held);
    l->held = must_alloc(t->n, sizeof *l->held);
    memcpy(l->held, t->tokens, t->n * sizeof *l->held);
    l->n_held = t->first;
    status = phial_session_score(l->model.session, t->tokens + t->first,
                                 t->n - t->first, logprobs);
    if (status >= 0)
        l->n_held = t->n;
    return status;
}

/* Takes over what is in json. */
static int put(const line_scorer *l, const json_t *request, json_t *json)
{
    const json_t *id = json_object_get(request, "id");
    json_t *line =
        must_json(json_pack("{s:I}", "line", (json_int_t)l->in.number));

    if (id)
        json_object_set(line, "id", (json_t *)id);
    json_object_update(line, must_json(json));
    json_decref(json);
    return output_json(line);
}

static int refuse(line_scorer *l, const json_t *request, const char *why)
{
    l->n_failed++;
    return put(l, request,
               json_pack("{s:o}", "error", json_text(why, strlen(why))));
}

static int score_tokens_of(line_scorer *l, const json_t *request,
                           const line_tokens *t)
{
    const size_t n = t->n - t->first;
    float *logprobs;
    double sum = 0;
    phial_status status;

    if (!n)
        return refuse(l, request, "the completion has no tokens");
    if (!t->first)
        return refuse(l, request,
                      "nothing precedes the completion: without a "
                      "prompt the model needs a BOS token");
    logprobs = must_alloc(n, sizeof *logprobs);
    status = compute(l, t, logprobs);
    for (size_t i = 0; i < n; i++)
        sum += (double)logprobs[i];
    free(logprobs);
    if (status == PHIAL_E_CANCELLED)
        return CLI_INTERRUPTED;
    if (status < 0)
        return refuse(l, request, phial_last_error());
    return put(l, request,
               json_pack("{s:f, s:I, s:f}", "logprob", sum, "tokens",
                         (json_int_t)n, "mean", sum / (double)n));
}

static int score_request(line_scorer *l, const json_t *request)
{
    const json_t *prompt = json_object_get(request, "prompt");
    const json_t *completion = json_object_get(request, "completion");
    line_tokens t = {0};
    int code;

    if (!json_is_string(prompt) || !json_is_string(completion))
        return refuse(l, request,
                      "not an object with the texts \"prompt\" and "
                      "\"completion\"");
    code = tokenize(l, prompt, completion, &t);
    if (code == CLI_OK)
        code = score_tokens_of(l, request, &t);
    free(t.tokens);
    return code;
}

static int score_line(line_scorer *l, line_state state, const text_line *line)
{
    json_error_t error;
    json_t *request;
    char why[256];
    int code;

    if (state == LINE_LONG)
        return refuse(l, NULL, "the line is longer than 16 MiB");
    request = json_loadb(line->text, line->len,
                         JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!request) {
        snprintf(why, sizeof why, "not valid JSON: column %d: %s", error.column,
                 error.text);
        return refuse(l, NULL, why);
    }
    code = score_request(l, request);
    json_decref(request);
    return code;
}

static void show_progress(const line_scorer *l)
{
    const double seconds = clock_seconds() - l->began;
    char left[32], line[80];

    if (!terminal_errors())
        return;
    score_time_left(left, sizeof left, (double)l->n_done, (double)l->n_all,
                    seconds);
    if (l->n_all)
        snprintf(line, sizeof line, "%llu/%llu lines scored, %s left",
                 (unsigned long long)l->n_done, (unsigned long long)l->n_all,
                 left);
    else
        snprintf(line, sizeof line, "%llu lines scored",
                 (unsigned long long)l->n_done);
    progress_line(line);
}

static int score_all(line_scorer *l)
{
    text_line line;
    line_state state;
    int code = CLI_OK;

    l->began = clock_seconds();
    progress_begin("scoring");
    while (code == CLI_OK) {
        state = lines_next(&l->in, true, &line);
        if (interrupt_seen())
            code = CLI_INTERRUPTED;
        else if (state == LINE_FAILED)
            code = CLI_FAILED;
        else if (state == LINE_READY || state == LINE_LONG)
            code = score_line(l, state, &line);
        if (code != CLI_OK || state == LINE_END)
            break;
        l->n_done += state != LINE_LATER;
        show_progress(l);
    }
    progress_clear();
    return code;
}

static int open_and_score(line_scorer *l)
{
    phial_session_options options = load_session_options(l->s);
    int code = score_open(l->s, l->s->model, &l->model);

    if (code == CLI_OK)
        code = score_wants_bos(l->s, l->model.model, &l->bos);
    if (code == CLI_OK)
        code = score_start(&options, &l->model);
    if (code != CLI_OK)
        return code;
    interrupt_catch(l->model.session, true);
    code = score_all(l);
    interrupt_release();
    return code;
}

int score_lines(const settings *s)
{
    line_scorer l = {.s = s};
    int code = lines_open(s->lines_file, LONGEST_LINE, &l.in);

    if (code != CLI_OK)
        return code;
    if (terminal_errors())
        l.n_all = lines_count(&l.in);
    code = open_and_score(&l);
    if (code == CLI_INTERRUPTED && l.model.session)
        complain("interrupted: %llu lines are scored",
                 (unsigned long long)l.n_done);
    if (code == CLI_OK && l.n_failed) {
        complain("%llu of %llu lines failed; theirs in the output say why",
                 (unsigned long long)l.n_failed, (unsigned long long)l.n_done);
        code = CLI_FAILED;
    }
    score_close(&l.model);
    lines_close(&l.in);
    free(l.held);
    return code;
}
