/* SPDX-License-Identifier: MIT
 * The heap that fails on request. Definitions in the program take precedence
 * over those of shared libraries; what they call is the sanitizer's heap if
 * there is one (gcc's, which is a shared library), else glibc's. */
#include "malloc_hook.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *ptr);

#define WEAK __attribute__((weak))
WEAK void *__interceptor_malloc(size_t size);
WEAK void *__interceptor_calloc(size_t n, size_t size);
WEAK void *__interceptor_realloc(void *ptr, size_t size);
WEAK void *__interceptor_memalign(size_t alignment, size_t size);
WEAK void __interceptor_free(void *ptr);

#define REAL(name) (__interceptor_##name ? __interceptor_##name : __libc_##name)

static atomic_bool armed, forever;
static atomic_size_t number, chosen, n_failed;
static atomic_long n_live;

void malloc_hook_arm(size_t nth, bool ever_after)
{
    atomic_store(&number, 0);
    atomic_store(&n_failed, 0);
    atomic_store(&n_live, 0);
    atomic_store(&chosen, nth);
    atomic_store(&forever, ever_after);
    atomic_store(&armed, true);
}

size_t malloc_hook_disarm(void)
{
    atomic_store(&armed, false);
    return atomic_load(&n_failed);
}

long malloc_hook_n_live(void)
{
    return atomic_load(&n_live);
}

static bool refused(void)
{
    size_t nth = atomic_load(&chosen), now;

    if (!atomic_load(&armed))
        return false;
    now = atomic_fetch_add(&number, 1) + 1;
    if (!nth || (atomic_load(&forever) ? now < nth : now != nth))
        return false;
    atomic_fetch_add(&n_failed, 1);
    errno = ENOMEM;
    return true;
}

static void *counted(void *ptr)
{
    if (ptr && atomic_load(&armed))
        atomic_fetch_add(&n_live, 1);
    return ptr;
}

void *malloc(size_t size)
{
    return refused() ? NULL : counted(REAL(malloc)(size));
}

void *calloc(size_t n, size_t size)
{
    return refused() ? NULL : counted(REAL(calloc)(n, size));
}

void *realloc(void *ptr, size_t size)
{
    if (refused())
        return NULL;
    return ptr ? REAL(realloc)(ptr, size) : counted(REAL(malloc)(size));
}

void *memalign(size_t alignment, size_t size);

void *memalign(size_t alignment, size_t size)
{
    return refused() ? NULL : counted(REAL(memalign)(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *ptr = memalign(alignment, size);

    if (!ptr)
        return ENOMEM;
    *out = ptr;
    return 0;
}

void free(void *ptr)
{
    if (ptr && atomic_load(&armed))
        atomic_fetch_sub(&n_live, 1);
    REAL(free)(ptr);
}
