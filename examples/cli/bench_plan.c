/* SPDX-License-Identifier: MIT
 * Everything that is to be measured: each combination of the values that the
 * command line lists. */
#include "bench_more.h"
#include "bench_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t largest(const number_list *list)
{
    uint64_t max = 0;

    for (size_t i = 0; i < list->n; i++)
        max = list->items[i] > max ? list->items[i] : max;
    return max;
}

phial_model_options bench_model_options(const bench_engine *e)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);

    o.n_threads = e->n_threads;
    o.isa = e->isa;
    return o;
}

/* All that is measured is computed: nothing is taken from another session, and
 * nothing guessed. The rotary factors stay the same throughout: else a prompt
 * that crosses the original context would be read twice. */
phial_session_options bench_session_options(const bench *b,
                                            const bench_stage *stage)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);

    o.n_context = stage->n_context;
    o.cache_format = stage->cache;
    o.rope = b->s->rope;
    o.flags = PHIAL_SESSION_PRIVATE | PHIAL_SESSION_NO_DRAFTS;
    if (o.rope == PHIAL_ROPE_AUTO && b->shape.longrope)
        o.rope = stage->n_context > b->shape.n_original ? PHIAL_ROPE_LONG
                                                        : PHIAL_ROPE_SHORT;
    return o;
}

static bench_task *add_task(bench_stage *stage, bench_kind kind,
                            uint64_t n_tokens, double work)
{
    bench_task *task = &stage->tasks[stage->n_tasks++];

    *task = (bench_task){.kind = kind, .n_tokens = n_tokens, .work = work};
    return task;
}

static void give_sessions(bench *b, bench_task *task, size_t n)
{
    task->id = b->n_ids++;
    task->n_sessions = n;
    task->sessions = must_alloc(n, sizeof *task->sessions);
}

static void plan_tasks(bench *b, bench_stage *stage,
                       double cache_bytes_per_token)
{
    const settings *s = b->s;
    const double bytes = bench_bytes(&b->shape, cache_bytes_per_token,
                                     stage->depth, s->n_decode);

    stage->tasks =
        must_alloc(s->prompts.n + s->batches.n + 4, sizeof *stage->tasks);
    for (size_t i = 0; i < s->prompts.n; i++)
        add_task(stage, BENCH_PREFILL, s->prompts.items[i],
                 bench_macs(&b->shape, stage->depth, s->prompts.items[i]));
    add_task(stage, BENCH_DECODE, s->n_decode, bytes);
    add_task(stage, BENCH_GENERATE, s->n_decode, bytes);
    for (size_t i = 0; i < s->batches.n; i++)
        give_sessions(b,
                      add_task(stage, BENCH_BATCH, s->n_decode,
                               bench_macs(&b->shape, stage->depth, 1)),
                      (size_t)s->batches.items[i]);
    for (bench_kind kind = BENCH_PROSE;
         b->words.n && !stage->depth && kind < BENCH_KINDS; kind++)
        give_sessions(b, add_task(stage, kind, s->n_decode, 0), 2);
}

static int plan_stage(bench *b, const bench_engine *e, int32_t cache,
                      uint64_t depth, bench_stage *out)
{
    const settings *s = b->s;
    uint64_t most = largest(&s->prompts);
    phial_model_options model = bench_model_options(e);
    phial_session_options session;
    phial_memory memory = PHIAL_INIT(phial_memory);
    phial_status status;
    double bytes;

    most = most > s->n_decode ? most : s->n_decode;
    *out = (bench_stage){.cache = cache,
                         .depth = depth,
                         .n_context = (uint32_t)(depth + most + 1)};
    session = bench_session_options(b, out);
    session.n_context = 0; /* the largest: memory comes in whole pages */
    status = phial_estimate(s->model, &model, &session, &memory);
    if (status < 0)
        return library_error(status);
    bytes = (double)memory.cache_max / (double)b->shape.n_context;
    plan_tasks(b, out, bytes);
    return CLI_OK;
}

static int plan_engine(bench *b, bench_engine *e)
{
    const settings *s = b->s;
    int code = CLI_OK;

    e->stages = must_alloc(s->caches.n * s->depths.n, sizeof *e->stages);
    for (size_t i = 0; i < s->caches.n; i++) {
        for (size_t k = 0; k < s->depths.n && code == CLI_OK; k++) {
            bench_stage *stage = &e->stages[e->n_stages++];

            code = plan_stage(b, e, (int32_t)s->caches.items[i],
                              s->depths.items[k], stage);
            stage->id = b->n_ids++;
            b->n_left += stage->n_tasks * (size_t)s->repeat;
        }
    }
    return code;
}

