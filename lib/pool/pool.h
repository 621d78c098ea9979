/* SPDX-License-Identifier: MIT
 * pool.h - worker threads that run one job together, with barriers inside it.
 * Work is split by position only, so that results never depend on the number
 * of threads. */
#ifndef PH_POOL_H
#define PH_POOL_H

#include "base/base.h"

#include <stdatomic.h>

enum { PH_MAX_THREADS = 256 };

typedef struct ph_pool ph_pool;

/* One thread's place in the running job. */
typedef struct ph_team {
    ph_pool *pool;
    uint32_t index; /* 0 is the caller's thread */
    uint32_t count;
} ph_team;

typedef void (*ph_job)(void *arg, const ph_team *team);

/* n_threads counts the calling thread; 0: ph_usable_cpus(); above
 * PH_MAX_THREADS: PHIAL_E_ARGUMENT. Workers start with the first job. If some
 * cannot be started the pool goes on with fewer. */
phial_status ph_pool_new(const ph_heap *heap, uint32_t n_threads,
                         ph_pool **out);

/* pool may be NULL. No job may be running. */
void ph_pool_free(ph_pool *pool);

/* Threads of the next job, the caller's included. */
uint32_t ph_pool_threads(const ph_pool *pool);

/* Runs job once on every thread and returns when all are through; what they
 * wrote is then visible. Every thread computes in the floating-point
 * environment of ph_fp_enter. Callers on several threads take turns; a job must
 * not run another on the same pool. PHIAL_E_STATE in a forked child, where the
 * workers no longer exist. */
phial_status ph_pool_run(ph_pool *pool, ph_job job, void *arg);

/* Waits until every thread of the team is here; what each wrote before is then
 * visible to all. Every thread of the team must call it equally often. */
void ph_team_sync(const ph_team *team);

/* Tells what this thread will read first after it has waited: meanwhile it
 * brings it into its cache. Never read, so it may be gone by then; replaces
 * what was told before. */
void ph_team_read_ahead(const ph_team *team, const void *next, size_t bytes);

/* This thread's share of n items: begin <= i < end, contiguous; the shares of
 * all threads tile n. Boundaries are multiples of grain > 0, except the end. */
void ph_team_share(const ph_team *team, size_t n, size_t grain, size_t *begin,
                   size_t *end);

/* n items dealt out among the threads of a team: most of them as in
 * ph_team_share, the last eighth in units of grain to whoever comes first, so
 * that a thread whose processor was slow does not keep the others waiting. */
typedef struct ph_deal {
    atomic_uint *taken;    /* units of the last eighth, by all threads */
    size_t begin, end;     /* this thread's own part, until it was taken */
    size_t rest, n, grain; /* the last eighth is rest .. n - 1 */
} ph_deal;

/* taken is shared by the team and 0 before the first of it deals. */
ph_deal ph_team_deal(const ph_team *team, atomic_uint *taken, size_t n,
                     size_t grain);

/* The next items of this thread, begin <= i < end; false if there are none. */
bool ph_deal_next(ph_deal *deal, size_t *begin, size_t *end);

#endif /* PH_POOL_H */
