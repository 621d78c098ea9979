/* SPDX-License-Identifier: MIT
 * The heap that fails on request. Each block is linked into a list by a header
 * in front, which repeats its size and alignment. */
#include "failing_heap.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct block {
    struct block *next, *previous;
    size_t size, alignment, number;
    void *base; /* what malloc() returned */
    uint64_t magic;
} block;

#define MAGIC 0x7068b10cba11ad5eu

static bool refused(failing_heap *heap)
{
    size_t number = ++heap->n_allocations;

    return (heap->mode == FAIL_ONCE && number == heap->nth) ||
           (heap->mode == FAIL_EVER_AFTER && number >= heap->nth);
}

/* The block ends where malloc's ends, so that sanitizers see the first byte
 * too many. */
static block *new_block(size_t size, size_t alignment)
{
    size_t front = (sizeof(block) + alignment - 1) / alignment * alignment;
    void *base;
    block *b;

    if (size > SIZE_MAX - front ||
        posix_memalign(&base, alignment, front + size))
        return NULL;
    b = (block *)(void *)((char *)base + front) - 1;
    memset(b + 1, 0xa5, size); /* so that nobody relies on zeros */
    *b = (block){
        .size = size, .alignment = alignment, .base = base, .magic = MAGIC};
    return b;
}

static void *allocate(void *user, size_t size, size_t alignment)
{
    failing_heap *heap = user;
    block *b = NULL;

    pthread_mutex_lock(&heap->lock);
    if (refused(heap)) {
        heap->failed++;
    } else if ((b = new_block(size, alignment))) {
        b->number = heap->n_allocations;
        b->next = heap->blocks;
        if (b->next)
            b->next->previous = b;
        heap->blocks = b;
        heap->n_live++;
        heap->live_bytes += size;
        if (heap->peak_bytes < heap->live_bytes)
            heap->peak_bytes = heap->live_bytes;
    }
    pthread_mutex_unlock(&heap->lock);
    return b ? b + 1 : NULL;
}

static void release(failing_heap *heap, block *b)
{
    if (b->next)
        b->next->previous = b->previous;
    if (b->previous)
        b->previous->next = b->next;
    else
        heap->blocks = b->next;
    heap->n_live--;
    heap->live_bytes -= b->size;
    b->magic = 0;
    free(b->base);
}

static void deallocate(void *user, void *ptr, size_t size, size_t alignment)
{
    failing_heap *heap = user;
    block *b = (block *)ptr - 1;

    pthread_mutex_lock(&heap->lock);
    if (!ptr || b->magic != MAGIC) {
        fprintf(stderr, "failing_heap: %p is not a live block\n", ptr);
        heap->bad_frees++;
    } else {
        if (b->size != size || b->alignment != alignment) {
            fprintf(stderr,
                    "failing_heap: allocation %zu of %zu bytes, alignment %zu "
                    "is freed as %zu, %zu\n",
                    b->number, b->size, b->alignment, size, alignment);
            heap->bad_frees++;
        }
        release(heap, b);
    }
    pthread_mutex_unlock(&heap->lock);
}

void failing_heap_init(failing_heap *heap, size_t nth, failing_mode mode)
{
    *heap = (failing_heap){.nth = nth, .mode = mode};
    heap->heap = (ph_heap){allocate, deallocate, heap};
    pthread_mutex_init(&heap->lock, NULL);
}

size_t failing_heap_check(failing_heap *heap)
{
    size_t bad = heap->n_live + heap->bad_frees;

    while (heap->blocks) {
        block *b = heap->blocks;

        fprintf(stderr, "failing_heap: allocation %zu of %zu bytes leaked\n",
                b->number, b->size);
        release(heap, b);
    }
    return bad;
}

static bool run_is_good(failing_heap *heap, phial_status status)
{
    phial_status expected = heap->failed ? PHIAL_E_MEMORY : PHIAL_OK;
    bool good = failing_heap_check(heap) == 0 && status == expected;

    if (status != expected)
        fprintf(stderr, "failing_heap: %s with %zu failures, expected %s: %s\n",
                ph_status_name(status), heap->failed, ph_status_name(expected),
                ph_error_text());
    if (!good)
        fprintf(stderr, "failing_heap: in the run that fails at %zu%s\n",
                heap->nth, heap->mode == FAIL_ONCE ? "" : " and ever after");
    return good;
}

size_t failing_heap_loop(phial_status (*body)(void *user, const ph_heap *heap),
                         void *user, size_t *n_points)
{
    size_t n_bad = 0, n_failures = 0;

    for (int mode = FAIL_ONCE; mode <= FAIL_EVER_AFTER; mode++) {
        for (size_t n = 1;; n++) {
            failing_heap heap;

            failing_heap_init(&heap, n, (failing_mode)mode);
            n_bad += !run_is_good(&heap, body(user, &heap.heap));
            pthread_mutex_destroy(&heap.lock);
            if (!heap.failed)
                break;
            n_failures++;
        }
    }
    if (n_points)
        *n_points = n_failures;
    return n_bad;
}
