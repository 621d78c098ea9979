/* SPDX-License-Identifier: MIT
 * Weights that are quantised while they are read: in memory, and by their
 * fingerprint, they are those of the file that the quantiser writes. */
#include "model_cases.h"

#include "failing_heap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WIDE = TINY_FAMILIES, N_SHAPES, N_MIXES = PHIAL_WEIGHTS_Q2_K + 1 };

static char folder[] = "/tmp/phial-weights-XXXXXX", in[64], out[64];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(in, sizeof in, "%s/in.gguf", folder);
    snprintf(out, sizeof out, "%s/out.gguf", folder);
}

static void teardown(void)
{
    unlink(in);
    unlink(out);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* The families, and one whose rows are whole blocks of 256, with enough layers
 * that some of them are better than others. */
static gguf_writer *shape(int which, ph_dtype type)
{
    tiny_model m =
        tiny_model_of(which == WIDE ? TINY_PHI4 : (tiny_family)which, type, 1);

    if (which == WIDE) {
        m.n_layers = 9;
        m.n_embd = m.n_ff = 256;
        m.n_heads = 4;
        m.n_kv_heads = 2;
        m.head_dim = m.n_rot = 64;
    }
    return tiny_model_build(&m);
}

static void write_in(gguf_writer *w)
{
    gguf_write(w, in);
    gguf_writer_free(w);
}

static phial_status open_as(const char *path, const ph_heap *heap,
                            uint32_t n_threads, int32_t weights,
                            ph_model **model)
{
    ph_model_config config = {.heap = heap, .flags = PHIAL_MODEL_VERIFY};
    phial_status status = ph_pool_new(heap, n_threads, &config.pool);

    ck_status(ph_mix_get("weights", weights, &config.mix), PHIAL_OK);
    if (status == PHIAL_OK)
        status = ph_model_open(path, &config, model);
    ph_pool_free(config.pool);
    return status;
}

static void quantize(int32_t weights)
{
    ph_quantize_config config = {.heap = &ph_libc_heap, .weights = weights};

    ck_status(ph_pool_new(&ph_libc_heap, 2, &config.pool), PHIAL_OK);
    ck_status(ph_quantize(in, out, &config), PHIAL_OK);
    ph_pool_free(config.pool);
}

static uint64_t estimate(int32_t weights)
{
    const ph_mix *mix;
    ph_hparams hp;
    ph_gguf *gguf;
    uint64_t bytes;

    ck_status(ph_mix_get("weights", weights, &mix), PHIAL_OK);
    ck_status(ph_gguf_open(&ph_libc_heap, in, &gguf), PHIAL_OK);
    ck_status(ph_hparams_read(gguf, &hp), PHIAL_OK);
    ck_status(ph_model_weight_bytes(gguf, &hp, mix, &bytes), PHIAL_OK);
    ph_gguf_free(gguf);
    return bytes;
}

/* The part of a description that tells the types. */
static const char *types_in(const ph_model *model, size_t *len)
{
    const char *begin = strstr(model->description, "\"tensor_types\"");

    ck_assert_ptr_nonnull(begin);
    *len = (size_t)(strstr(begin, "\"hyper_parameters\"") - begin);
    return begin;
}

static void check_same(const ph_model *got, const ph_model *want)
{
    const char *types, *others;
    size_t n, m;

    ck_assert_uint_eq(got->weight_bytes, want->weight_bytes);
    ck_assert(memcmp(got->weights, want->weights, (size_t)want->weight_bytes) ==
              0);
    ck_assert_uint_eq(got->fingerprint, want->fingerprint);
    ck_assert_uint_eq(got->n_parameters, want->n_parameters);
    ck_assert_int_eq(got->layers[0].q.type, want->layers[0].q.type);
    ck_assert_int_eq(got->embedding.type, want->embedding.type);
    ck_assert_int_eq(got->output.type, want->output.type);
    types = types_in(got, &n);
    others = types_in(want, &m);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(types, others, n);
}

/* Each shape meets each choice of types, and each type that is stored. */
START_TEST(it_is_the_model_that_the_quantised_file_holds)
{
    static const ph_dtype types[] = {PH_F32, PH_BF16, PH_Q4_K};
    const int32_t weights = _i % N_MIXES;
    ph_model *want, *got;

    write_in(shape(_i / N_MIXES, types[_i % 3]));
    quantize(weights);
    ck_status(open_as(out, &ph_libc_heap, 1, 0, &want), PHIAL_OK);
    for (uint32_t n = 1; n <= 3; n += 2) {
        ck_status(open_as(in, &ph_libc_heap, n, weights, &got), PHIAL_OK);
        check_same(got, want);
        ph_model_free(got);
    }
    ck_assert_uint_eq(estimate(weights), want->weight_bytes);
    ph_model_free(want);
}
END_TEST

START_TEST(other_types_give_another_fingerprint)
{
    uint64_t seen[N_MIXES];
    ph_model *model;

    write_in(shape(WIDE, PH_F16));
    for (int32_t i = 0; i < N_MIXES; i++) {
        ck_status(open_as(in, &ph_libc_heap, 1, i, &model), PHIAL_OK);
        seen[i] = model->fingerprint;
        ph_model_free(model);
        for (int32_t k = 0; k < i; k++)
            ck_assert_int_eq(seen[k] == seen[i], k == PHIAL_WEIGHTS_STORED &&
                                                     i == PHIAL_WEIGHTS_F16);
    }
}
END_TEST

/* Vectors in half precision count as what they become. */
START_TEST(vectors_of_halves_become_floats)
{
    gguf_writer *w = shape(TINY_PHI4, PH_F32);
    uint16_t *ones = calloc(4096, sizeof *ones);
    ph_model *want, *got;
    uint32_t n;

    ck_status(open_with(shape(TINY_PHI4, PH_F32), 0, &got), PHIAL_OK);
    n = got->hp.n_embd;
    ph_model_free(got);
    for (uint32_t i = 0; i < n; i++)
        ones[i] = 0x3c00;
    gguf_put_tensor(w, "output_norm.weight", PH_F16, (uint64_t[]){n}, 1, ones);
    write_in(w);
    free(ones);
    quantize(PHIAL_WEIGHTS_Q8_0);
    ck_status(open_as(out, &ph_libc_heap, 1, 0, &want), PHIAL_OK);
    ck_status(open_as(in, &ph_libc_heap, 2, PHIAL_WEIGHTS_Q8_0, &got),
              PHIAL_OK);
    check_same(got, want);
    ph_model_free(got);
    ph_model_free(want);
}
END_TEST

START_TEST(weights_that_no_block_holds_are_refused_by_name)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 70000};
    gguf_writer *w = shape(WIDE, PH_F32);
    float *values = calloc(256 * 256, sizeof *values);
    ph_model *model = NULL;

    values[70] = bad[_i];
    gguf_put_tensor(w, "blk.1.attn_output.weight", PH_F32,
                    (uint64_t[]){256, 256}, 2, values);
    write_in(w);
    free(values);
    ck_status(open_as(in, &ph_libc_heap, 3, PHIAL_WEIGHTS_Q4_K_M, &model),
              _i < 3 ? PHIAL_E_NUMERIC : PHIAL_E_UNSUPPORTED);
    ck_assert_ptr_null(model);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "blk.1.attn_output.weight"));
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "element 70"));
}
END_TEST

