/* SPDX-License-Identifier: MIT
 * Everything that was measured, as JSON. */
#include "bench_names.h"
#include "bench_peer.h"
#include "output.h"

#include <string.h>

static json_t *series_json(const bench_series *series)
{
    return json_pack("{s:f, s:f, s:f}", "median", series_median(series), "min",
                     series_low(series), "max", series_high(series));
}

/* Members that are there only with llama.cpp beside us. */
static json_t *add_peer_engine(json_t *json, const bench_engine *e)
{
    if (e->peer_load.n)
        json_object_set_new(
            json, "peer",
            json_pack("{s:o, s:o, s:I}", "load_seconds",
                      series_json(&e->peer_load), "first_token_seconds",
                      series_json(&e->peer_first_token), "peak_resident_bytes",
                      (json_int_t)e->peer_peak_bytes));
    return json;
}

static json_t *add_peer_task(json_t *json, const bench *b, const bench_task *t)
{
    int best = bench_peer_best(t);
    bench_series ratio = series_ratio(&t->speed, &t->peer[best]);

    if (t->peer_lacks)
        json_object_set_new(json, "peer", json_null());
    if (ratio.n)
        json_object_set_new(json, "peer",
                            json_pack("{s:o, s:s, s:b, s:o}",
                                      "tokens_per_second",
                                      series_json(&t->peer[best]), "option",
                                      bench_peer_option(b->peer), "with_option",
                                      best, "ratio", series_json(&ratio)));
    return json;
}

/* The same without guesses. */
static void add_plain(json_t *json, const bench_task *t)
{
    bench_series ratio = series_ratio(&t->speed, &t->plain);

    json_object_set_new(json, "plain",
                        json_pack("{s:o, s:o}", "tokens_per_second",
                                  series_json(&t->plain), "ratio",
                                  series_json(&ratio)));
}

static json_t *engine_json(const bench_engine *e)
{
    json_t *json = json_pack(
        "{s:s, s:I, s:o, s:o, s:I, s:o, s:s, s:o}", "isa",
        bench_isa_name(e->isa), "threads", (json_int_t)e->n_threads,
        "load_seconds", series_json(&e->load), "first_token_seconds",
        series_json(&e->first_token), "peak_resident_bytes",
        (json_int_t)e->peak_bytes, "read_bytes_per_second",
        series_json(&e->bandwidth), "int8_instruction", e->instruction,
        "int8_macs_per_second", series_json(&e->int8));

    return add_peer_engine(json, e);
}

static json_t *task_json(const bench *b, const bench_engine *e,
                         const bench_stage *stage, const bench_task *t)
{
    bool macs = bench_counts_macs(t->kind);

    json_t *json = json_pack(
        "{s:s, s:I, s:s, s:I, s:s, s:I, s:o, s:f, s:f}", "isa",
        bench_isa_name(e->isa), "threads", (json_int_t)e->n_threads, "cache",
        bench_cache_name(stage->cache), "depth", (json_int_t)stage->depth,
        "work", bench_kind_name(t->kind), "tokens", (json_int_t)t->n_tokens,
        "tokens_per_second", series_json(&t->speed),
        macs ? "macs_per_token" : "bytes_per_token", t->work,
        macs ? "share_of_int8_macs" : "share_of_read_bytes", bench_share(e, t));

    if (t->kind == BENCH_BATCH)
        json_object_set_new(json, "sessions",
                            json_integer((json_int_t)t->n_sessions));
    if (t->plain.n)
        add_plain(json, t);
    if (t->wait.n)
        json_object_set_new(json, "longest_wait_seconds",
                            series_json(&t->wait));
    return add_peer_task(json, b, t);
}

static json_t *results_json(const bench *b)
{
    json_t *list = json_array();

    for (size_t i = 0; i < b->n_engines; i++) {
        const bench_engine *e = &b->engines[i];

        for (size_t k = 0; k < e->n_stages; k++)
            for (size_t t = 0; t < e->stages[k].n_tasks; t++)
                json_array_append_new(list, task_json(b, e, &e->stages[k],
                                                      &e->stages[k].tasks[t]));
    }
    return list;
}

int bench_print_json(const bench *b)
{
    json_t *engines = json_array();

    for (size_t i = 0; i < b->n_engines; i++)
        json_array_append_new(engines, engine_json(&b->engines[i]));
    return output_json(
        json_pack("{s:o, s:o, s:I, s:b, s:o, s:o}", "file",
                  json_text(b->s->model, strlen(b->s->model)), "library",
                  json_loads(phial_build_info(), 0, NULL), "rounds",
                  (json_int_t)b->s->repeat, "together", b->together, "engines",
                  engines, "results", results_json(b)));
}
