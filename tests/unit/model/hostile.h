/* SPDX-License-Identifier: MIT
 * hostile.h - what the tests of spoilt models share: files of a few kilobytes,
 * opened and, if they open, run. */
#ifndef PH_TEST_HOSTILE_H
#define PH_TEST_HOSTILE_H

#include "model_cases.h"

/* A model of one layer and 32 columns. */
tiny_model lean_model(tiny_family family);

/* Opens a file or folder and, if it opens, computes a few tokens, which must
 * give finite logits or PHIAL_E_NUMERIC. A refusal has a status that blames the
 * file, and a sentence; nothing may be left in memory. */
phial_status open_and_run(const char *path);

/* The same with the bytes as a file; and with what w writes, which is freed. */
phial_status open_and_run_bytes(const void *data, size_t n);
phial_status open_and_run_file(gguf_writer *w);

struct tensor;

/* Gives t the bytes that its type and shape call for, as far as they are few.
 */
void fit_data(struct tensor *t);

/* True if the last error names any of the NULL-terminated texts. */
bool error_names(const char *const *texts);

/* Counts of a matrix, printed when it is through. */
typedef struct tally {
    const char *what;
    unsigned cases, opened;
} tally;

void tally_add(tally *t, phial_status status);
void tally_print(const tally *t);

TCase *matrix_keys_cases(void);
TCase *matrix_tensors_cases(void);
TCase *folder_components_cases(void);
TCase *folder_config_cases(void);
TCase *folder_paths_cases(void);
TCase *folder_tensors_cases(void);
TCase *folder_tokenizer_cases(void);
TCase *adapter_matrix_cases(void);

#endif /* PH_TEST_HOSTILE_H */
