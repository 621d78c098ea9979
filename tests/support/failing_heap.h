/* SPDX-License-Identifier: MIT
 * failing_heap.h - a heap that fails on request and keeps books: for proving
 * that code survives the failure of every allocation in turn.
 *
 *     for (size_t n = 1;; n++) {
 *         failing_heap heap;
 *         phial_status status;
 *
 *         failing_heap_init(&heap, n, FAIL_ONCE);
 *         status = work(&heap.heap);
 *         failing_heap_check(&heap);
 *         if (!heap.failed)
 *             break; // fewer than n allocations: all have failed in turn
 *         ck_assert(status == PHIAL_E_MEMORY);
 *     }
 *
 * failing_heap_loop() below is that loop, in both modes. The hooks may run on
 * several threads. */
#ifndef PH_TEST_FAILING_HEAP_H
#define PH_TEST_FAILING_HEAP_H

#include "base/base.h"

#include <pthread.h>

typedef enum failing_mode {
    FAIL_NEVER,
    FAIL_ONCE,      /* only the nth allocation */
    FAIL_EVER_AFTER /* the nth and all that follow */
} failing_mode;

typedef struct failing_heap {
    ph_heap heap; /* hand this to the code under test */
    size_t nth;
    failing_mode mode;
    size_t n_allocations; /* attempts so far */
    size_t failed;        /* how many of them were refused */
    size_t n_live, live_bytes, peak_bytes;
    size_t bad_frees; /* size or alignment differ, or not ours */
    void *blocks;     /* newest live block */
    pthread_mutex_t lock;
} failing_heap;

void failing_heap_init(failing_heap *heap, size_t nth, failing_mode mode);

/* The number of live blocks plus bad frees: 0 if all is well. Prints what is
 * wrong to standard error, releases what leaked, and resets nothing else. */
size_t failing_heap_check(failing_heap *heap);

/* Runs body(user, heap) with the 1st, 2nd, 3rd... allocation failing, in both
 * modes, until none fails. body returns the status of the work; it must be
 * PHIAL_E_MEMORY whenever an allocation was refused, and PHIAL_OK otherwise.
 * Returns the number of failed runs, 0 being a proof; *n_points receives how
 * many failures were injected. */
size_t failing_heap_loop(phial_status (*body)(void *user, const ph_heap *heap),
                         void *user, size_t *n_points);

#endif /* PH_TEST_FAILING_HEAP_H */