/* What an engine with all its sessions takes; 0 if that cannot be told. */
static uint64_t engine_bytes(const bench *b, const bench_engine *e)
{
    phial_model_options model = bench_model_options(e);
    uint64_t sum = 0;

    for (size_t i = 0; i < e->n_stages; i++) {
        phial_session_options o = bench_session_options(b, &e->stages[i]);
        phial_memory m = PHIAL_INIT(phial_memory);
        uint64_t n = 1;

        if (phial_estimate(b->s->model, &model, &o, &m) < 0)
            return 0;
        sum += i ? 0 : m.weights;
        for (size_t k = 0; k < e->stages[i].n_tasks; k++)
            n += e->stages[i].tasks[k].n_sessions;
        sum += n * (m.cache_max + m.scratch);
    }
    return sum;
}

/* Memory that is free or can be freed; where the system does not tell, half
 * of all there is. */
static uint64_t free_bytes(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    unsigned long long kib = 0;

    while (f && fgets(line, sizeof line, f) &&
           sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
        continue;
    if (f)
        fclose(f);
    if (kib)
        return kib * 1024;
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) /
           2;
}

void bench_plan_engines(const settings *s, bench *out)
{
    size_t n = s->isas.n * s->thread_counts.n;

    *out = (bench){.s = s,
                   .engines = must_alloc(n, sizeof *out->engines),
                   .n_left = n * (size_t)s->repeat};
    for (size_t i = 0; i < s->isas.n; i++)
        for (size_t k = 0; k < s->thread_counts.n; k++)
            out->engines[out->n_engines++] = (bench_engine){
                .isa = (int32_t)s->isas.items[i],
                .n_threads = (uint32_t)s->thread_counts.items[k]};
}

static int read_text(bench *b)
{
    const settings *s = b->s;
    int code;

    if (!s->text_file)
        return CLI_OK;
    code = bench_read_words(s->text_file, b->shape.n_vocab, &b->words);
    if (code == CLI_OK && b->words.n < 2 * s->n_decode) {
        complain("%s has %zu words, --decode %llu needs twice as many",
                 s->text_file, b->words.n, (unsigned long long)s->n_decode);
        code = CLI_FAILED;
    }
    if (code == CLI_OK && b->shape.n_context < 2 * s->n_decode + 1) {
        complain("--text with --decode %llu needs a context of %llu tokens, "
                 "the model has %llu",
                 (unsigned long long)s->n_decode,
                 (unsigned long long)(2 * s->n_decode + 1),
                 (unsigned long long)b->shape.n_context);
        code = CLI_FAILED;
    }
    return code;
}

int bench_plan_stages(bench *b)
{
    uint64_t bytes = 0;
    int code = read_text(b);

    for (size_t i = 0; i < b->n_engines && code == CLI_OK; i++) {
        code = plan_engine(b, &b->engines[i]);
        bytes += engine_bytes(b, &b->engines[i]);
    }
    /* llama.cpp keeps one model, but may hold it twice, and two caches for
     * each of ours */
    if (b->peer)
        bytes = 3 * bytes + 2 * b->shape.weight_bytes;
    b->together = bytes < free_bytes() / 10 * 9;
    return code;
}

void bench_close_stage(bench_stage *stage)
{
    phial_session_free(stage->session);
    stage->session = NULL;
    stage->peer_open = false;
    for (size_t i = 0; i < stage->n_tasks; i++) {
        bench_task *task = &stage->tasks[i];

        task->peer_open = false;
        for (size_t k = 0; k < task->n_sessions; k++) {
            phial_session_free(task->sessions[k]);
            task->sessions[k] = NULL;
        }
    }
}

static void free_stage(bench_stage *stage)
{
    bench_close_stage(stage);
    for (size_t i = 0; i < stage->n_tasks; i++)
        free(stage->tasks[i].sessions);
    free(stage->tasks);
}

void bench_free(bench *b)
{
    for (size_t i = 0; i < b->n_engines; i++) {
        for (size_t k = 0; k < b->engines[i].n_stages; k++)
            free_stage(&b->engines[i].stages[k]);
        phial_model_free(b->engines[i].model);
        free(b->engines[i].stages);
    }
    free(b->engines);
    free(b->words.tokens);
    bench_peer_free(b->peer);
}
