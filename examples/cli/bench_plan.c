/* SPDX-License-Identifier: MIT
 * Everything that is to be measured: each combination of the values that the
 * command line lists. */
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

/* The rotary factors stay the same throughout: else a prompt that crosses the
 * original context would be read twice. */
phial_session_options bench_session_options(const bench *b,
                                            const bench_stage *stage)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);

    o.n_context = stage->n_context;
    o.cache_format = stage->cache;
    o.rope = b->s->rope;
    if (o.rope == PHIAL_ROPE_AUTO && b->shape.longrope)
        o.rope = stage->n_context > b->shape.n_original ? PHIAL_ROPE_LONG
                                                        : PHIAL_ROPE_SHORT;
    return o;
}

static void add_task(bench_stage *stage, bench_kind kind, uint64_t n_tokens,
                     double work)
{
    stage->tasks[stage->n_tasks++] =
        (bench_task){.kind = kind, .n_tokens = n_tokens, .work = work};
}

static int plan_stage(const bench *b, const bench_engine *e, int32_t cache,
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
    out->tasks = must_alloc(s->prompts.n + 2, sizeof *out->tasks);
    for (size_t i = 0; i < s->prompts.n; i++)
        add_task(out, BENCH_PREFILL, s->prompts.items[i],
                 bench_macs(&b->shape, depth, s->prompts.items[i]));
    for (bench_kind kind = BENCH_DECODE; kind < BENCH_KINDS; kind++)
        add_task(out, kind, s->n_decode,
                 bench_bytes(&b->shape, bytes, depth, s->n_decode));
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
            stage->id = b->n_stages++;
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

        if (phial_estimate(b->s->model, &model, &o, &m) < 0)
            return 0;
        sum += (i ? 0 : m.weights) + m.cache_max + m.scratch;
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

int bench_plan_stages(bench *b)
{
    uint64_t bytes = 0;
    int code = CLI_OK;

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

void bench_free(bench *b)
{
    for (size_t i = 0; i < b->n_engines; i++) {
        for (size_t k = 0; k < b->engines[i].n_stages; k++) {
            phial_session_free(b->engines[i].stages[k].session);
            free(b->engines[i].stages[k].tasks);
        }
        phial_model_free(b->engines[i].model);
        free(b->engines[i].stages);
    }
    free(b->engines);
    bench_peer_free(b->peer);
}
