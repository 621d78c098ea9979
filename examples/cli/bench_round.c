/* SPDX-License-Identifier: MIT
 * One round over all tasks. A session is filled to its depth once and goes
 * back there for every task. */
#include "bench_more.h"
#include "bench_peer.h"
#include "probes.h"
#include "progress.h"
#include "terminal.h"

#include <stdlib.h>

static phial_status read_tokens(const bench *b, bench_stage *stage,
                                uint64_t first, size_t n)
{
    phial_token *tokens = must_alloc(n, sizeof *tokens);
    size_t left = n;
    phial_status status;

    bench_tokens(&b->shape, first, tokens, n);
    status = phial_session_add_tokens(stage->session, tokens, n);
    free(tokens);
    while (status >= 0 && left)
        status = phial_session_prefill(stage->session, left, &left);
    return status;
}

/* One at a time, and the logits behind each, as a caller does who samples. */
static phial_status step_tokens(const bench *b, bench_stage *stage, size_t n)
{
    phial_status status = PHIAL_OK;

    for (size_t i = 0; i < n && status >= 0; i++) {
        const float *logits;
        size_t n_vocab;
        phial_token token;

        bench_tokens(&b->shape, stage->depth + i, &token, 1);
        status = phial_session_add_tokens(stage->session, &token, 1);
        if (status >= 0)
            status =
                phial_session_get_logits(stage->session, &logits, &n_vocab);
    }
    return status;
}

/* n passes: one for the token that is given, the others for all that is
 * generated but the last. */
static phial_status generate(const bench *b, bench_stage *stage, size_t n)
{
    phial_sampling sampling = PHIAL_INIT(phial_sampling);
    phial_token token;
    phial_status status;

    sampling.flags = PHIAL_SAMPLING_IGNORE_EOS;
    sampling.max_tokens = n;
    bench_tokens(&b->shape, stage->depth, &token, 1);
    status = phial_session_set_sampling(stage->session, &sampling);
    if (status >= 0)
        status = phial_session_add_tokens(stage->session, &token, 1);
    while (status == PHIAL_OK) {
        phial_event event = PHIAL_INIT(phial_event);

        status = phial_session_next(stage->session, &event);
    }
    return status;
}

static phial_status run_alone(const bench *b, bench_stage *stage,
                              bench_task *task)
{
    size_t n = (size_t)task->n_tokens;
    phial_status status =
        phial_session_rewind(stage->session, (size_t)stage->depth);
    double start = clock_seconds();

    if (status < 0)
        return status;
    switch (task->kind) {
    case BENCH_PREFILL:
        status = read_tokens(b, stage, stage->depth, n);
        break;
    case BENCH_DECODE:
        status = step_tokens(b, stage, n);
        break;
    default:
        status = generate(b, stage, n);
        break;
    }
    if (status >= 0)
        series_add(&task->speed, (double)n / (clock_seconds() - start));
    return status;
}

static phial_status run_task(const bench *b, const bench_engine *e,
                             bench_stage *stage, bench_task *task)
{
    switch (task->kind) {
    case BENCH_BATCH:
        return bench_run_batch(b, e, stage, task);
    case BENCH_PROSE:
    case BENCH_EDIT:
        return bench_run_text(b, e, stage, task);
    default:
        return run_alone(b, stage, task);
    }
}

/* The first pass over new memory is slower: a few tokens go before. */
static phial_status open_session(const bench *b, const bench_engine *e,
                                 bench_stage *stage)
{
    phial_session_options o = bench_session_options(b, stage);
    phial_session *session = NULL;
    phial_status status = phial_session_new(e->model, &o, &session);
    size_t n = stage->depth ? (size_t)stage->depth : stage->n_context / 2;

    stage->session = session;
    return status < 0 ? status : read_tokens(b, stage, 0, n < 1 ? 1 : n);
}

static int run_tasks(bench *b, const bench_engine *e, bench_stage *stage)
{
    int code = CLI_OK;

    for (size_t i = 0; i < stage->n_tasks && code == CLI_OK; i++) {
        phial_status status = run_task(b, e, stage, &stage->tasks[i]);

        if (status < 0)
            code = library_error(status);
        else if (b->peer)
            code = bench_peer_measure(b->peer, e, stage, &stage->tasks[i]);
        progress_update((double)++b->done / (double)b->n_left);
    }
    return code;
}

static int run_stage(bench *b, const bench_engine *e, bench_stage *stage)
{
    phial_status status = PHIAL_OK;
    int code = CLI_OK;

    if (!stage->session)
        status = open_session(b, e, stage);
    if (status < 0)
        return library_error(status);
    if (b->peer && !stage->peer_open) {
        code = bench_peer_open(b->peer, e, stage);
        stage->peer_open = true;
    }
    if (interrupt_seen())
        return CLI_INTERRUPTED;
    interrupt_catch(stage->session, true);
    if (code == CLI_OK)
        code = run_tasks(b, e, stage);
    if (interrupt_seen())
        return CLI_INTERRUPTED;
    interrupt_catch(NULL, true);
    return code;
}

static void run_probes(bench_engine *e)
{
    double rate = probe_bandwidth(e->n_threads);

    if (rate > 0)
        series_add(&e->bandwidth, rate);
    rate = probe_int8(e->n_threads, e->isa, &e->instruction);
    if (rate > 0)
        series_add(&e->int8, rate);
}

static void close_engine(bench *b, bench_engine *e)
{
    for (size_t i = 0; i < e->n_stages; i++)
        bench_close_stage(&e->stages[i]);
    phial_model_free(e->model);
    e->model = NULL;
    if (b->peer)
        bench_peer_stop(b->peer);
}

static int open_engine(bench *b, bench_engine *e)
{
    phial_model_options options = bench_model_options(e);
    phial_status status = PHIAL_OK;
    int code = CLI_OK;

    if (b->peer)
        code = bench_peer_start(b->peer, b->s->model);
    if (code == CLI_OK && !e->model)
        status = phial_model_open(b->s->model, &options, &e->model);
    return status < 0 ? model_error(status) : code;
}

static int run_engine(bench *b, bench_engine *e)
{
    int code = open_engine(b, e);

    if (code == CLI_OK)
        run_probes(e);
    for (size_t i = 0; i < e->n_stages && code == CLI_OK; i++)
        code = run_stage(b, e, &e->stages[i]);
    if (!b->together)
        close_engine(b, e);
    return code;
}

int bench_round(bench *b)
{
    int code = CLI_OK;

    for (size_t i = 0; i < b->n_engines && code == CLI_OK; i++)
        code = run_engine(b, &b->engines[i]);
    return code;
}
