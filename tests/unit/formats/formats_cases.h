/* SPDX-License-Identifier: MIT
 * formats_cases.h - the parts of the formats test program and what they share:
 * a small good file, a walk over everything that a file offers, and refusals.
 */
#ifndef PH_FORMATS_CASES_H
#define PH_FORMATS_CASES_H

#include "failing_heap.h"
#include "formats/gguf_file.h"
#include "gguf_writer.h"

#include <check.h>

void value_cases(Suite *suite);
void refusal_cases(Suite *suite);
void tensor_cases(Suite *suite);
void limit_cases(Suite *suite);
void mutation_cases(Suite *suite);
void file_cases(Suite *suite);
void split_cases(Suite *suite);

/* A good file: metadata of every type, arrays of every type, five tensors. */
gguf_writer *small_model(void);

/* Little-endian, in n bytes. */
void put_number(uint8_t *p, uint64_t value, size_t n);

/* Touches every byte that the file offers, through the public functions. */
void walk(const ph_gguf *gguf);

/* Opens the bytes as a file named "m.gguf", walks it if that works, and
 * frees it; leaks and allocations out of proportion fail the test. The bytes
 * are copied to a block of exactly that size. */
phial_status try_bytes(const void *data, size_t n);
phial_status try_writer(const gguf_writer *w);

/* try_writer() must give status and a sentence that begins with the name and
 * has every one of the phrases, which end with NULL; frees w. */
void refuses(gguf_writer *w, phial_status status, ...);
void says(const char *phrase);

/* A new directory for a test's files, removed with them by scratch_remove();
 * in_scratch() makes a path in it, valid until the call after the next. */
void scratch_make(void);
void scratch_remove(void);
const char *in_scratch(const char *name);

#endif /* PH_FORMATS_CASES_H */
