/* SPDX-License-Identifier: MIT
 * Worker threads that run one job together. A job is handed over through one
 * gate; barriers, and the end of the job, through another. */
#include "pool/pool.h"

#include "pool/gate.h"

enum { MAX_SPINS = 65536 };

typedef struct worker {
    ph_pool *pool;
    ph_thread thread;
    uint32_t index;
    uint32_t seen; /* count of pool->jobs when the thread was started */
    ph_spin spin;  /* these two are written by one thread each */
    ph_ahead ahead;
    char padding[64];
} worker;

struct ph_pool {
    const ph_heap *heap;
    ph_mutex turn; /* held by the caller whose job runs */
    ph_gate jobs;
    ph_gate barrier;
    atomic_uint arrived; /* at the barrier */
    ph_job job;          /* NULL: the workers leave */
    void *arg;
    atomic_llong process; /* that the workers belong to; 0: none started */
    atomic_uint count;    /* threads of the next job */
    uint32_t started;     /* workers */
    worker workers[];     /* [0] is the caller */
};

static void run_share(worker *w)
{
    ph_pool *pool = w->pool;
    ph_team team = {pool, w->index, atomic_load(&pool->count)};
    ph_fpenv saved = ph_fp_enter();

    pool->job(pool->arg, &team);
    ph_fp_leave(saved);
    ph_team_sync(&team);
}

static void *worker_body(void *arg)
{
    worker *w = arg;
    uint32_t seen = w->seen;

    for (;;) {
        ph_gate_wait(&w->pool->jobs, seen, &w->spin, &w->ahead);
        seen++;
        if (!w->pool->job)
            return NULL;
        run_share(w);
    }
}

phial_status ph_pool_new(const ph_heap *heap, uint32_t n_threads, ph_pool **out)
{
    uint32_t cpus = ph_usable_cpus();
    ph_pool *pool;
    phial_status status;

    if (n_threads > PH_MAX_THREADS)
        return ph_fail(PHIAL_E_ARGUMENT, "%u threads; at most %d",
                       (unsigned)n_threads, PH_MAX_THREADS);
    if (!n_threads)
        n_threads = cpus < PH_MAX_THREADS ? cpus : PH_MAX_THREADS;
    pool = ph_alloc(heap, 1, sizeof *pool + n_threads * sizeof(worker));
    if (!pool)
        return ph_no_memory("the thread pool",
                            sizeof *pool + n_threads * sizeof(worker));
    pool->heap = heap;
    atomic_init(&pool->count, n_threads);
    for (uint32_t i = 0; i < n_threads; i++) {
        uint32_t spins = n_threads <= cpus ? MAX_SPINS : 0;

        pool->workers[i] = (worker){
            .pool = pool, .index = i, .spin = {.limit = spins, .max = spins}};
    }
    if (pthread_mutex_init(&pool->turn, NULL)) {
        ph_free(heap, pool);
        return ph_fail(PHIAL_E_MEMORY, "the system gave no mutex");
    }
    status = ph_gate_init(&pool->jobs);
    if (status == PHIAL_OK) {
        status = ph_gate_init(&pool->barrier);
        if (status != PHIAL_OK)
            ph_gate_destroy(&pool->jobs);
    }
    if (status != PHIAL_OK) {
        pthread_mutex_destroy(&pool->turn);
        ph_free(heap, pool);
        return status;
    }
    *out = pool;
    return PHIAL_OK;
}

static bool is_forked_child(ph_pool *pool)
{
    long long process = atomic_load(&pool->process);

    return process && process != (long long)ph_process_id();
}

void ph_pool_free(ph_pool *pool)
{
    if (!pool)
        return;
    /* A child has neither the workers nor locks in a known state. */
    if (!is_forked_child(pool)) {
        pool->job = NULL;
        ph_gate_open(&pool->jobs);
        for (uint32_t i = 1; i <= pool->started; i++)
            ph_thread_join(pool->workers[i].thread);
        ph_gate_destroy(&pool->barrier);
        ph_gate_destroy(&pool->jobs);
        pthread_mutex_destroy(&pool->turn);
    }
    ph_free(pool->heap, pool);
}

uint32_t ph_pool_threads(const ph_pool *pool)
{
    return atomic_load(&((ph_pool *)pool)->count);
}

/* The first job starts the workers. Where one cannot be started the pool goes
 * on with those it has and does not try again. */
static void start_workers(ph_pool *pool)
{
    uint32_t count = atomic_load(&pool->count);

    if (pool->started + 1 == count)
        return;
    atomic_store(&pool->process, (long long)ph_process_id());
    while (pool->started + 1 < count) {
        worker *w = &pool->workers[pool->started + 1];

        w->seen = atomic_load(&pool->jobs.count);
        if (ph_thread_start(&w->thread, worker_body, w) != PHIAL_OK)
            break;
        pool->started++;
    }
    atomic_store(&pool->count, pool->started + 1);
}

phial_status ph_pool_run(ph_pool *pool, ph_job job, void *arg)
{
    if (is_forked_child(pool))
        return ph_fail(PHIAL_E_STATE,
                       "the model was opened before fork() and its threads do "
                       "not exist in this process; open it again here");
    pthread_mutex_lock(&pool->turn);
    start_workers(pool);
    pool->job = job;
    pool->arg = arg;
    if (pool->started)
        ph_gate_open(&pool->jobs);
    run_share(&pool->workers[0]);
    pthread_mutex_unlock(&pool->turn);
    return PHIAL_OK;
}

/* The last to arrive resets the count before it lets the others go. */
void ph_team_sync(const ph_team *team)
{
    ph_pool *pool = team->pool;
    uint32_t seen;

    if (team->count == 1)
        return;
    seen = atomic_load_explicit(&pool->barrier.count, memory_order_relaxed);
    if (atomic_fetch_add(&pool->arrived, 1) + 1 == team->count) {
        atomic_store(&pool->arrived, 0);
        ph_gate_open(&pool->barrier);
    } else {
        worker *w = &pool->workers[team->index];

        ph_gate_wait(&pool->barrier, seen, &w->spin, &w->ahead);
    }
}

void ph_team_read_ahead(const ph_team *team, const void *next, size_t bytes)
{
    worker *w = &team->pool->workers[team->index];

    w->ahead = (ph_ahead){.next = next, .bytes = bytes};
}
