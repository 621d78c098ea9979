/* SPDX-License-Identifier: MIT
 * Models that open: what is read from them, and the rules for older files. */
#include "model_cases.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

static ph_model *open_good(gguf_writer *w)
{
    ph_model *model = NULL;

    ck_status(open_with(w, 0, &model), PHIAL_OK);
    return model;
}

START_TEST(hyper_parameters_are_those_of_the_file)
{
    for (int f = 0; f < TINY_FAMILIES; f++) {
        const tiny_model m = tiny_model_of((tiny_family)f, PH_F16, 1);
        ph_model *model = open_good(tiny_model_build(&m));
        const ph_hparams *hp = &model->hp;

        ck_assert_uint_eq(hp->n_layers, m.n_layers);
        ck_assert_uint_eq(hp->n_embd, m.n_embd);
        ck_assert_uint_eq(hp->n_ff, m.n_ff);
        ck_assert_uint_eq(hp->n_heads, m.n_heads);
        ck_assert_uint_eq(hp->n_kv_heads, m.n_kv_heads);
        ck_assert_uint_eq(hp->head_dim, m.head_dim);
        ck_assert_uint_eq(hp->n_rot, m.n_rot);
        ck_assert_uint_eq(hp->n_context, m.n_context);
        ck_assert_uint_eq(hp->n_context_original, m.n_context_original);
        ck_assert_uint_eq(hp->window, m.window < m.n_context ? m.window : 0);
        ck_assert_uint_eq(hp->n_vocab, ph_tokenizer_n_vocab(model->tokenizer));
        ck_assert_int_eq(hp->tied, m.tied);
        ck_assert_int_eq(hp->longrope, m.longrope);
        ck_assert_float_eq(hp->rope_theta, m.rope_theta);
        ck_assert_float_eq(hp->rms_eps, 1e-5f);
        ck_assert(ph_str_is(model->name, tiny_family_name((tiny_family)f)));
        ph_model_free(model);
    }
}
END_TEST

/* sqrt(1 + ln(32) / ln(64)): 2048 tokens from 64. */
START_TEST(the_attention_factor_is_computed_when_the_file_lacks_it)
{
    const float want = (float)sqrt(1 + 5.0 / 6);
    ph_model *model = open_good(small_model(TINY_PHI35));
    ph_model *stated = open_good(small_model(TINY_PHI4_MINI));
    ph_model *plain = open_good(small_model(TINY_PHI4));

    ck_assert_float_eq(model->hp.rope_scale, want);
    ck_assert_float_eq(stated->hp.rope_scale, want);
    ck_assert_float_eq(plain->hp.rope_scale, 1);
    ph_model_free(model);
    ph_model_free(stated);
    ph_model_free(plain);
}
END_TEST

/* Phi-4-mini's own numbers, computed with numpy in float32. */
START_TEST(rotary_frequencies_are_divided_by_the_factors)
{
    const uint64_t dims[] = {12};
    float factors[12];
    gguf_writer *w = small_model(TINY_PHI4_MINI);
    ph_model *model;

    for (int i = 0; i < 12; i++)
        factors[i] = (float)(1 << i);
    gguf_put_tensor(w, "rope_factors_long.weight", PH_F32, dims, 1, factors);
    for (int i = 0; i < 12; i++)
        factors[i] = 1;
    gguf_put_tensor(w, "rope_factors_short.weight", PH_F32, dims, 1, factors);
    model = open_good(w);
    ck_assert_float_eq(model->rope_freqs[PH_ROPE_SHORT][0], 1);
    for (int i = 0; i < 12; i++) {
        const double want = pow(10000, -2.0 * i / 24);
        const float got = model->rope_freqs[PH_ROPE_SHORT][i];

        ck_assert_double_eq_tol(got / want, 1, 1e-6);
        ck_assert_float_eq(model->rope_freqs[PH_ROPE_LONG][i],
                           got / (float)(1 << i));
    }
    ph_model_free(model);
}
END_TEST

