/* SPDX-License-Identifier: MIT
 * quantize: blocks of every type, files, importance matrices, and adapters
 * merged. */
#include "quantize_cases.h"

static Suite *quantize_suite(void)
{
    Suite *suite = suite_create("quantize");

    suite_add_tcase(suite, encode_cases());
    suite_add_tcase(suite, imatrix_cases());
    suite_add_tcase(suite, imatrix_use_cases());
    suite_add_tcase(suite, rewriting_cases());
    suite_add_tcase(suite, merge_cases());
    suite_add_tcase(suite, merge_refusal_cases());
    return suite;
}

PH_CHECK_MAIN(quantize_suite())
