/* SPDX-License-Identifier: MIT
 * file_hook.h - replaces the calls that write files for the whole program,
 * shared libraries included, so that any of them can fail or be the last. */
#ifndef PH_FILE_HOOK_H
#define PH_FILE_HOOK_H

#include <stddef.h>

typedef enum file_fault {
    FILE_NONE,  /* calls are counted */
    FILE_ERROR, /* the nth call fails with this errno */
    FILE_KILL   /* the process ends in the nth call */
} file_fault;

enum { KILLED = 77 }; /* its exit status */

typedef struct file_plan {
    file_fault fault;
    size_t nth; /* from 1 */
    int error;
    size_t partial; /* bytes that a write has moved before; SIZE_MAX: all */
    size_t at_once; /* the most that any write moves; 0: no limit */
} file_plan;

void file_hook_arm(const file_plan *plan);

/* Ends that; how many calls there were. */
size_t file_hook_disarm(void);

/* How many bytes the nth of these calls was to write; 0: it was another call,
 * or none of the first MAX_CALLS. */
enum { MAX_CALLS = 128 };

size_t file_hook_bytes(size_t nth);

#endif /* PH_FILE_HOOK_H */