START_TEST(old_files_are_read_by_the_rules_for_them)
{
    const uint32_t ctx_4k = 4096;
    tiny_model m = tiny_model_of(TINY_PHI3_4K, PH_Q4_0, 1);
    gguf_writer *w;
    ph_model *model;

    /* No window key: a 4K model of 32 layers has one of 2047. */
    m.n_layers = 32;
    m.n_context = m.n_context_original = ctx_4k;
    w = tiny_model_build(&m);
    gguf_remove_key(w, "phi3.attention.sliding_window");
    model = open_good(w);
    ck_assert_uint_eq(model->hp.window, 2047);
    ph_model_free(model);
    /* Any other has none. */
    w = small_model(TINY_PHI4);
    gguf_remove_key(w, "phi3.attention.sliding_window");
    gguf_remove_key(w, "phi3.rope.scaling.original_context_length");
    gguf_remove_key(w, "phi3.attention.head_count_kv");
    gguf_remove_key(w, "phi3.rope.dimension_count");
    gguf_put_u32(w, "phi3.attention.head_count_kv", 2);
    model = open_good(w);
    ck_assert_uint_eq(model->hp.window, 0);
    ck_assert_uint_eq(model->hp.n_rot, model->hp.head_dim);
    ck_assert_uint_eq(model->hp.n_context_original, model->hp.n_context);
    ph_model_free(model);
    /* The whole head as rotary dimensions, but factors for a part of it. */
    w = small_model(TINY_PHI4_MINI);
    gguf_put_u32(w, "phi3.rope.dimension_count", 32);
    model = open_good(w);
    ck_assert_uint_eq(model->hp.n_rot, 24);
    ph_model_free(model);
}
END_TEST

/* The rows of a matrix are those of the file, one after another. */
static void check_rows(const ph_matrix *matrix, const float *file)
{
    float *row = malloc(matrix->cols * sizeof *row);

    for (uint32_t r = 0; r < matrix->rows; r++) {
        ph_matrix_row(matrix, r, row);
        ck_assert_mem_eq(row, file + (size_t)r * matrix->cols,
                         matrix->cols * sizeof *row);
    }
    free(row);
}

START_TEST(split_and_joint_projections_are_the_same_weights)
{
    static const char *const parts[] = {"q", "k", "v"};
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    const uint32_t rows[] = {256, 64, 64};
    const uint64_t key = 5;
    uint8_t *joint = tiny_weights(PH_F32, 384, 256, 1, key);
    const float *values = (const float *)(const void *)joint;
    gguf_writer *w = tiny_model_build(&m);
    const uint8_t *at = joint;
    ph_model *model;

    gguf_remove_tensor(w, "blk.1.attn_qkv.weight");
    for (int i = 0; i < 3; i++) {
        const uint64_t dims[] = {256, rows[i]};
        char name[32];

        snprintf(name, sizeof name, "blk.1.attn_%s.weight", parts[i]);
        gguf_put_tensor(w, name, PH_F32, dims, 2, at);
        at += (size_t)rows[i] * 256 * sizeof(float);
    }
    model = open_good(w);
    check_rows(&model->layers[1].q, values);
    check_rows(&model->layers[1].k, values + 256 * 256);
    check_rows(&model->layers[1].v, values + 320 * 256);
    ck_assert_uint_eq(model->layers[1].v.rows, 64);
    ck_assert_uint_eq(model->layers[0].k.rows, 64);
    ph_model_free(model);
    free(joint);
}
END_TEST

START_TEST(weights_are_aligned_and_counted)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    ph_model *model = open_good(tiny_model_build(&m));
    const uint64_t d = 256, ff = 512, v = 313;
    const uint64_t layer = 2 * d + d * 384 + d * d + d * 2 * ff + ff * d;
    const uint64_t padding = 320 - v; /* rows that fill the last panel */

    ck_assert_uint_eq(model->n_parameters, 2 * d * v + d + 3 * layer);
    ck_assert_uint_eq(model->weight_bytes,
                      4 * (model->n_parameters + padding * d));
    ck_assert_uint_eq((uintptr_t)model->layers[2].down.data % 64, 0);
    ck_assert_uint_eq((uintptr_t)model->output.data % 64, 0);
    ph_model_free(model);
}
END_TEST

