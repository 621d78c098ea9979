/* SPDX-License-Identifier: MIT
 * bench_peer.h - llama.cpp or ik_llama.cpp, measured beside us by an adapter
 * that is compiled when it is needed and runs as a process of its own. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench.h"

typedef struct bench_peer bench_peer;

/* Compiles the adapter against DIR/include and DIR/lib, into a temporary
 * folder that bench_peer_free() removes. Exit code. */
int bench_peer_build(const char *dir, bench_peer **out);
void bench_peer_free(bench_peer *peer);

/* A fresh process that loads the model and gives one token: adds to the
 * engine's figures. Exit code. */
int bench_peer_first(bench_peer *peer, const char *model, bench_engine *e);

/* The process behind the functions below; starts if it does not run. */
int bench_peer_start(bench_peer *peer, const char *model);
void bench_peer_stop(bench_peer *peer);

/* A context like the stage's, without and with the peer's option. Exit code. */
int bench_peer_open(bench_peer *peer, const bench_engine *e,
                    const bench_stage *stage);

/* Adds to task->peer[]; does nothing for what llama.cpp has no like of. What
 * needs contexts of its own opens them the first time. Exit code. */
int bench_peer_measure(bench_peer *peer, const bench_engine *e,
                       const bench_stage *stage, bench_task *task);

/* What the peer is measured without and with; known once it was started. */
const char *bench_peer_option(const bench_peer *peer);

/* Where the peer was faster: without its option (0) or with it (1). */
int bench_peer_best(const bench_task *task);

#endif /* BENCH_PEER_H */
