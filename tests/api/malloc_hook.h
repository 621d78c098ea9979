/* SPDX-License-Identifier: MIT
 * malloc_hook.h - replaces the C library's heap for the whole program, shared
 * libraries included, so that any allocation can be made to fail. */
#ifndef PH_MALLOC_HOOK_H
#define PH_MALLOC_HOOK_H

#include <stdbool.h>
#include <stddef.h>

/* From here on the nth allocation fails (nth 0: none does); with ever_after,
 * all that follow too. */
void malloc_hook_arm(size_t nth, bool ever_after);

/* Ends that; how many failed. */
size_t malloc_hook_disarm(void);

/* Blocks allocated and not freed while armed, the last time. */
long malloc_hook_n_live(void);

#endif /* PH_MALLOC_HOOK_H */
