/* SPDX-License-Identifier: MIT
 * kernels: the test program. */
#include "kernels_testing.h"

static Suite *kernels_suite(void)
{
    Suite *suite = suite_create("kernels");

    suite_add_tcase(suite, functions_tests());
    suite_add_tcase(suite, dequantize_tests());
    suite_add_tcase(suite, matmul_tests());
    suite_add_tcase(suite, elementwise_tests());
    suite_add_tcase(suite, rope_tests());
    suite_add_tcase(suite, attention_tests());
    suite_add_tcase(suite, golden_tests());
    return suite;
}

PH_CHECK_MAIN(kernels_suite())
