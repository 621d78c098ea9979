/* SPDX-License-Identifier: MIT
 * bench_runs.h - the measurements behind phial bench. */
#ifndef BENCH_RUNS_H
#define BENCH_RUNS_H

#include "settings.h"

enum { BENCH_MAX_RUNS = 100 };

/* One figure, measured once per run. */
typedef struct bench_series {
    double values[BENCH_MAX_RUNS];
    size_t n;
} bench_series;

typedef struct bench_result {
    bench_series load;    /* seconds */
    bench_series prefill; /* tokens per second */
    bench_series decode;  /* tokens per second */
    uint64_t peak_bytes;  /* resident memory of this process, at its highest */
    uint32_t n_threads;
} bench_result;

double bench_median(const bench_series *series);
double bench_low(const bench_series *series);
double bench_high(const bench_series *series);

/* Opens the model, reads a prompt and generates, `repeat` times over. Returns
 * an exit code. */
int bench_measure(const settings *s, bench_result *out);

#endif /* BENCH_RUNS_H */
