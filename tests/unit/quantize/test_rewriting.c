/* SPDX-License-Identifier: MIT
 * Whole files: every mix of every family, the same bytes for any number of
 * threads, and every way in which nothing is written. */
#include "quantize_cases.h"

#include "failing_heap.h"
#include "formats/formats.h"
#include "tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/phial-quantize-XXXXXX", in[64], out[64];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(in, sizeof in, "%s/in.gguf", folder);
    snprintf(out, sizeof out, "%s/out.gguf", folder);
}

/* Nothing else may be left in the folder. */
static void teardown(void)
{
    unlink(in);
    unlink(out);
    ck_assert_int_eq(rmdir(folder), 0);
}

static phial_status quantize_on(const ph_heap *heap, uint32_t n_threads,
                                ph_quantize_config config)
{
    phial_status status = ph_pool_new(heap, n_threads, &config.pool);

    config.heap = heap;
    if (status == PHIAL_OK)
        status = ph_quantize(in, out, &config);
    ph_pool_free(config.pool);
    return status;
}

static uint32_t type_of(const char *path, const char *name)
{
    const ph_gguf_tensor *tensor;
    ph_gguf *gguf;
    uint32_t type;

    ck_status(ph_gguf_open(&ph_libc_heap, path, &gguf), PHIAL_OK);
    tensor = ph_gguf_find_tensor(gguf, name);
    ck_assert_ptr_nonnull(tensor);
    type = tensor->type;
    ph_gguf_free(gguf);
    return type;
}

/* Rows of whole blocks of 256. */
static gguf_writer *wide_model(void)
{
    tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);

    m.n_embd = 256;
    m.n_ff = 512;
    m.n_heads = 4;
    m.n_kv_heads = 2;
    m.head_dim = 64;
    m.n_rot = 64;
    return tiny_model_build(&m);
}

static void write_wide(void)
{
    gguf_writer *w = wide_model();

    gguf_write(w, in);
    gguf_writer_free(w);
}

START_TEST(threads_do_not_change_a_byte)
{
    static const uint32_t counts[] = {2, 5};
    const ph_quantize_config config = {.weights = _i};
    size_t n, m;
    uint8_t *alone, *other;

    write_wide();
    ck_status(quantize_on(&ph_libc_heap, 1, config), PHIAL_OK);
    alone = contents(out, &n);
    for (size_t i = 0; i < 2; i++) {
        ck_status(quantize_on(&ph_libc_heap, counts[i], config), PHIAL_OK);
        other = contents(out, &m);
        ck_assert_uint_eq(n, m);
        ck_assert_mem_eq(alone, other, n);
        free(other);
    }
    free(alone);
}
END_TEST

START_TEST(a_mix_gives_tensors_their_types)
{
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_Q4_K_M};

    write_wide();
    ck_status(quantize_on(&ph_libc_heap, 2, config), PHIAL_OK);
    ck_assert_uint_eq(type_of(out, "token_embd.weight"), PH_Q4_K);
    ck_assert_uint_eq(type_of(out, "output.weight"), PH_Q6_K);
    ck_assert_uint_eq(type_of(out, "blk.0.attn_qkv.weight"), PH_Q5_K);
    ck_assert_uint_eq(type_of(out, "blk.0.attn_output.weight"), PH_Q4_K);
    ck_assert_uint_eq(type_of(out, "blk.0.attn_norm.weight"), PH_F32);
}
END_TEST

/* A model of few layers has none in its first eighth or sixteenth. */
START_TEST(small_mixes_give_tensors_their_types)
{
    static const struct {
        int32_t weights;
        ph_dtype base, qkv, output, down;
    } cases[] = {
        {PHIAL_WEIGHTS_Q3_K_L, PH_Q3_K, PH_Q4_K, PH_Q5_K, PH_Q5_K},
        {PHIAL_WEIGHTS_Q3_K_M, PH_Q3_K, PH_Q4_K, PH_Q4_K, PH_Q4_K},
        {PHIAL_WEIGHTS_Q3_K_S, PH_Q3_K, PH_Q3_K, PH_Q3_K, PH_Q3_K},
        {PHIAL_WEIGHTS_Q2_K, PH_Q2_K, PH_Q2_K, PH_Q3_K, PH_Q3_K},
        {PHIAL_WEIGHTS_IQ4_XS, PH_IQ4_XS, PH_IQ4_XS, PH_IQ4_XS, PH_IQ4_XS},
        {PHIAL_WEIGHTS_IQ4_NL, PH_IQ4_NL, PH_IQ4_NL, PH_IQ4_NL, PH_IQ4_NL},
    };
    const ph_quantize_config config = {.weights = cases[_i].weights};

    write_wide();
    ck_status(quantize_on(&ph_libc_heap, 2, config), PHIAL_OK);
    ck_assert_uint_eq(type_of(out, "token_embd.weight"), cases[_i].base);
    ck_assert_uint_eq(type_of(out, "blk.0.ffn_up.weight"), cases[_i].base);
    ck_assert_uint_eq(type_of(out, "output.weight"), PH_Q6_K);
    ck_assert_uint_eq(type_of(out, "blk.0.attn_qkv.weight"), cases[_i].qkv);
    ck_assert_uint_eq(type_of(out, "blk.0.attn_output.weight"),
                      cases[_i].output);
    ck_assert_uint_eq(type_of(out, "blk.0.ffn_down.weight"), cases[_i].down);
}
END_TEST

