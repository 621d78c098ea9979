/* SPDX-License-Identifier: MIT
 * Allocation through the host's hooks. Each block carries its size in front,
 * because the hooks want it back on free and callers should not have to
 * remember it. All blocks are 64-byte aligned: a cache line and the widest
 * vector register. */
#include "base/base.h"

#include <stdlib.h>

enum { ALIGNMENT = 64, HEADER = 64 };

static void *libc_alloc(void *user, size_t size, size_t alignment)
{
    size_t padded;

    (void)user;
    if (!ph_add(size, alignment - 1, &padded))
        return NULL;
    return aligned_alloc(alignment, padded - padded % alignment);
}

static void libc_free(void *user, void *ptr, size_t size, size_t alignment)
{
    (void)user;
    (void)size;
    (void)alignment;
    free(ptr);
}

const ph_heap ph_libc_heap = {libc_alloc, libc_free, NULL};

static size_t block_size(const void *ptr)
{
    size_t size;

    memcpy(&size, (const char *)ptr - HEADER, sizeof size);
    return size;
}

void *ph_alloc_raw(const ph_heap *heap, size_t size)
{
    size_t total;
    char *block;

    if (!ph_add(size, HEADER, &total))
        return NULL;
    block = heap->alloc(heap->user, total, ALIGNMENT);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    return block + HEADER;
}

void *ph_alloc(const ph_heap *heap, size_t count, size_t size)
{
    size_t bytes;
    void *ptr;

    if (!ph_mul(count, size, &bytes))
        return NULL;
    ptr = ph_alloc_raw(heap, bytes);
    if (ptr)
        memset(ptr, 0, bytes);
    return ptr;
}

void *ph_realloc(const ph_heap *heap, void *old, size_t count, size_t size)
{
    size_t bytes, keep;
    void *ptr;

    if (!ph_mul(count, size, &bytes))
        return NULL;
    ptr = ph_alloc_raw(heap, bytes);
    if (ptr && old) {
        keep = block_size(old);
        memcpy(ptr, old, keep < bytes ? keep : bytes);
        ph_free(heap, old);
    }
    return ptr;
}

void ph_free(const ph_heap *heap, void *ptr)
{
    if (ptr)
        heap->free(heap->user, (char *)ptr - HEADER, block_size(ptr) + HEADER,
                   ALIGNMENT);
}
