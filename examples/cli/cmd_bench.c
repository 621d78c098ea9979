/* SPDX-License-Identifier: MIT
 * phial bench: how fast a model runs here, and in how much memory. */
#include "bench_runs.h"
#include "options.h"
#include "output.h"
#include "units.h"

#include <stdio.h>

static void print_series(const char *name, const bench_series *series,
                         double scale, const char *unit)
{
    printf("%-12s %10.2f %-9s (%.2f to %.2f)\n", name,
           bench_median(series) * scale, unit, bench_low(series) * scale,
           bench_high(series) * scale);
}

static json_t *series_json(const bench_series *series)
{
    return json_pack("{s:f, s:f, s:f}", "median", bench_median(series), "min",
                     bench_low(series), "max", bench_high(series));
}

static int print_json(const settings *s, const bench_result *r)
{
    return output_json(
        json_pack("{s:I, s:I, s:I, s:i, s:o, s:o, s:o, s:I}", "prompt",
                  (json_int_t)s->n_prompt, "decode", (json_int_t)s->n_decode,
                  "repeat", (json_int_t)s->repeat, "threads", (int)r->n_threads,
                  "load_seconds", series_json(&r->load),
                  "prefill_tokens_per_second", series_json(&r->prefill),
                  "decode_tokens_per_second", series_json(&r->decode),
                  "peak_resident_bytes", (json_int_t)r->peak_bytes));
}

static int bench(const settings *s)
{
    bench_result r = {.peak_bytes = 0};
    char peak[32];
    int code;

    code = bench_measure(s, &r);
    if (code != CLI_OK)
        return code;
    if (s->json)
        return print_json(s, &r);
    printf("Measured here and now; runs: %llu, prompt tokens: %llu, generated "
           "tokens: %llu.\nMedian (lowest to highest); other work on this "
           "machine shows in the figures.\n\n",
           (unsigned long long)s->repeat, (unsigned long long)s->n_prompt,
           (unsigned long long)s->n_decode);
    units_bytes(peak, sizeof peak, r.peak_bytes);
    printf("%-12s %10u\n", "threads", (unsigned)r.n_threads);
    print_series("load", &r.load, 1e3, "ms");
    print_series("prefill", &r.prefill, 1, "tokens/s");
    print_series("decode", &r.decode, 1, "tokens/s");
    printf("%-12s %10s\n", "peak memory", peak);
    return CLI_OK;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"prompt", OPTION_COUNT, FIELD(n_prompt), "N",
     "tokens of the prompt (default 512)", 1, 1e7, 'p'},
    {"decode", OPTION_COUNT, FIELD(n_decode), "N",
     "tokens to generate (default 32)", 2, 1e7, 'n'},
    {"repeat", OPTION_COUNT, FIELD(repeat), "N", "number of runs (default 3)",
     1, BENCH_MAX_RUNS, 'r'},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print one JSON object", 0, 0, 0},
};
static const option_group bench_options = OPTION_GROUP("Measurement", table);
static const option_group *const groups[] = {&bench_options, &session_options,
                                             &model_options, NULL};

const command command_bench = {
    "bench",
    "MODEL",
    1,
    1,
    "measure speed and memory",
    "Measures how long the model takes to load, how many tokens a second are "
    "read (prefill) and generated (decode), and the highest resident memory "
    "of this process.",
    groups,
    bench};
