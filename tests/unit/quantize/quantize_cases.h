/* SPDX-License-Identifier: MIT
 * quantize_cases.h - what the test files of lib/quantize share. */
#ifndef PH_TEST_QUANTIZE_CASES_H
#define PH_TEST_QUANTIZE_CASES_H

#include "check_main.h"
#include "quantize/quantize.h"

/* The n bytes of a file; the caller frees them. */
uint8_t *contents(const char *path, size_t *n);

TCase *encode_cases(void);
TCase *imatrix_cases(void);
TCase *imatrix_use_cases(void);
TCase *rewriting_cases(void);
TCase *merge_cases(void);
TCase *merge_refusal_cases(void);

#endif /* PH_TEST_QUANTIZE_CASES_H */
