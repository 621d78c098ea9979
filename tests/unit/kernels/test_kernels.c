/* SPDX-License-Identifier: MIT
 * kernels: the test program. */
#include "kernels_testing.h"

#include <stdio.h>

const ph_kernels *kernels;

static const ph_kernels *kernels_to_test(void)
{
    static const char *const names[] = {"best", "portable", "avx2", "avx512",
                                        "neon"};
    const char *wanted = getenv("PHIAL_TEST_ISA");

    for (int32_t isa = PHIAL_ISA_BEST; isa <= PHIAL_ISA_NEON; isa++)
        if (!strcmp(names[isa], wanted ? wanted : "portable"))
            return ph_kernels_get(isa);
    fprintf(stderr, "PHIAL_TEST_ISA is %s\n", wanted);
    exit(EXIT_FAILURE);
}

static Suite *kernels_suite(void)
{
    Suite *suite = suite_create("kernels");

    kernels = kernels_to_test();
    if (!kernels) {
        puts("this processor lacks the instruction set");
        exit(77); /* skipped */
    }
    suite_add_tcase(suite, functions_tests());
    suite_add_tcase(suite, dequantize_tests());
    suite_add_tcase(suite, packing_tests());
    suite_add_tcase(suite, matmul_tests());
    suite_add_tcase(suite, matmul_tiers_tests());
    suite_add_tcase(suite, elementwise_tests());
    suite_add_tcase(suite, rope_tests());
    suite_add_tcase(suite, hadamard_tests());
    suite_add_tcase(suite, attention_tests());
    suite_add_tcase(suite, attention_tiers_tests());
    suite_add_tcase(suite, golden_tests());
    return suite;
}

PH_CHECK_MAIN(kernels_suite())
