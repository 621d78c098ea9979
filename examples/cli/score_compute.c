/* SPDX-License-Identifier: MIT
 * Reads the windows, some dozen tokens at a time, and scores each token by the
 * logits before it. With a reference the models take turns, so that of both
 * only the logits of a piece are ever held. */
#include "progress.h"
#include "score.h"
#include "terminal.h"

#include <math.h>
#include <stdlib.h>

enum { PIECE = 32 };

/* All of a window is queued before any of it is computed: LongRoPE's factors go
 * by its length. */
static phial_status queue(score_run *run, score_model *m, const score_window *w)
{
    const phial_token *tokens = run->text.tokens + w->begin;
    const size_t skipped = w->replace_first;
    phial_status status = phial_session_rewind(m->session, 0);

    if (status >= 0 && skipped)
        status = phial_session_add_tokens(m->session, &run->text.bos, 1);
    if (status >= 0)
        status = phial_session_add_tokens(m->session, tokens + skipped,
                                          w->end - w->begin - skipped);
    return status;
}

/* What only precedes the tokens that are scored. */
static phial_status read_context(score_run *run, score_model *m, size_t n)
{
    phial_status status = PHIAL_OK;
    size_t left;

    interrupt_cancels(m->session);
    while (status >= 0 && n) {
        const size_t step = n < PIECE * 2 ? n : PIECE * 2;

        status = phial_session_prefill(m->session, step, &left);
        n -= step;
        run->n_read += step;
        score_show_progress(run);
    }
    return status;
}

/* Rows of the n tokens from index first of the window on. */
static phial_status read_rows(score_run *run, score_model *m, size_t first,
                              size_t n)
{
    size_t got;

    interrupt_cancels(m->session);
    run->n_read += n;
    return phial_session_get_rows(m->session, first, n, m->rows,
                                  PIECE * m->n_vocab, &got);
}

static double nll_of(const score_model *m, size_t row, phial_token token)
{
    const float *logits = m->rows + row * m->n_vocab;

    return score_log_sum_exp(logits, m->n_vocab) - (double)logits[token];
}

/* Token `index` of the text is predicted by a row of the piece. */
static int score_one(score_run *run, const phial_tokenizer *t, size_t window,
                     size_t index, size_t row)
{
    score_tokens *out = &run->scored;
    const size_t i = out->n;
    const phial_token token = run->text.tokens[index];
    const size_t n_vocab = run->model.n_vocab;

    out->window[i] = window;
    out->nll[i] = nll_of(&run->model, row, token);
    if (run->reference.model) {
        score_distance d =
            score_compare(run->reference.rows + row * n_vocab,
                          run->model.rows + row * n_vocab, n_vocab);

        out->reference[i] = nll_of(&run->reference, row, token);
        out->kl[i] = d.kl;
        out->same_top[i] = d.same_top;
    }
    run->sum += out->nll[i];
    out->n++;
    return run->s->token_lines ? score_print_token(run, t, index, i) : CLI_OK;
}

static int score_piece(score_run *run, const phial_tokenizer *t, size_t window,
                       size_t first, size_t n)
{
    const score_window *w = &run->windows.items[window];
    phial_status status = read_rows(run, &run->model, first - 1 - w->begin, n);
    int code = CLI_OK;

    if (status >= 0 && run->reference.model)
        status = read_rows(run, &run->reference, first - 1 - w->begin, n);
    if (status < 0)
        return library_error(status);
    for (size_t i = 0; i < n && code == CLI_OK; i++)
        code = score_one(run, t, window, first + i, i);
    score_show_progress(run);
    return code;
}

static int score_one_window(score_run *run, const phial_tokenizer *t, size_t i)
{
    const score_window *w = &run->windows.items[i];
    score_model *const models[] = {&run->model, &run->reference};
    int code = CLI_OK;

    for (size_t m = 0; m < 2 && models[m]->model; m++) {
        phial_status status = queue(run, models[m], w);

        if (status >= 0)
            status = read_context(run, models[m], w->first - 1 - w->begin);
        if (status < 0)
            return library_error(status);
    }
    for (size_t at = w->first; at < w->end && code == CLI_OK; at += PIECE)
        code = score_piece(run, t, i, at,
                           w->end - at < PIECE ? w->end - at : PIECE);
    return code;
}

static int make_room(score_run *run, score_model *m)
{
    phial_session_options options = load_session_options(run->s);

    options.n_context = (uint32_t)run->windows.context;
    options.flags = PHIAL_SESSION_PRIVATE | PHIAL_SESSION_NO_DRAFTS;
    m->rows = must_alloc(m->n_vocab, PIECE * sizeof *m->rows);
    return score_start(&options, m);
}

static int prepare(score_run *run)
{
    const size_t n = run->windows.n_scored;
    score_tokens *t = &run->scored;
    int code = make_room(run, &run->model);

    if (code == CLI_OK && run->reference.model)
        code = make_room(run, &run->reference);
    t->window = must_alloc(n, sizeof *t->window);
    t->nll = must_alloc(n, sizeof *t->nll);
    if (run->reference.model) {
        t->reference = must_alloc(n, sizeof *t->reference);
        t->kl = must_alloc(n, sizeof *t->kl);
        t->same_top = must_alloc(n, sizeof *t->same_top);
    }
    return code;
}

int score_compute(score_run *run)
{
    phial_tokenizer *t = NULL;
    int code = prepare(run);
    phial_status status = phial_model_get_tokenizer(run->model.model, &t);

    if (code == CLI_OK && status < 0)
        code = library_error(status);
    run->began = clock_seconds();
    interrupt_catch(NULL, true);
    progress_begin("scoring");
    for (size_t i = 0; i < run->windows.n && code == CLI_OK; i++) {
        code = score_one_window(run, t, i);
        if (code == CLI_OK && interrupt_seen())
            code = CLI_INTERRUPTED;
    }
    progress_clear();
    interrupt_release();
    run->interrupted = code == CLI_INTERRUPTED;
    phial_tokenizer_free(t);
    return code;
}