START_TEST(the_first_override_that_matches_counts)
{
    static const char *const overrides[] = {"blk.0.ffn_*=q8_0",
                                            "*.ffn_?own.weight=F16"};
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_Q4_K_S,
                                       .overrides = overrides,
                                       .n_overrides = 2};

    write_wide();
    ck_status(quantize_on(&ph_libc_heap, 2, config), PHIAL_OK);
    ck_assert_uint_eq(type_of(out, "blk.0.ffn_down.weight"), PH_Q8_0);
    ck_assert_uint_eq(type_of(out, "blk.1.ffn_down.weight"), PH_F16);
    ck_assert_uint_eq(type_of(out, "blk.1.ffn_up.weight"), PH_Q4_K);
    ck_assert_uint_eq(type_of(out, "blk.0.ffn_norm.weight"), PH_F32);
}
END_TEST

static const struct {
    const char *override;
    phial_status status;
    const char *says;
} wrong[] = {
    {"Q8_0", PHIAL_E_ARGUMENT, "PATTERN=TYPE"},
    {"=Q8_0", PHIAL_E_ARGUMENT, "PATTERN=TYPE"},
    {"*=Q9_0", PHIAL_E_ARGUMENT, "expected one of F32"},
    {"*=IQ3_S", PHIAL_E_ARGUMENT, "expected one of F32"},
    {"blk.99.*=Q8_0", PHIAL_E_ARGUMENT, "blk.99"},
    {"output_norm.weight=Q8_0", PHIAL_E_ARGUMENT, "no matrix"},
};

START_TEST(a_wrong_override_writes_nothing)
{
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_Q8_0,
                                       .overrides = &wrong[_i].override,
                                       .n_overrides = 1};

    write_wide();
    ck_status(quantize_on(&ph_libc_heap, 2, config), wrong[_i].status);
    ck_assert_msg(strstr(ph_error_text(), wrong[_i].says), "%s",
                  ph_error_text());
    ck_assert_int_ne(access(out, F_OK), 0);
}
END_TEST

START_TEST(a_row_that_is_no_whole_block_is_not_forced)
{
    static const char *const override = "*=Q4_K";
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_Q4_K_M,
                                       .overrides = &override,
                                       .n_overrides = 1};
    const ph_quantize_config mix = {.weights = PHIAL_WEIGHTS_Q4_K_M};

    tiny_model_write(in, TINY_PHI4_MINI, PH_F32, 1);
    ck_status(quantize_on(&ph_libc_heap, 1, config), PHIAL_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "whole blocks"));
    ck_status(quantize_on(&ph_libc_heap, 1, mix), PHIAL_OK);
    ck_assert_uint_eq(type_of(out, "blk.0.attn_output.weight"), PH_Q5_0);
}
END_TEST

/* The first in the file, whichever thread meets it. */
START_TEST(weights_that_are_no_numbers_are_refused_by_name)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 70000};
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_Q4_K_M};
    gguf_writer *w = wide_model();
    float *values = calloc(256 * 256, sizeof *values);

    values[70] = bad[_i];
    gguf_put_tensor(w, "blk.1.attn_output.weight", PH_F32,
                    (uint64_t[]){256, 256}, 2, values);
    gguf_write(w, in);
    gguf_writer_free(w);
    free(values);
    ck_status(quantize_on(&ph_libc_heap, 3, config),
              _i < 3 ? PHIAL_E_NUMERIC : PHIAL_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "blk.1.attn_output.weight"));
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "element 70"));
    ck_assert_int_ne(access(out, F_OK), 0);
}
END_TEST

