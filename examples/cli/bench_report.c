/* SPDX-License-Identifier: MIT
 * The tables that people read. */
#include "bench.h"
#include "bench_names.h"
#include "units.h"

#include <stdio.h>

static void print_engine(const bench_engine *e)
{
    char peak[32];

    units_bytes(peak, sizeof peak, e->peak_bytes);
    printf("%-9s%8u%9.2f s%9.2f s%12s%9.1f GB/s%9.1f G/s\n",
           bench_isa_name(e->isa), (unsigned)e->n_threads,
           series_median(&e->load), series_median(&e->first_token), peak,
           series_median(&e->bandwidth) / 1e9, series_median(&e->int8) / 1e9);
}

static void print_task(const bench_engine *e, const bench_stage *stage,
                       const bench_task *t)
{
    double share = bench_share(e, t);
    char range[48];

    snprintf(range, sizeof range, "(%.2f to %.2f)", series_low(&t->speed),
             series_high(&t->speed));
    printf("%-9s%8u %-6s%8llu  %-9s%7llu%10.2f ", bench_isa_name(e->isa),
           (unsigned)e->n_threads, bench_cache_name(stage->cache),
           (unsigned long long)stage->depth, bench_kind_name(t->kind),
           (unsigned long long)t->n_tokens, series_median(&t->speed));
    if (share > 0)
        printf("%-24s%3.0f %% of %s\n", range, share * 100,
               t->kind == BENCH_PREFILL ? e->instruction : "bandwidth");
    else
        printf("%s\n", range);
}

int bench_print(const bench *b)
{
    printf("Measured here and now; rounds: %llu. Medians (lowest to highest); "
           "other work on\nthis machine shows in the figures.\n\n"
           "%-9s%8s%11s%11s%12s%14s%13s\n",
           (unsigned long long)b->s->repeat, "isa", "threads", "load",
           "1st token", "peak memory", "read", "8-bit MACs");
    for (size_t i = 0; i < b->n_engines; i++)
        print_engine(&b->engines[i]);
    printf("\n%-9s%8s %-6s%8s  %-9s%7s%10s\n", "isa", "threads", "cache",
           "depth", "work", "tokens", "tokens/s");
    for (size_t i = 0; i < b->n_engines; i++) {
        const bench_engine *e = &b->engines[i];

        for (size_t k = 0; k < e->n_stages; k++)
            for (size_t t = 0; t < e->stages[k].n_tasks; t++)
                print_task(e, &e->stages[k], &e->stages[k].tasks[t]);
    }
    return CLI_OK;
}
