/* SPDX-License-Identifier: MIT
 * quantize: blocks of every type, files, importance matrices, and adapters
 * merged. */
#include "quantize_cases.h"

#include <stdio.h>
#include <stdlib.h>

uint8_t *contents(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;

    ck_assert_ptr_nonnull(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    data = malloc(*n);
    ck_assert_uint_eq(fread(data, 1, *n, f), *n);
    fclose(f);
    return data;
}

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
