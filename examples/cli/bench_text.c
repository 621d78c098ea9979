/* SPDX-License-Identifier: MIT
 * What guessing from the text saves: a session that may and one that may not
 * write the same words, which are forced upon them. A word of the file is made
 * a token by its hash: what counts is when words come again, not what they
 * mean. The prose task goes on with the file where its beginning was read; the
 * edit task reads its end and writes that once more, with a word in twenty
 * changed. */
#include "bench_more.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 1 << 20, MAX_READ = 1024, CHANGED = 20 };

static phial_token token_of(uint64_t hash, uint64_t n_vocab)
{
    return (phial_token)(n_vocab / 4 + hash % (n_vocab / 2));
}

int bench_read_words(const char *path, uint64_t n_vocab, bench_words *out)
{
    const uint64_t basis = 0xcbf29ce484222325, prime = 0x100000001b3;
    FILE *f = fopen(path, "rb");
    uint64_t hash = basis;
    int c;

    if (!f) {
        complain("cannot read %s: %s", path, strerror(errno));
        return CLI_FAILED;
    }
    out->tokens = must_alloc(MAX_WORDS, sizeof *out->tokens);
    do {
        c = getc(f);
        if (c > ' ') {
            hash = (hash ^ (uint64_t)c) * prime; /* FNV-1a */
        } else if (hash != basis && out->n < MAX_WORDS) {
            out->tokens[out->n++] = token_of(hash, n_vocab);
            hash = basis;
        }
    } while (c != EOF);
    fclose(f);
    return CLI_OK;
}

/* The words that the task reads, and those that it writes. */
static const phial_token *parts_of(const bench *b, const bench_task *task,
                                   size_t *n_read)
{
    const size_t n = (size_t)task->n_tokens;
    const phial_token *written = b->words.tokens + b->words.n - n;
    const size_t room = (size_t)b->shape.n_context - n - 1;
    size_t most = b->words.n - n < MAX_READ ? b->words.n - n : MAX_READ;

    most = most < room ? most : room;
    *n_read = task->kind == BENCH_EDIT ? n : most;
    return task->kind == BENCH_EDIT ? written : written - most;
}

static phial_token forced(const bench *b, const bench_task *task, size_t i)
{
    const phial_token token =
        b->words.tokens[b->words.n - (size_t)task->n_tokens + i];

    return task->kind == BENCH_EDIT && i % CHANGED == CHANGED - 1 ? token + 1
                                                                  : token;
}

static phial_status open_pair(const bench *b, const bench_engine *e,
                              const bench_stage *stage, bench_task *task)
{
    phial_session_options o = bench_session_options(b, stage);
    phial_status status = PHIAL_OK;
    const phial_token *tokens;
    size_t n, left;

    tokens = parts_of(b, task, &n);
    o.n_context = (uint32_t)(n + task->n_tokens + 1);
    o.flags = PHIAL_SESSION_PRIVATE;
    for (size_t i = 0; i < 2 && status >= 0; i++) {
        status = phial_session_new(e->model, &o, &task->sessions[i]);
        if (status >= 0)
            status = phial_session_add_tokens(task->sessions[i], tokens, n);
        if (status >= 0)
            status = phial_session_prefill(task->sessions[i], SIZE_MAX, &left);
        o.flags |= PHIAL_SESSION_NO_DRAFTS;
    }
    return status;
}

static phial_status write_word(phial_session *session, phial_token token)
{
    static const float all = 1000;
    phial_sampling s = PHIAL_INIT(phial_sampling);
    phial_status status;

    s.flags = PHIAL_SAMPLING_IGNORE_EOS | PHIAL_SAMPLING_SEEDED;
    s.bias_tokens = &token;
    s.bias_values = &all;
    s.n_bias = 1;
    status = phial_session_set_sampling(session, &s);
    return status < 0 ? status : phial_step(&session, 1);
}

static phial_status write_all(const bench *b, const bench_task *task,
                              phial_session *session, bench_series *speed)
{
    const size_t n = (size_t)task->n_tokens;
    phial_status status;
    double start;
    size_t n_read;

    parts_of(b, task, &n_read);
    status = phial_session_rewind(session, n_read);
    start = clock_seconds();
    for (size_t i = 0; i < n && status >= 0; i++)
        status = write_word(session, forced(b, task, i));
    if (status >= 0)
        series_add(speed, (double)n / (clock_seconds() - start));
    return status;
}

phial_status bench_run_text(const bench *b, const bench_engine *e,
                            const bench_stage *stage, bench_task *task)
{
    phial_status status = PHIAL_OK;

    if (!task->sessions[0])
        status = open_pair(b, e, stage, task);
    if (status >= 0)
        status = write_all(b, task, task->sessions[0], &task->speed);
    if (status >= 0)
        status = write_all(b, task, task->sessions[1], &task->plain);
    return status;
}