START_TEST(a_norm_in_half_precision_is_widened)
{
    const uint64_t dims[] = {256};
    const ph_dtype types[] = {PH_F16, PH_BF16};
    uint16_t half[256];
    gguf_writer *w = small_model(TINY_PHI4);
    ph_model *model;

    for (int i = 0; i < 256; i++)
        half[i] = (uint16_t)(0x3c00 + 37 * i);
    gguf_put_tensor(w, "output_norm.weight", types[_i], dims, 1, half);
    model = open_good(w);
    for (int i = 0; i < 256; i++)
        ck_assert_float_eq(model->output_norm[i],
                           _i == 0 ? ph_f16_to_f32(half[i])
                                   : ph_bf16_to_f32(half[i]));
    ph_model_free(model);
}
END_TEST

START_TEST(verify_names_the_tensor_that_holds_nan)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    static const char *const names[] = {"output_norm.weight",
                                        "blk.0.ffn_norm.weight"};

    for (int i = 0; i < 6; i++) {
        const uint64_t dims[] = {256};
        float norm[256] = {0};
        gguf_writer *w = small_model(TINY_PHI4);
        ph_model *model = NULL;

        norm[200] = bad[i % 3];
        gguf_put_tensor(w, names[i / 3], PH_F32, dims, 1, norm);
        ck_status(open_with(w, PHIAL_MODEL_VERIFY, &model), PHIAL_E_NUMERIC);
        ck_assert(strstr(ph_error_text(), names[i / 3]) != NULL);
        ck_assert(strstr(ph_error_text(), "element 200") != NULL);
    }
    for (int f = 0; f < TINY_FAMILIES; f++) {
        ph_model *model = NULL;

        ck_status(
            open_with(small_model((tiny_family)f), PHIAL_MODEL_VERIFY, &model),
            PHIAL_OK);
        ph_model_free(model);
    }
}
END_TEST

START_TEST(verify_finds_a_bad_scale_in_a_block)
{
    const uint64_t dims[] = {256, 313};
    uint8_t *data = tiny_weights(PH_Q6_K, 313, 256, 1, 1);
    gguf_writer *w = small_model(TINY_PHI4);
    ph_model *model = NULL;

    data[210 * 300 + 208] = 0x00;
    data[210 * 300 + 209] = 0x7c; /* half-precision infinity */
    gguf_put_tensor(w, "output.weight", PH_Q6_K, dims, 2, data);
    free(data);
    ck_status(open_with(w, PHIAL_MODEL_VERIFY, &model), PHIAL_E_NUMERIC);
    ck_assert(strstr(ph_error_text(), "output.weight") != NULL);
    ck_assert(strstr(ph_error_text(), "row 300") != NULL);
}
END_TEST

typedef struct progress {
    float last;
    int calls;
    int stop_after;
} progress;

static int32_t on_progress(void *user, float fraction)
{
    progress *p = user;

    ck_assert_float_ge(fraction, p->last);
    ck_assert_float_le(fraction, 1);
    p->last = fraction;
    return ++p->calls == p->stop_after;
}

START_TEST(progress_rises_to_one_and_may_cancel)
{
    char path[] = "/tmp/phial-test-model-XXXXXX";
    progress p = {0, 0, 0};
    ph_model_config config = {
        .heap = &ph_libc_heap, .progress = on_progress, .progress_user = &p};
    ph_model *model = NULL;
    int n;

    close(mkstemp(path));
    tiny_model_write(path, TINY_PHI4, PH_F32, 1);
    ck_status(ph_model_open(path, &config, &model), PHIAL_OK);
    ph_model_free(model);
    ck_assert_float_eq(p.last, 1);
    ck_assert_int_gt(p.calls, 5);
    n = p.calls;
    for (int stop = 1; stop <= n; stop++) {
        p = (progress){0, 0, stop};
        model = NULL;
        ck_status(ph_model_open(path, &config, &model), PHIAL_E_CANCELLED);
        ck_assert_int_eq(p.calls, stop);
        ck_assert_ptr_null(model);
    }
    unlink(path);
}
END_TEST

