/* SPDX-License-Identifier: MIT
 * Figures kept in order. */
#include "bench.h"

void series_add(bench_series *series, double value)
{
    size_t i = series->n++;

    while (i > 0 && series->values[i - 1] > value) {
        series->values[i] = series->values[i - 1];
        i--;
    }
    series->values[i] = value;
}

double series_median(const bench_series *series)
{
    size_t n = series->n;

    return n ? (series->values[(n - 1) / 2] + series->values[n / 2]) / 2 : 0;
}

double series_low(const bench_series *series)
{
    return series->n ? series->values[0] : 0;
}

double series_high(const bench_series *series)
{
    return series->n ? series->values[series->n - 1] : 0;
}