START_TEST(there_are_no_other_weights)
{
    const int32_t none[] = {-1, PHIAL_WEIGHTS_Q2_K + 1};

    write_wide();
    for (size_t i = 0; i < 2; i++) {
        const ph_quantize_config config = {.weights = none[i]};

        ck_status(quantize_on(&ph_libc_heap, 1, config), PHIAL_E_UNSUPPORTED);
    }
}
END_TEST

static int32_t give_up(void *user, float fraction)
{
    int *calls = user;

    ck_assert_float_le(fraction, 1);
    return ++*calls == 2;
}

START_TEST(the_hook_may_give_up)
{
    int calls = 0;
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_Q8_0,
                                       .progress = give_up,
                                       .progress_user = &calls};

    write_wide();
    ck_status(quantize_on(&ph_libc_heap, 2, config), PHIAL_E_CANCELLED);
    ck_assert_int_eq(calls, 2);
    ck_assert_int_ne(access(out, F_OK), 0);
}
END_TEST

static phial_status on_heap(void *user, const ph_heap *heap)
{
    static const char *const override = "output.weight=Q8_0";
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_Q4_K_S,
                                       .overrides = &override,
                                       .n_overrides = 1};

    (void)user;
    return quantize_on(heap, 1, config);
}

START_TEST(every_allocation_may_fail)
{
    size_t n_points;

    write_wide();
    ck_assert_uint_eq(failing_heap_loop(on_heap, NULL, &n_points), 0);
    ck_assert_uint_gt(n_points, 10);
}
END_TEST

/* As stored: the same tensors, and nothing lost of the metadata. */
START_TEST(as_stored_keeps_the_bytes)
{
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_STORED};
    size_t n, m;
    uint8_t *once, *twice;

    tiny_model_write(in, (tiny_family)_i, PH_Q4_K, 1);
    ck_status(quantize_on(&ph_libc_heap, 1, config), PHIAL_OK);
    once = contents(out, &n);
    ck_assert_int_eq(rename(out, in), 0);
    ck_status(quantize_on(&ph_libc_heap, 2, config), PHIAL_OK);
    twice = contents(out, &m);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(once, twice, n);
    free(once);
    free(twice);
}
END_TEST

static uint32_t file_type_of(const char *path)
{
    const uint32_t none = 1000;
    uint32_t type;
    ph_gguf *gguf;

    ck_status(ph_gguf_open(&ph_libc_heap, path, &gguf), PHIAL_OK);
    ck_status(ph_gguf_u32(gguf, "general.file_type", &none, &type), PHIAL_OK);
    ph_gguf_free(gguf);
    return type;
}

/* What the input does not say is said where all matrices have one type, and
 * that is the type of a kind of file. */
START_TEST(as_stored_says_the_type_that_all_have)
{
    static const char *const other = "output.weight=BF16";
    static const struct {
        ph_dtype stored;
        size_t n_overrides;
        uint32_t file_type;
    } cases[] = {{PH_F16, 0, 1},
                 {PH_F32, 0, 0},
                 {PH_Q8_0, 0, 7},
                 {PH_Q4_0, 0, 1000},
                 {PH_F16, 1, 1000}};
    const ph_quantize_config config = {.weights = PHIAL_WEIGHTS_STORED,
                                       .overrides = &other,
                                       .n_overrides = cases[_i].n_overrides};

    tiny_model_write(in, TINY_PHI4, cases[_i].stored, 1);
    ck_assert_uint_eq(file_type_of(in), 1000);
    ck_status(quantize_on(&ph_libc_heap, 1, config), PHIAL_OK);
    ck_assert_uint_eq(file_type_of(out), cases[_i].file_type);
}
END_TEST

TCase *rewriting_cases(void)
{
    TCase *tc = tcase_create("rewriting");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, threads_do_not_change_a_byte, 0,
                        PHIAL_WEIGHTS_Q2_K + 1);
    tcase_add_test(tc, a_mix_gives_tensors_their_types);
    tcase_add_loop_test(tc, small_mixes_give_tensors_their_types, 0, 6);
    tcase_add_test(tc, the_first_override_that_matches_counts);
    tcase_add_loop_test(tc, a_wrong_override_writes_nothing, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, a_row_that_is_no_whole_block_is_not_forced);
    tcase_add_loop_test(tc, weights_that_are_no_numbers_are_refused_by_name, 0,
                        4);
    tcase_add_test(tc, there_are_no_other_weights);
    tcase_add_test(tc, the_hook_may_give_up);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_loop_test(tc, as_stored_keeps_the_bytes, 0, TINY_FAMILIES);
    tcase_add_loop_test(tc, as_stored_says_the_type_that_all_have, 0, 5);
    return tc;
}
