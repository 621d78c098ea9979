/* SPDX-License-Identifier: MIT
 * The tables that people read. */
#include "bench_names.h"
#include "bench_peer.h"
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
    char range[48], name[32];

    snprintf(range, sizeof range, "(%.2f to %.2f)", series_low(&t->speed),
             series_high(&t->speed));
    if (t->kind == BENCH_BATCH)
        snprintf(name, sizeof name, "%s %zu", bench_kind_name(t->kind),
                 t->n_sessions);
    else
        snprintf(name, sizeof name, "%s", bench_kind_name(t->kind));
    printf("%-9s%8u %-6s%8llu  %-9s%7llu%10.2f ", bench_isa_name(e->isa),
           (unsigned)e->n_threads, bench_cache_name(stage->cache),
           (unsigned long long)stage->depth, name,
           (unsigned long long)t->n_tokens, series_median(&t->speed));
    if (share > 0)
        printf("%-24s%3.0f %% of %s\n", range, share * 100,
               bench_counts_macs(t->kind) ? e->instruction : "bandwidth");
    else
        printf("%s\n", range);
}

/* llama.cpp's load time and memory, below ours. */
static void print_peer_engine(const bench_engine *e)
{
    char peak[32];

    if (!e->peer_load.n)
        return;
    units_bytes(peak, sizeof peak, e->peer_peak_bytes);
    printf("%-9s%8s%9.2f s%9.2f s%12s\n", "  peer", "",
           series_median(&e->peer_load), series_median(&e->peer_first_token),
           peak);
}

static void print_peer_task(const bench *b, const bench_task *t)
{
    int best = bench_peer_best(t);
    const bench_series *peer = &t->peer[best];
    bench_series ratio = series_ratio(&t->speed, peer);
    char range[48];

    if (t->peer_lacks)
        printf("%-49s%10s\n", "  peer", "-");
    if (!peer->n)
        return;
    snprintf(range, sizeof range, "(%.2f to %.2f)", series_low(peer),
             series_high(peer));
    printf("%-49s%10.2f %-24s%s %s; ratio %.2f (%.2f to %.2f)\n", "  peer",
           series_median(peer), range, best ? "with" : "without",
           bench_peer_option(b->peer), series_median(&ratio),
           series_low(&ratio), series_high(&ratio));
}

static void print_plain(const bench_task *t)
{
    bench_series ratio = series_ratio(&t->speed, &t->plain);
    char range[48];

    if (!t->plain.n)
        return;
    snprintf(range, sizeof range, "(%.2f to %.2f)", series_low(&t->plain),
             series_high(&t->plain));
    printf("%-49s%10.2f %-24sratio %.2f (%.2f to %.2f)\n", "  without guesses",
           series_median(&t->plain), range, series_median(&ratio),
           series_low(&ratio), series_high(&ratio));
}

static void print_wait(const bench_stage *stage, const bench_task *t)
{
    char range[48];

    if (!t->wait.n)
        return;
    snprintf(range, sizeof range, "(%.0f to %.0f)", series_low(&t->wait) * 1e3,
             series_high(&t->wait) * 1e3);
    printf("%-49s%10.0f %-24sms at most, beside a prompt of %llu\n",
           "  wait for a token", series_median(&t->wait) * 1e3, range,
           (unsigned long long)(stage->n_context - 1 - stage->depth));
}

static void print_stage(const bench *b, const bench_engine *e,
                        const bench_stage *stage)
{
    for (size_t i = 0; i < stage->n_tasks; i++) {
        print_task(e, stage, &stage->tasks[i]);
        print_peer_task(b, &stage->tasks[i]);
        print_plain(&stage->tasks[i]);
        print_wait(stage, &stage->tasks[i]);
    }
}

int bench_print(const bench *b)
{
    printf("Measured here and now; rounds: %llu. Medians (lowest to highest); "
           "other work on\nthis machine shows in the figures.\n\n"
           "%-9s%8s%11s%11s%12s%14s%13s\n",
           (unsigned long long)b->s->repeat, "isa", "threads", "load",
           "1st token", "peak memory", "read", "8-bit MACs");
    for (size_t i = 0; i < b->n_engines; i++) {
        print_engine(&b->engines[i]);
        print_peer_engine(&b->engines[i]);
    }
    printf("\n%-9s%8s %-6s%8s  %-9s%7s%10s\n", "isa", "threads", "cache",
           "depth", "work", "tokens", "tokens/s");
    for (size_t i = 0; i < b->n_engines; i++)
        for (size_t k = 0; k < b->engines[i].n_stages; k++)
            print_stage(b, &b->engines[i], &b->engines[i].stages[k]);
    return CLI_OK;
}
