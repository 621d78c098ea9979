/* SPDX-License-Identifier: MIT
 * What merging refuses, and memory that runs out: nothing is written. */
#include "merge_fixture.h"

#include "failing_heap.h"

#include <math.h>
#include <unistd.h>

static void with_short_rows(gguf_writer *w, gguf_writer *base)
{
    (void)base;
    gguf_put_tensor(w, "blk.1.ffn_down.weight.lora_a", PH_F32,
                    (uint64_t[]){511, 4}, 2, NULL);
}

static void with_half_a_pair(gguf_writer *w, gguf_writer *base)
{
    (void)base;
    gguf_remove_tensor(w, "blk.1.ffn_down.weight.lora_b");
}

static void with_a_head(gguf_writer *w, gguf_writer *base)
{
    (void)base;
    gguf_put_tensor(w, "output.weight.lora_a", PH_F32, (uint64_t[]){256, 4}, 2,
                    NULL);
}

static void with_many_layers(gguf_writer *w, gguf_writer *base)
{
    (void)base;
    gguf_put_tensor(w, "blk.7.ffn_down.weight.lora_a", PH_F32,
                    (uint64_t[]){512, 4}, 2, NULL);
}

static void with_nan(gguf_writer *w, gguf_writer *base)
{
    float rows[512 * 4] = {0};

    (void)base;
    rows[700] = NAN;
    gguf_put_tensor(w, "blk.1.ffn_down.weight.lora_a", PH_F32,
                    (uint64_t[]){512, 4}, 2, rows);
}

static void with_large(gguf_writer *w, gguf_writer *base)
{
    float rows[512 * 4] = {0};

    (void)base;
    rows[0] = 3e38f;
    gguf_put_tensor(w, "blk.1.ffn_down.weight.lora_a", PH_F32,
                    (uint64_t[]){512, 4}, 2, rows);
}

static void of_no_tensor(gguf_writer *w, gguf_writer *base)
{
    (void)w;
    gguf_remove_tensor(base, "blk.1.ffn_down.weight");
}

static void of_half_split(gguf_writer *w, gguf_writer *base)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);

    (void)w;
    split_layer(base, &m, 2);
    gguf_remove_tensor(base, "blk.2.attn_v.weight");
}

static void of_other_rows(gguf_writer *w, gguf_writer *base)
{
    (void)w;
    gguf_put_tensor(base, "blk.1.ffn_down.weight", PH_F32,
                    (uint64_t[]){512, 255}, 2, NULL);
}

static void of_no_heads(gguf_writer *w, gguf_writer *base)
{
    (void)w;
    gguf_put_u32(base, "phi3.attention.head_count", 0);
}

static void of_many_layers(gguf_writer *w, gguf_writer *base)
{
    (void)w;
    gguf_put_u32(base, "phi3.block_count", 1 << 30);
}

static void of_a_model(gguf_writer *w, gguf_writer *base)
{
    (void)base;
    gguf_put_str(w, "general.type", "model");
}

static const struct {
    void (*spoil)(gguf_writer *w, gguf_writer *base);
    float scale;
    phial_status status;
    const char *says[2];
} wrong[] = {
    {with_short_rows, 1, PHIAL_E_MISMATCH, {"blk.1.ffn_down", "511 x 4"}},
    {with_short_rows, 0, PHIAL_E_MISMATCH, {"blk.1.ffn_down", "511 x 4"}},
    {with_half_a_pair,
     1,
     PHIAL_E_FORMAT,
     {"blk.1.ffn_down.weight.lora_a", "no other half"}},
    {with_a_head, 1, PHIAL_E_UNSUPPORTED, {"output.weight", "not part of"}},
    {with_many_layers, 1, PHIAL_E_MISMATCH, {"blk.7", "layers"}},
    {with_nan, 1, PHIAL_E_NUMERIC, {"blk.1.ffn_down.weight.lora_a", "NaN"}},
    {with_large, 1000, PHIAL_E_NUMERIC, {"merged with the adapters", "blk.1"}},
    {of_no_tensor,
     1,
     PHIAL_E_MISMATCH,
     {"tensor blk.1.ffn_down.weight.lora_a", "blk.1.ffn_down.weight, which"}},
    {of_half_split,
     1,
     PHIAL_E_MISMATCH,
     {"tensor blk.2.attn_qkv.weight.lora_a", "blk.2.attn_v.weight, which"}},
    {of_other_rows, 1, PHIAL_E_FORMAT, {"512 x 255", "hyper-parameters"}},
    {of_no_heads, 1, PHIAL_E_UNSUPPORTED, {"head_count", "is 0"}},
    {of_many_layers, 1, PHIAL_E_UNSUPPORTED, {"block_count", "1073741824"}},
    {of_a_model, 1, PHIAL_E_UNSUPPORTED, {"general.type", "lora-0"}},
};

