/* SPDX-License-Identifier: MIT
 * tokenizer_cases.h - what the tokenizer's test files share. */
#ifndef PH_TEST_TOKENIZER_CASES_H
#define PH_TEST_TOKENIZER_CASES_H

#include "check_main.h"
#include "gguf_writer.h"
#include "tiny_model.h"
#include "tokenizer/tokenizer.h"

TCase *text_cases(void);
TCase *load_cases(void);
TCase *merge_cases(void);

/* The tokenizer of what w holds, or its status; w stays the caller's. */
phial_status tokenizer_of(const gguf_writer *w, const ph_heap *heap,
                          ph_tokenizer **out);

/* A tiny family's tokenizer. */
ph_tokenizer *tiny_tokenizer(tiny_family family);

#endif /* PH_TEST_TOKENIZER_CASES_H */
