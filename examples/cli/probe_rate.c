/* SPDX-License-Identifier: MIT
 * Runs a probe on several threads at once. */
#include "probes.h"
#include "terminal.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct worker {
    pthread_t thread;
    bool started;
    uint32_t index;
    double until, rate;
    probe_work work;
    void *context;
} worker;

static void *run(void *argument)
{
    worker *w = argument;
    double start = clock_seconds();
    double done = w->work(w->context, w->index, w->until);
    double took = clock_seconds() - start;

    w->rate = took > 0 ? done / took : 0;
    return NULL;
}

double probe_rate(uint32_t n_threads, double seconds, probe_work work,
                  void *context)
{
    worker *workers = must_alloc(n_threads, sizeof *workers);
    double until = clock_seconds() + seconds;
    double sum = 0;

    for (uint32_t i = 0; i < n_threads; i++) {
        workers[i] = (worker){
            .index = i, .until = until, .work = work, .context = context};
        workers[i].started =
            !pthread_create(&workers[i].thread, NULL, run, &workers[i]);
    }
    for (uint32_t i = 0; i < n_threads; i++) {
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
        sum += workers[i].rate;
    }
    free(workers);
    return sum;
}
