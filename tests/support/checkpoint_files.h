/* SPDX-License-Identifier: MIT
 * checkpoint_files.h - the files of a checkpoint's or adapter's folder out of
 * one block of bytes, for fuzzing and for tests: for each file the number of
 * its name in checkpoint_files.c, a length of four bytes, its contents.
 * tests/fuzz/make_checkpoint_seed.py writes such blocks. */
#ifndef PH_TEST_CHECKPOINT_FILES_H
#define PH_TEST_CHECKPOINT_FILES_H

#include <stddef.h>
#include <stdint.h>

/* A new empty folder, in memory where the system has such a place; ends the
 * program if there is none. The caller frees the path. */
char *checkpoint_folder_new(void);

/* Writes the files; what is cut off is written as far as it goes. */
void checkpoint_unpack(const char *folder, const uint8_t *data, size_t size);

/* The contents of a file of the block, *n bytes; NULL if it has no such. */
const uint8_t *checkpoint_find(const uint8_t *data, size_t size,
                               const char *name, size_t *n);

/* Removes all files that may be there. */
void checkpoint_empty(const char *folder);

#endif /* PH_TEST_CHECKPOINT_FILES_H */
