/* SPDX-License-Identifier: MIT
 * Several sessions that write together: one pass over the weights gives each a
 * token. Every session has read tokens of its own, as many as the depth says.
 */
#include "bench_more.h"

#include <stdlib.h>

static phial_status queue_own(const bench *b, phial_session *session,
                              uint64_t first, size_t n)
{
    phial_token *tokens = must_alloc(n + 1, sizeof *tokens);
    phial_status status;

    bench_tokens(&b->shape, first, tokens, n);
    status = phial_session_add_tokens(session, tokens, n);
    free(tokens);
    return status;
}

static phial_status read_own(const bench *b, phial_session *session,
                             uint64_t first, size_t n)
{
    size_t left;
    phial_status status = queue_own(b, session, first, n);

    if (status >= 0)
        status = phial_session_prefill(session, SIZE_MAX, &left);
    return status;
}

static phial_status open_sessions(const bench *b, const bench_engine *e,
                                  const bench_stage *stage, bench_task *task)
{
    phial_session_options o = bench_session_options(b, stage);
    phial_status status = PHIAL_OK;

    for (size_t i = 0; i < task->n_sessions && status >= 0; i++) {
        status = phial_session_new(e->model, &o, &task->sessions[i]);
        if (status >= 0 && stage->depth)
            status = read_own(b, task->sessions[i], 1 + i * stage->depth,
                              (size_t)stage->depth);
    }
    return status;
}

static phial_status prepare(const bench *b, const bench_stage *stage,
                            const bench_task *task)
{
    phial_sampling sampling = PHIAL_INIT(phial_sampling);
    phial_status status = PHIAL_OK;

    sampling.flags = PHIAL_SAMPLING_IGNORE_EOS;
    sampling.max_tokens = task->n_tokens;
    for (size_t i = 0; i < task->n_sessions && status >= 0; i++) {
        phial_session *session = task->sessions[i];
        phial_token token;

        bench_tokens(&b->shape, stage->depth + i, &token, 1);
        status = phial_session_rewind(session, (size_t)stage->depth);
        if (status >= 0)
            status = phial_session_set_sampling(session, &sampling);
        if (status >= 0)
            status = phial_session_add_tokens(session, &token, 1);
    }
    return status;
}

/* The last session begins with a prompt of n tokens while the others generate:
 * how long they wait for a token at most. */
static phial_status measure_wait(const bench *b, const bench_stage *stage,
                                 bench_task *task, size_t n)
{
    phial_session *last = task->sessions[task->n_sessions - 1];
    double longest = 0;
    size_t left = n;
    phial_status status = prepare(b, stage, task);

    if (status >= 0)
        status = phial_session_rewind(last, (size_t)stage->depth);
    if (status >= 0)
        status = queue_own(b, last, stage->depth, n);
    while (status == PHIAL_OK && left) {
        const double start = clock_seconds();
        double waited;

        status = phial_step(task->sessions, task->n_sessions);
        waited = clock_seconds() - start;
        longest = waited > longest ? waited : longest;
        if (status == PHIAL_OK)
            status = phial_session_prefill(last, 0, &left);
    }
    if (status >= 0)
        series_add(&task->wait, longest);
    return status;
}

phial_status bench_run_batch(const bench *b, const bench_engine *e,
                             const bench_stage *stage, bench_task *task)
{
    phial_status status = PHIAL_OK;
    double start;

    if (!task->sessions[0])
        status = open_sessions(b, e, stage, task);
    if (status >= 0)
        status = prepare(b, stage, task);
    if (status < 0)
        return status;
    start = clock_seconds();
    while (status == PHIAL_OK)
        status = phial_step(task->sessions, task->n_sessions);
    if (status >= 0)
        series_add(&task->speed, (double)(task->n_sessions * task->n_tokens) /
                                     (clock_seconds() - start));
    if (status >= 0 && task->n_sessions > 1)
        status = measure_wait(b, stage, task,
                              stage->n_context - 1 - (size_t)stage->depth);
    return status;
}
