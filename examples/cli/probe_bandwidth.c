/* SPDX-License-Identifier: MIT
 * Reads a buffer that is larger than any cache over and over, each thread its
 * own part, in order: what hardware prefetchers like best. */
#include "probes.h"
#include "terminal.h"

#include <string.h>
#include <sys/mman.h>

#define BUFFER_BYTES ((size_t)1 << 29)
#define SECONDS 0.2

enum { STEP = 1 << 17 }; /* words between two looks at the clock */

typedef struct buffer {
    uint64_t *words;
    size_t n_per_thread; /* a multiple of STEP */
} buffer;

static uint64_t sum_words(const uint64_t *p, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += p[i];
    return sum;
}

static double read_part(void *context, uint32_t thread, double until)
{
    const buffer *b = context;
    const uint64_t *part = b->words + thread * b->n_per_thread;
    volatile uint64_t sink = 0;
    double bytes = 0;

    while (clock_seconds() < until) {
        for (size_t i = 0; i < b->n_per_thread && clock_seconds() < until;
             i += STEP) {
            sink = sink + sum_words(part + i, STEP);
            bytes += STEP * sizeof *part;
        }
    }
    return bytes;
}

/* Kept from one call to the next: making memory real takes longer than
 * reading it. */
static bool prepare(buffer *b, uint32_t n_threads)
{
    static void *memory;

    if (!memory) {
        memory = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            memory = NULL;
            return false;
        }
#ifdef MADV_HUGEPAGE
        madvise(memory, BUFFER_BYTES, MADV_HUGEPAGE);
#endif
        memset(memory, 1, BUFFER_BYTES);
    }
    b->words = memory;
    b->n_per_thread = BUFFER_BYTES / sizeof *b->words / n_threads / STEP * STEP;
    return b->n_per_thread > 0;
}

double probe_bandwidth(uint32_t n_threads)
{
    buffer b;

    return prepare(&b, n_threads)
               ? probe_rate(n_threads, SECONDS, read_part, &b)
               : 0;
}
