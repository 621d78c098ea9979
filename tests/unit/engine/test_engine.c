/* SPDX-License-Identifier: MIT
 * engine: the forward pass against transformers and a float64 oracle, its
 * independence of threads and batches, and what happens when it fails. */
#include "engine_cases.h"

static Suite *engine_suite(void)
{
    Suite *s = suite_create("engine");

    suite_add_tcase(s, golden_cases());
    suite_add_tcase(s, embed_cases());
    suite_add_tcase(s, invariance_cases());
    suite_add_tcase(s, sequence_cases());
    suite_add_tcase(s, failure_cases());
    suite_add_tcase(s, any_bits_cases());
    suite_add_tcase(s, parts_cases());
    suite_add_tcase(s, pages_cases());
    suite_add_tcase(s, importance_cases());
    suite_add_tcase(s, lora_cases());
    suite_add_tcase(s, lora_set_cases());
    return s;
}

PH_CHECK_MAIN(engine_suite())
