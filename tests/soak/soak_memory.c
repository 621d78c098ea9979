/* SPDX-License-Identifier: MIT
 * What is in use, by four books: the resident set, the C library's heap in
 * bytes and in blocks, and what went through the model's hooks. Samples are
 * taken in equal states: blocks must be equal then to one, bytes nearly so. */
#include "soak.h"

#include "malloc_hook.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct sample {
    double resident, heap, heap_blocks, hook, hook_blocks;
} sample;

static sample samples[MAX_SAMPLES];
static size_t n_samples;
static atomic_long hook_bytes, hook_blocks;

void *counting_alloc(void *user, size_t size, size_t alignment)
{
    void *ptr = aligned_alloc(alignment,
                              (size + alignment - 1) / alignment * alignment);

    (void)user;
    if (ptr) {
        atomic_fetch_add(&hook_bytes, (long)size);
        atomic_fetch_add(&hook_blocks, 1);
    }
    return ptr;
}

void counting_free(void *user, void *ptr, size_t size, size_t alignment)
{
    (void)user;
    (void)alignment;
    atomic_fetch_sub(&hook_bytes, (long)size);
    atomic_fetch_sub(&hook_blocks, 1);
    free(ptr);
}

long memory_hook_blocks(void)
{
    return atomic_load(&hook_blocks);
}

static double resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (!f || fscanf(f, "%*u %lu", &pages) != 1)
        give_up("cannot read /proc/self/statm");
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void memory_begin(void)
{
    printf("%10s%14s%12s%12s%14s%12s%14s\n", "requests", "resident KiB",
           "heap KiB", "heap blocks", "hooks' KiB", "blocks", "cached KiB");
    malloc_hook_arm(0, false);
}

void memory_sample(uint64_t n_requests, uint64_t cache)
{
    const struct mallinfo2 heap = mallinfo2();
    sample *s = &samples[n_samples++];

    malloc_trim(0); /* what is free is not resident either */
    s->resident = resident_bytes();
    s->heap = (double)heap.uordblks + (double)heap.hblkhd;
    s->heap_blocks = (double)malloc_hook_n_live();
    s->hook = (double)atomic_load(&hook_bytes);
    s->hook_blocks = (double)atomic_load(&hook_blocks);
    printf("%10llu%14.0f%12.1f%12.0f%14.1f%12.0f%14.0f\n",
           (unsigned long long)n_requests, s->resident / 1024, s->heap / 1024,
           s->heap_blocks, s->hook / 1024, s->hook_blocks,
           (double)cache / 1024);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of one book, in a quarter of the samples. */
static double median(size_t quarter, size_t book)
{
    const size_t n = n_samples / 4;
    double values[MAX_SAMPLES / 4];

    for (size_t i = 0; i < n; i++)
        values[i] =
            *(const double *)((const char *)&samples[quarter * n + i] + book);
    qsort(values, n, sizeof *values, compare);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* share of growth, or floor if that is more, is allowed. */
static bool is_steady(const char *name, size_t book, double share, double floor)
{
    const double before = median(1, book), after = median(3, book);
    const double allowed = before * share > floor ? before * share : floor;
    const bool steady = after - before <= allowed;

    printf("%s: median of the second quarter %.0f, of the last %.0f: %s\n",
           name, before, after, steady ? "steady" : "GROWS");
    return steady;
}

/* Sizes are judged where there are samples enough for free blocks that a heap
 * keeps at hand to be warm. A sanitizer's heap tells nothing of itself, and
 * keeps what is freed. */
bool memory_is_steady(void)
{
    const double page = (double)sysconf(_SC_PAGESIZE);
    bool steady = true;

    if (n_samples == MAX_SAMPLES && samples[0].heap > 0) {
        steady &=
            is_steady("resident bytes", offsetof(sample, resident), 0.01, page);
        steady &= is_steady("bytes of the C heap", offsetof(sample, heap), 0.01,
                            page);
    }
    steady &=
        is_steady("blocks of the C heap", offsetof(sample, heap_blocks), 0, 0);
    steady &= is_steady("bytes through the hooks", offsetof(sample, hook), 0.01,
                        page);
    steady &= is_steady("blocks through the hooks",
                        offsetof(sample, hook_blocks), 0, 0);
    return steady;
}
