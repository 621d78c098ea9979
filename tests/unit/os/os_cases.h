/* SPDX-License-Identifier: MIT
 * os_cases.h - the parts of the os test program, and its scratch files. */
#ifndef PH_OS_CASES_H
#define PH_OS_CASES_H

#include <check.h>
#include <stddef.h>

void file_cases(Suite *suite);
void cgroup_cases(Suite *suite);

/* A new empty directory; removed with everything in it by scratch_remove(). */
void scratch_make(char *path, size_t cap);
void scratch_remove(const char *path);

/* Writes a file and the directories that lead to it. */
void scratch_write(const char *directory, const char *name, const void *data,
                   size_t n);

#endif /* PH_OS_CASES_H */
