/* SPDX-License-Identifier: MIT
 * quantizing.h - what quantize and merge share: a model written to a file, and
 * what is said of that file. */
#ifndef QUANTIZING_H
#define QUANTIZING_H

#include "options.h"

/* Writes s->model, with s->adapters merged, to s->text; type and flags are
 * those of phial_quantize_options. doing is what the progress line says.
 * Returns an exit code. */
int quantize_file(const settings *s, int32_t type, uint32_t flags,
                  const char *doing);

/* Options that both have. */
extern const option_group written_options;

/* Of a GGUF file that the library wrote: bits of its tensors for each of their
 * elements. False if it cannot be read. */
bool bits_per_weight(const char *path, double *out);

#endif /* QUANTIZING_H */
