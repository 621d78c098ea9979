/* SPDX-License-Identifier: MIT
 * bench_peer_build.h - the adapter's program. */
#ifndef BENCH_PEER_BUILD_H
#define BENCH_PEER_BUILD_H

#include "cli.h"

#include <limits.h>

typedef struct peer_program {
    char folder[256], path[300]; /* both temporary */
    char libraries[PATH_MAX];
} peer_program;

/* Exit code; on failure nothing is left. */
int peer_program_build(const char *dir, peer_program *out);
void peer_program_remove(const peer_program *program);

#endif /* BENCH_PEER_BUILD_H */
