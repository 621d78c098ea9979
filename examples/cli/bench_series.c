/* SPDX-License-Identifier: MIT
 * Figures of several rounds. */
#include "bench.h"

void series_add(bench_series *series, double value)
{
    series->values[series->n++] = value;
}

static bench_series sorted(const bench_series *series)
{
    bench_series out = {.n = 0};

    for (; out.n < series->n; out.n++) {
        size_t i = out.n;

        for (; i > 0 && out.values[i - 1] > series->values[out.n]; i--)
            out.values[i] = out.values[i - 1];
        out.values[i] = series->values[out.n];
    }
    return out;
}

double series_median(const bench_series *series)
{
    bench_series s = sorted(series);

    return s.n ? (s.values[(s.n - 1) / 2] + s.values[s.n / 2]) / 2 : 0;
}

double series_low(const bench_series *series)
{
    return series->n ? sorted(series).values[0] : 0;
}

double series_high(const bench_series *series)
{
    return series->n ? sorted(series).values[series->n - 1] : 0;
}

bench_series series_ratio(const bench_series *a, const bench_series *b)
{
    bench_series out = {.n = 0};

    for (size_t i = 0; i < a->n && i < b->n; i++)
        series_add(&out, a->values[i] / b->values[i]);
    return out;
}