static phial_status on_heap(void *user, const ph_heap *heap)
{
    ph_model *model = NULL;
    phial_status status = open_as(in, heap, 1, PHIAL_WEIGHTS_Q4_K_M, &model);

    (void)user;
    ph_model_free(model);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    size_t n_points;

    write_in(small_model(TINY_PHI4_MINI));
    ck_assert_uint_eq(failing_heap_loop(on_heap, NULL, &n_points), 0);
    ck_assert_uint_gt(n_points, 10);
}
END_TEST

/* Beyond the weights, buffers of a fixed size for each thread. */
START_TEST(memory_is_bounded)
{
    ph_model *model;
    size_t peak[2];

    write_in(shape(WIDE, PH_F32));
    for (int i = 0; i < 2; i++) {
        const int32_t weights = i ? PHIAL_WEIGHTS_Q4_K_M : 0;
        failing_heap heap;

        failing_heap_init(&heap, 0, FAIL_NEVER);
        ck_status(open_as(in, &heap.heap, 2, weights, &model), PHIAL_OK);
        peak[i] = heap.peak_bytes - (size_t)model->weight_bytes;
        ph_model_free(model);
        ck_assert_uint_eq(failing_heap_check(&heap), 0);
    }
    ck_assert_uint_le(peak[1], peak[0] + 2 * (768 << 10));
}
END_TEST

TCase *weight_format_cases(void)
{
    TCase *t = tcase_create("weight format");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, it_is_the_model_that_the_quantised_file_holds, 0,
                        N_SHAPES * N_MIXES);
    tcase_add_test(t, other_types_give_another_fingerprint);
    tcase_add_test(t, vectors_of_halves_become_floats);
    tcase_add_loop_test(t, weights_that_no_block_holds_are_refused_by_name, 0,
                        4);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, memory_is_bounded);
    return t;
}
