/* SPDX-License-Identifier: MIT
 * bench_more.h - tasks with sessions of their own. */
#ifndef BENCH_MORE_H
#define BENCH_MORE_H

#include "bench.h"
#include "terminal.h"

/* The words of a file, as tokens; b->words.tokens is freed by bench_free().
 * Exit code. */
int bench_read_words(const char *path, uint64_t n_vocab, bench_words *out);

/* Each measures its task once; the first time it opens the sessions. */
phial_status bench_run_batch(const bench *b, const bench_engine *e,
                             const bench_stage *stage, bench_task *task);
phial_status bench_run_text(const bench *b, const bench_engine *e,
                            const bench_stage *stage, bench_task *task);

#endif /* BENCH_MORE_H */