START_TEST(what_does_not_fit_writes_nothing)
{
    const tiny_adapter a = adapter_of(TINY_LORA_FUSED, 4, 9);
    gguf_writer *w = tiny_adapter_build(&a), *base = base_of(PH_F32);

    wrong[_i].spoil(w, base);
    write_and_free(w, merge_lora[0]);
    write_and_free(base, merge_in);
    ck_status(merge(2, &wrong[_i].scale, 1, PHIAL_WEIGHTS_STORED),
              wrong[_i].status);
    for (size_t i = 0; i < 2; i++)
        ck_assert_msg(strstr(ph_error_text(), wrong[_i].says[i]), "%s",
                      ph_error_text());
    ck_assert_int_ne(access(merge_out, F_OK), 0);
}
END_TEST

START_TEST(an_adapter_of_another_family_is_refused)
{
    const tiny_adapter a = tiny_adapter_of(TINY_PHI4_MINI, 4, 9);
    const float scale = 1;

    write_and_free(base_of(PH_Q8_0), merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    ck_status(merge(1, &scale, 1, PHIAL_WEIGHTS_STORED), PHIAL_E_MISMATCH);
    ck_assert_int_ne(access(merge_out, F_OK), 0);
}
END_TEST

static phial_status merge_kept(const char *const *overrides, size_t n,
                               float scale, int32_t weights)
{
    return merge_on(&ph_libc_heap, 2, &scale, 1,
                    (ph_quantize_config){.weights = weights,
                                         .overrides = overrides,
                                         .n_overrides = n});
}

/* A loss that nobody asked for, unless nothing is added or a type is named. */
START_TEST(blocks_that_would_be_encoded_again_are_refused)
{
    static const char *const down = "*.ffn_down.weight=F16";
    const tiny_adapter a = adapter_of(TINY_LORA_DOWN, 4, 9);

    write_and_free(base_of(PH_Q8_0), merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    ck_status(merge_kept(NULL, 0, 1, PHIAL_WEIGHTS_STORED), PHIAL_E_ARGUMENT);
    ck_assert_ptr_nonnull(
        strstr(ph_error_text(), "ffn_down.weight\" is quant"));
    ck_assert_int_ne(access(merge_out, F_OK), 0);
    ck_status(merge_kept(NULL, 0, 0, PHIAL_WEIGHTS_STORED), PHIAL_OK);
    ck_status(merge_kept(NULL, 0, 1, PHIAL_WEIGHTS_Q8_0), PHIAL_OK);
    ck_status(merge_kept(&down, 1, 1, PHIAL_WEIGHTS_STORED), PHIAL_OK);
    write_and_free(base_of(PH_BF16), merge_in);
    ck_status(merge_kept(NULL, 0, 1, PHIAL_WEIGHTS_STORED), PHIAL_OK);
}
END_TEST

/* What the type cannot hold is known after the addition. */
START_TEST(sums_beyond_the_type_are_refused)
{
    const tiny_adapter a = adapter_of(TINY_LORA_DOWN, 4, 9);
    const float scale = 1e6f, huge = 3e38f;
    gguf_writer *w = tiny_adapter_build(&a);

    gguf_put_f32(w, "adapter.lora.alpha", 1000);
    write_and_free(base_of(PH_Q8_0), merge_in);
    write_and_free(w, merge_lora[0]);
    ck_status(merge(3, &scale, 1, PHIAL_WEIGHTS_STORED), PHIAL_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "merged with the adapters"));
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "blk.0.ffn_down.weight"));
    ck_status(merge(3, &huge, 1, PHIAL_WEIGHTS_STORED), PHIAL_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "adapter_scales[0]"));
    ck_assert_int_ne(access(merge_out, F_OK), 0);
}
END_TEST

static phial_status on_heap(void *user, const ph_heap *heap)
{
    static const float scales[] = {1, 0.5f};

    (void)user;
    return merge_on(heap, 1, scales, 2,
                    (ph_quantize_config){.weights = PHIAL_WEIGHTS_Q8_0});
}

START_TEST(every_allocation_may_fail)
{
    const tiny_adapter a = adapter_of(TINY_LORA_FUSED, 4, 9);
    const tiny_adapter b = adapter_of(TINY_LORA_SPLIT, 2, 10);
    size_t n_points;

    write_and_free(base_of(PH_F32), merge_in);
    write_and_free(tiny_adapter_build(&a), merge_lora[0]);
    write_and_free(tiny_adapter_build(&b), merge_lora[1]);
    ck_assert_uint_eq(failing_heap_loop(on_heap, NULL, &n_points), 0);
    ck_assert_uint_gt(n_points, 20);
}
END_TEST

TCase *merge_refusal_cases(void)
{
    TCase *tc = tcase_create("merge-refusals");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, merge_setup, merge_teardown);
    tcase_add_loop_test(tc, what_does_not_fit_writes_nothing, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, an_adapter_of_another_family_is_refused);
    tcase_add_test(tc, blocks_that_would_be_encoded_again_are_refused);
    tcase_add_test(tc, sums_beyond_the_type_are_refused);
    tcase_add_test(tc, every_allocation_may_fail);
    return tc;
}
