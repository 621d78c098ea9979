/* SPDX-License-Identifier: MIT
 * bench_names.h - how results are called, and what share of the machine they
 * are. */
#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

#include "bench.h"

const char *bench_isa_name(int32_t isa);
const char *bench_cache_name(int32_t cache);
const char *bench_kind_name(bench_kind kind);

/* Whether work is multiply-adds, or else bytes. */
bool bench_counts_macs(bench_kind kind);

/* Of the measured multiply-adds or of the bandwidth; medians of the same
 * rounds. 0: not known. */
double bench_share(const bench_engine *e, const bench_task *t);

#endif /* BENCH_NAMES_H */
