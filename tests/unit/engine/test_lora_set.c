/* SPDX-License-Identifier: MIT
 * Which adapters a sequence takes, and what that costs. */
#include "engine_cases.h"
#include "tiny_adapter.h"

#include <math.h>

START_TEST(a_sequence_takes_adapters_that_fit)
{
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 7, 5);
    ph_model *model = open_tiny(TINY_PHI4, PH_F32);
    ph_model *other = open_tiny(TINY_PHI4, PH_F32);
    ph_pool *pool = new_pool(1);
    ph_adapter *a = open_adapter(model, &t, 1);
    ph_sequence *seq = new_sequence(model, pool, 8, PHIAL_CACHE_F32);
    ph_sequence *theirs = new_sequence(other, pool, 8, PHIAL_CACHE_F32);
    const ph_adapter *many[PH_MAX_ADAPTERS + 1];
    float scales[PH_MAX_ADAPTERS + 1];
    ph_sequence_bytes before, with;
    const phial_token token = 5;
    uint64_t name;

    for (size_t i = 0; i <= PH_MAX_ADAPTERS; i++) {
        many[i] = a;
        scales[i] = 1;
    }
    ck_status(ph_sequence_set_adapters(seq, many, scales, PH_MAX_ADAPTERS + 1),
              PHIAL_E_ARGUMENT);
    ck_status(ph_sequence_set_adapters(theirs, many, scales, 1),
              PHIAL_E_ARGUMENT);
    scales[1] = NAN;
    ck_status(ph_sequence_set_adapters(seq, many, scales, 2), PHIAL_E_ARGUMENT);
    scales[1] = INFINITY;
    ck_status(ph_sequence_set_adapters(seq, many, scales, 2), PHIAL_E_ARGUMENT);
    ck_assert(ph_sequence_adapters(seq) == 0);
    ph_sequence_get_bytes(seq, &before);
    ck_status(ph_sequence_set_adapters(seq, many, scales, 1), PHIAL_OK);
    name = ph_sequence_adapters(seq);
    ck_assert(name != 0);
    ph_sequence_get_bytes(seq, &with);
    /* gate and up share one A, and q, k and v. */
    ck_assert_uint_eq(with.scratch - before.scratch, 7 * 8 * sizeof(float));
    ck_status(ph_sequence_set_adapters(seq, many, scales, 2), PHIAL_E_ARGUMENT);
    ck_assert(ph_sequence_adapters(seq) == name);
    ck_status(ph_sequence_forward(seq, &token, 1, PH_ROPE_SHORT, PH_LOGITS_NONE,
                                  NULL, NULL),
              PHIAL_OK);
    ck_status(ph_sequence_set_adapters(seq, NULL, NULL, 0), PHIAL_E_STATE);
    ph_sequence_truncate(seq, 0);
    ck_status(ph_sequence_set_adapters(seq, NULL, NULL, 0), PHIAL_OK);
    ck_assert(ph_sequence_adapters(seq) == 0);
    ph_sequence_free(seq);
    ph_sequence_free(theirs);
    ph_adapter_free(a);
    ph_pool_free(pool);
    ph_model_free(model);
    ph_model_free(other);
}
END_TEST

TCase *lora_set_cases(void)
{
    TCase *t = tcase_create("lora set");

    tcase_add_test(t, a_sequence_takes_adapters_that_fit);
    return t;
}