START_TEST(locking_succeeds_or_says_why)
{
    ph_model *model = NULL;
    const phial_status status =
        open_with(small_model(TINY_PHI4), PHIAL_MODEL_LOCK, &model);

    ck_assert(status == PHIAL_OK || status == PHIAL_E_IO ||
              status == PHIAL_E_MEMORY);
    ck_assert_int_eq(model != NULL, status == PHIAL_OK);
    ph_model_free(model);
    ph_model_free(NULL);
}
END_TEST

START_TEST(the_description_is_json_about_the_file)
{
    gguf_writer *w = small_model(TINY_PHI4_MINI);
    json_t *json, *item;
    ph_model *model;

    gguf_put_str(w, "tokenizer.chat_template", "{{ x }}");
    gguf_put_bytes(w, "general.author", "caf\xc3\xa9 \xff\xc3", 8);
    gguf_put_f32(w, "test.tenth", 0.1f);
    gguf_put_f32(w, "test.nan", NAN);
    gguf_put_u64(w, "test.big", UINT64_MAX);
    model = open_good(w);
    json = json_loads(model->description, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "name")),
                     "phi-4-mini");
    ck_assert_str_eq(json_string_value(json_object_get(json, "vocabulary")),
                     "phi-4-mini");
    ck_assert_str_eq(json_string_value(json_object_get(json, "chat_template")),
                     "{{ x }}");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "parameters")),
                     (json_int_t)model->n_parameters);
    item = json_object_get(json, "hyper_parameters");
    ck_assert_int_eq(
        json_integer_value(json_object_get(item, "rotary_dimension")), 24);
    ck_assert(json_is_null(json_object_get(item, "sliding_window")));
    ck_assert(json_is_true(json_object_get(item, "tied_embedding")));
    item = json_object_get(json_object_get(json, "tensor_types"), "F16");
    ck_assert_int_eq(json_integer_value(json_object_get(item, "tensors")), 5);
    item = json_object_get(json, "metadata");
    ck_assert_str_eq(json_string_value(json_object_get(item, "general.author")),
                     "caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd");
    ck_assert(json_is_null(json_object_get(item, "test.nan")));
    ck_assert(json_is_real(json_object_get(item, "test.big")));
    ck_assert_ptr_null(json_object_get(item, "tokenizer.chat_template"));
    item = json_object_get(item, "tokenizer.ggml.tokens");
    ck_assert_int_eq(json_integer_value(json_object_get(item, "count")),
                     model->hp.n_vocab);
    ck_assert(strstr(model->description, "\"test.tenth\":0.1,") != NULL);
    ck_assert(strstr(model->description, "\"rms_epsilon\":1e-05,") != NULL ||
              strstr(model->description, "\"rms_epsilon\":1e-5,") != NULL);
    json_decref(json);
    ph_model_free(model);
}
END_TEST

TCase *open_cases(void)
{
    TCase *t = tcase_create("open");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, hyper_parameters_are_those_of_the_file);
    tcase_add_test(t, the_attention_factor_is_computed_when_the_file_lacks_it);
    tcase_add_test(t, rotary_frequencies_are_divided_by_the_factors);
    tcase_add_test(t, old_files_are_read_by_the_rules_for_them);
    tcase_add_test(t, split_and_joint_projections_are_the_same_weights);
    tcase_add_test(t, weights_are_aligned_and_counted);
    tcase_add_loop_test(t, a_norm_in_half_precision_is_widened, 0, 2);
    tcase_add_test(t, verify_names_the_tensor_that_holds_nan);
    tcase_add_test(t, verify_finds_a_bad_scale_in_a_block);
    tcase_add_test(t, progress_rises_to_one_and_may_cancel);
    tcase_add_test(t, locking_succeeds_or_says_why);
    tcase_add_test(t, the_description_is_json_about_the_file);
    return t;
}
