/* SPDX-License-Identifier: MIT
 * model_cases.h - what the model's test files share. */
#ifndef PH_TEST_MODEL_CASES_H
#define PH_TEST_MODEL_CASES_H

#include "check_main.h"
#include "model/model.h"
#include "tiny_model.h"

/* Writes the model to a temporary file, opens it with flags, removes the file
 * and frees w. *model is untouched on error. */
phial_status open_with(gguf_writer *w, uint32_t flags, ph_model **model);

/* A temporary file of w, which is freed. */
typedef struct model_file {
    char path[40];
} model_file;

model_file model_file_of(gguf_writer *w);

/* Opens what w writes and expects status and every one of the NULL-terminated
 * texts in the sentence. Frees w. */
void check_refused(gguf_writer *w, phial_status status,
                   const char *const *texts);

/* A small model of the family with one layer; of another family's kind the
 * test changes it. */
gguf_writer *small_model(tiny_family family);

/* phi-4 in F32. */
ph_model *adapter_model(void);

/* Opens what w writes as an adapter; frees w. */
phial_status open_adapter_file(const ph_model *model, gguf_writer *w,
                               ph_adapter **out);

/* A file of a folder for checkpoints or adapters. */
void write_folder_text(const char *folder, const char *name, const char *text);

/* With its files; frees the path. */
void remove_folder(char *folder);

TCase *adapter_cases(void);
TCase *adapter_refusal_cases(void);
TCase *checkpoint_cases(void);
TCase *open_cases(void);
TCase *loading_cases(void);
TCase *fingerprint_cases(void);
TCase *reading_cases(void);
TCase *refusal_cases(void);
TCase *matrix_cases(void);
TCase *weight_format_cases(void);

#endif /* PH_TEST_MODEL_CASES_H */
