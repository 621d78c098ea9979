/* SPDX-License-Identifier: MIT
 * Adapters merged into files: the weights that W + scale * B A is, fused and
 * not, in every type; what has no part in it as it was. */
#include "merge_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static ph_gguf *opened(const char *path)
{
    ph_gguf *gguf;

    ck_status(ph_gguf_open(&ph_libc_heap, path, &gguf), PHIAL_OK);
    return gguf;
}

static uint8_t *stored(const ph_gguf *gguf, const char *name,
                       const ph_gguf_tensor **found)
{
    const ph_gguf_tensor *t = ph_gguf_find_tensor(gguf, name);
    uint8_t *data;

    ck_assert_ptr_nonnull(t);
    data = malloc((size_t)t->bytes);
    ck_status(ph_gguf_read(gguf, t, 0, data, (size_t)t->bytes), PHIAL_OK);
    *found = t;
    return data;
}

/* Every tensor of the file at out is the one of w, in F32, up to rounding. */
static void check_near(const gguf_writer *w)
{
    ph_gguf *gguf = opened(merge_out);

    ck_assert_uint_eq(ph_gguf_n_tensors(gguf), w->n_tensors);
    for (size_t i = 0; i < w->n_tensors; i++) {
        const float *want = (const float *)(void *)w->tensors[i].data.data;
        const size_t n = w->tensors[i].data.len / sizeof *want;
        const ph_gguf_tensor *t = ph_gguf_tensor_at(gguf, i);
        float *got = malloc(n * sizeof *got), largest = 0;
        size_t wrong = n;

        ck_assert_uint_eq(t->bytes, n * sizeof *got);
        ck_status(ph_gguf_read(gguf, t, 0, got, n * sizeof *got), PHIAL_OK);
        for (size_t k = 0; k < n; k++)
            largest = fmaxf(largest, fabsf(want[k]));
        for (size_t k = 0; k < n; k++)
            if (!(fabsf(got[k] - want[k]) <=
                  1e-6f * fabsf(want[k]) + 1e-7f * largest))
                wrong = k;
        ck_assert_msg(wrong == n, "%.*s: element %zu is %g, not %g",
                      (int)t->name.len, t->name.data, wrong,
                      (double)got[wrong % n], (double)want[wrong % n]);
        free(got);
    }
    ph_gguf_free(gguf);
}

/* ---- W + scale * B A --------------------------------------------------- */

static const uint32_t module_sets[] = {
    TINY_LORA_Q,
    TINY_LORA_K,
    TINY_LORA_V,
    TINY_LORA_QKV,
    TINY_LORA_OUT,
    TINY_LORA_GATE,
    TINY_LORA_UP,
    TINY_LORA_GATE_UP,
    TINY_LORA_DOWN,
    TINY_LORA_FUSED,
    TINY_LORA_SPLIT,
    TINY_LORA_FUSED | TINY_LORA_Q | TINY_LORA_V | TINY_LORA_GATE,
};

enum { N_SETS = sizeof module_sets / sizeof *module_sets };

static void split(gguf_writer *w)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);

    for (uint32_t layer = 0; layer < m.n_layers; layer++)
        split_layer(w, &m, layer);
}

