/* SPDX-License-Identifier: MIT
 * Names in the order of the enums in phial.h. */
#include "bench_names.h"

const char *bench_isa_name(int32_t isa)
{
    static const char *const names[] = {"best", "portable", "avx2", "avx512",
                                        "neon"};

    return names[isa];
}

const char *bench_cache_name(int32_t cache)
{
    static const char *const names[] = {"auto", "f32", "f16", "q8"};

    return names[cache];
}

const char *bench_kind_name(bench_kind kind)
{
    static const char *const names[BENCH_KINDS] = {
        "prefill", "decode", "generate", "batch", "prose", "edit"};

    return names[kind];
}

bool bench_counts_macs(bench_kind kind)
{
    return kind == BENCH_PREFILL || kind == BENCH_BATCH;
}

double bench_share(const bench_engine *e, const bench_task *t)
{
    double most =
        series_median(bench_counts_macs(t->kind) ? &e->int8 : &e->bandwidth);

    return most > 0 ? t->work * series_median(&t->speed) / most : 0;
}