/* Every set of modules, for a base that is fused and one that is not. */
START_TEST(floats_are_w_and_the_product)
{
    const tiny_adapter a = adapter_of(module_sets[_i / 2], 5, 9);
    const float scale = -0.75f;
    gguf_writer *w = base_of(PH_F32), *want = base_of(PH_F32);

    tiny_adapter_merge(&a, (double)scale, want);
    if (_i % 2) {
        split(w);
        split(want);
    }
    write_and_free(w, merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    ck_status(merge(2, &scale, 1, PHIAL_WEIGHTS_STORED), PHIAL_OK);
    check_near(want);
    gguf_writer_free(want);
}
END_TEST

/* With any rank and factor, split beside fused. */
START_TEST(two_adapters_are_added)
{
    static const uint32_t ranks[] = {1, 16, 67};
    tiny_adapter a = adapter_of(TINY_LORA_FUSED, ranks[_i], 9);
    const tiny_adapter b = adapter_of(TINY_LORA_SPLIT, 3, 10);
    const float scales[] = {0.5f, 2};
    gguf_writer *want = base_of(PH_F32);

    a.alpha = 3;
    write_and_free(base_of(PH_F32), merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    write_and_free(tiny_adapter_build(&b), merge_lora[1]);
    tiny_adapter_merge(&a, 0.5, want);
    tiny_adapter_merge(&b, 2, want);
    ck_status(merge(3, scales, 2, PHIAL_WEIGHTS_STORED), PHIAL_OK);
    check_near(want);
    gguf_writer_free(want);
}
END_TEST

/* ---- Bytes ------------------------------------------------------------- */

static void check_same_bytes(const uint8_t *want, size_t n)
{
    size_t m;
    uint8_t *got = contents(merge_out, &m);

    ck_assert_uint_eq(m, n);
    ck_assert_mem_eq(got, want, n);
    free(got);
}

static const struct {
    ph_dtype stored;
    int32_t weights;
} kinds[] = {
    {PH_F32, PHIAL_WEIGHTS_STORED},  {PH_BF16, PHIAL_WEIGHTS_STORED},
    {PH_Q8_0, PHIAL_WEIGHTS_STORED}, {PH_Q4_K, PHIAL_WEIGHTS_STORED},
    {PH_F16, PHIAL_WEIGHTS_Q4_K_M},  {PH_F32, PHIAL_WEIGHTS_Q8_0},
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

START_TEST(threads_do_not_change_a_byte)
{
    const tiny_adapter a = adapter_of(TINY_LORA_FUSED, 7, 9);
    const float scale = 1;
    uint8_t *alone;
    size_t n;

    write_and_free(base_of(kinds[_i].stored), merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    ck_status(merge(1, &scale, 1, kinds[_i].weights), PHIAL_OK);
    alone = contents(merge_out, &n);
    for (uint32_t threads = 2; threads <= 3; threads++) {
        ck_status(merge(threads, &scale, 1, kinds[_i].weights), PHIAL_OK);
        check_same_bytes(alone, n);
    }
    free(alone);
}
END_TEST

START_TEST(a_scale_of_zero_changes_no_byte)
{
    const tiny_adapter a = adapter_of(TINY_LORA_FUSED, 7, 9);
    const float scales[] = {0, -0.0f};
    uint8_t *plain;
    size_t n;

    write_and_free(base_of(kinds[_i].stored), merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    write_and_free(tiny_adapter_build(&a), merge_lora[1]);
    ck_status(merge(1, NULL, 0, kinds[_i].weights), PHIAL_OK);
    plain = contents(merge_out, &n);
    ck_status(merge(2, scales, 2, kinds[_i].weights), PHIAL_OK);
    check_same_bytes(plain, n);
    free(plain);
}
END_TEST

/* What merging adds to blocks of one type: those of rows of k alone. */
START_TEST(other_rows_and_tensors_keep_their_blocks)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    const uint64_t first = m.n_heads * m.head_dim;
    const uint64_t end = first + m.n_kv_heads * m.head_dim;
    const tiny_adapter a = adapter_of(TINY_LORA_K, 4, 9);
    const float scale = 1;
    ph_gguf *old, *new;

    write_and_free(base_of(kinds[_i].stored), merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    ck_status(merge(2, &scale, 1, PHIAL_WEIGHTS_STORED), PHIAL_OK);
    old = opened(merge_in);
    new = opened(merge_out);
    for (size_t i = 0; i < ph_gguf_n_tensors(old); i++) {
        const ph_gguf_tensor *t, *u;
        char name[64];
        uint8_t *x, *y;

        t = ph_gguf_tensor_at(old, i);
        snprintf(name, sizeof name, "%.*s", (int)t->name.len, t->name.data);
        x = stored(old, name, &t);
        y = stored(new, name, &u);
        ck_assert_uint_eq(t->type, u->type);
        if (strstr(name, "attn_qkv")) {
            const size_t row = (size_t)(t->bytes / t->dims[1]);

            ck_assert_mem_eq(x, y, first * row);
            ck_assert_mem_eq(x + end * row, y + end * row,
                             (t->dims[1] - end) * row);
            for (uint64_t r = first; r < end; r++)
                ck_assert_mem_ne(x + r * row, y + r * row, row);
        } else {
            ck_assert_mem_eq(x, y, (size_t)t->bytes);
        }
        free(x);
        free(y);
    }
    ph_gguf_free(old);
    ph_gguf_free(new);
}
END_TEST

/* Through a file of floats or at once: the same blocks. */
START_TEST(merging_and_quantising_at_once_is_one_after_the_other)
{
    const tiny_adapter a = adapter_of(TINY_LORA_SPLIT, 4, 9);
    const float scale = 0.5f;
    uint8_t *at_once;
    size_t n;

    write_and_free(base_of(PH_F32), merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    ck_status(merge(2, &scale, 1, PHIAL_WEIGHTS_Q4_K_M), PHIAL_OK);
    at_once = contents(merge_out, &n);
    ck_status(merge(2, &scale, 1, PHIAL_WEIGHTS_F32), PHIAL_OK);
    ck_assert_int_eq(rename(merge_out, merge_in), 0);
    ck_status(merge(2, NULL, 0, PHIAL_WEIGHTS_Q4_K_M), PHIAL_OK);
    check_same_bytes(at_once, n);
    free(at_once);
}
END_TEST

TCase *merge_cases(void)
{
    TCase *tc = tcase_create("merge");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, merge_setup, merge_teardown);
    tcase_add_loop_test(tc, floats_are_w_and_the_product, 0, 2 * N_SETS);
    tcase_add_loop_test(tc, two_adapters_are_added, 0, 3);
    tcase_add_loop_test(tc, threads_do_not_change_a_byte, 0, N_KINDS);
    tcase_add_loop_test(tc, a_scale_of_zero_changes_no_byte, 0, N_KINDS);
    tcase_add_loop_test(tc, other_rows_and_tensors_keep_their_blocks, 0, 4);
    tcase_add_test(tc, merging_and_quantising_at_once_is_one_after_the_other);
    return tc;
}
