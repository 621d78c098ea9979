/* SPDX-License-Identifier: MIT
 * Files that are refused: other architectures, spoilt numbers, spoilt tensors.
 * Each refusal names what is wrong. */
#include "model_cases.h"

#include <math.h>
#include <stdio.h>

#define SAYS(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(other_architectures_are_refused_by_name)
{
    static const char *const ids[][2] = {
        {"phi2", "Phi-2"},  {"phimoe", "Phi-3.5-MoE"},
        {"llama", "Llama"}, {"qwen2", "qwen2"},
        {"", "\"\""},       {"phi3\n", "phi3\\x0a"},
        {"clip", "vision"},
    };

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        gguf_writer *w = small_model(TINY_PHI4);

        gguf_put_str(w, "general.architecture", ids[i][0]);
        check_refused(w, PHIAL_E_UNSUPPORTED,
                      SAYS(ids[i][1], "phi3 architecture", "Phi-4-mini"));
    }
}
END_TEST

START_TEST(what_is_no_model_is_refused)
{
    gguf_writer *w = small_model(TINY_PHI4);

    gguf_put_str(w, "general.type", "adapter");
    check_refused(w, PHIAL_E_UNSUPPORTED, SAYS("general.type", "adapter"));
    w = small_model(TINY_PHI4);
    gguf_remove_key(w, "general.architecture");
    check_refused(w, PHIAL_E_FORMAT, SAYS("general.architecture"));
    w = gguf_writer_new();
    gguf_put_str(w, "general.architecture", "phi3");
    check_refused(w, PHIAL_E_FORMAT, SAYS("phi3.context_length"));
}
END_TEST

START_TEST(a_file_of_only_metadata_is_refused_as_such)
{
    static const char *const tensors[] = {
        "token_embd.weight",     "output.weight",
        "output_norm.weight",    "blk.0.attn_norm.weight",
        "blk.0.attn_qkv.weight", "blk.0.attn_output.weight",
        "blk.0.ffn_norm.weight", "blk.0.ffn_up.weight",
        "blk.0.ffn_down.weight",
    };
    gguf_writer *w = small_model(TINY_PHI4);

    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        gguf_remove_tensor(w, tensors[i]);
    check_refused(w, PHIAL_E_FORMAT, SAYS("token_embd", "metadata only"));
}
END_TEST

START_TEST(unsupported_tensor_types_are_refused_by_name)
{
    static const struct {
        uint32_t id;
        const char *name;
    } types[] = {{17, "IQ2_XS"}, {31, "Q4_0_4_4"}, {39, "MXFP4"},
                 {137, "IQ2_K"}, {24, "I8"},       {9, "Q8_1"}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        gguf_writer *w = small_model(TINY_PHI4);
        const uint64_t dims[] = {256, 1024};
        static uint8_t data[1 << 20];

        gguf_remove_tensor(w, "blk.0.ffn_up.weight");
        gguf_append_tensor(w, PH_STR("blk.0.ffn_up.weight"), types[i].id, dims,
                           2, data, sizeof data);
        check_refused(w, PHIAL_E_UNSUPPORTED,
                      SAYS("blk.0.ffn_up.weight", types[i].name, "Q4_K"));
    }
}
END_TEST

START_TEST(a_tensor_more_is_refused_if_it_could_mean_something)
{
    static const char *const extra[] = {
        "blk.0.attn_qkv.bias",
        "blk.1.attn_norm.weight",
        "blk.00.ffn_up.weight",
        "blk.0.ffn_gate_inp.weight",
        "blk.0.attn_q.weight",
        "output.bias",
        "rope_freqs.weight",
        "token_embd_norm.weight",
        "blk.x",
        "blk.99999999999999.ffn_up.weight",
        "blk.0.attn_k.weight",
    };
    const uint64_t dims[] = {256};
    ph_model *model = NULL;
    gguf_writer *w;

    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        ph_model *none = NULL;

        w = small_model(TINY_PHI4);
        gguf_put_tensor(w, extra[i], PH_F32, dims, 1, NULL);
        ck_assert_int_lt(open_with(w, 0, &none), 0);
        ck_assert_msg(strstr(ph_error_text(), extra[i]) != NULL ||
                          strstr(ph_error_text(), "attn_q") != NULL,
                      "no %s in \"%s\"", extra[i], ph_error_text());
    }
    w = small_model(TINY_PHI4);
    gguf_put_tensor(w, "somebody.else", PH_F32, dims, 1, NULL);
    ck_status(open_with(w, 0, &model), PHIAL_OK);
    ph_model_free(model);
}
END_TEST

START_TEST(bad_rotary_factors_are_refused)
{
    const float bad[] = {0, -1, NAN, INFINITY, 1e-30f};
    const uint64_t dims[] = {12};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gguf_writer *w = small_model(TINY_PHI4_MINI);
        float factors[12];

        for (int j = 0; j < 12; j++)
            factors[j] = j == 7 ? bad[i] : 1;
        gguf_put_tensor(w, "rope_factors_long.weight", PH_F32, dims, 1,
                        factors);
        if (i < 4)
            check_refused(w, PHIAL_E_FORMAT,
                          SAYS("rope_factors_long.weight", "element 7"));
        else
            check_refused(w, PHIAL_E_UNSUPPORTED, SAYS("frequency 7"));
    }
}
END_TEST

START_TEST(one_factor_array_without_the_other_is_refused)
{
    gguf_writer *w = small_model(TINY_PHI4_MINI);

    gguf_remove_tensor(w, "rope_factors_short.weight");
    check_refused(w, PHIAL_E_FORMAT,
                  SAYS("rope_factors_short.weight", "missing"));
    w = small_model(TINY_PHI4_MINI);
    gguf_remove_key(w, "phi3.rope.scaling.original_context_length");
    check_refused(w, PHIAL_E_FORMAT, SAYS("original_context_length"));
}
END_TEST

START_TEST(float_hyper_parameters_must_make_sense)
{
    static const char *const keys[] = {
        "phi3.attention.layer_norm_rms_epsilon",
        "phi3.rope.freq_base",
        "phi3.rope.scaling.attn_factor",
    };
    const float bad[] = {NAN, INFINITY, -1, 0};

    for (int i = 0; i < 12; i++) {
        gguf_writer *w = small_model(TINY_PHI4_MINI);

        gguf_put_f32(w, keys[i / 4], bad[i % 4]);
        check_refused(w, PHIAL_E_FORMAT, SAYS(keys[i / 4]));
    }
}
END_TEST

START_TEST(the_vocabulary_must_have_a_row_for_every_token)
{
    const uint64_t dims[] = {256, 312};
    gguf_writer *w = small_model(TINY_PHI4);

    gguf_put_tensor(w, "token_embd.weight", PH_F32, dims, 2, NULL);
    gguf_put_tensor(w, "output.weight", PH_F32, dims, 2, NULL);
    check_refused(w, PHIAL_E_FORMAT, SAYS("312", "313"));
}
END_TEST

START_TEST(other_rope_scalings_are_refused)
{
    gguf_writer *w = small_model(TINY_PHI4);

    gguf_put_str(w, "phi3.rope.scaling.type", "yarn");
    check_refused(w, PHIAL_E_UNSUPPORTED, SAYS("yarn"));
}
END_TEST

TCase *refusal_cases(void)
{
    TCase *t = tcase_create("refusal");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, other_architectures_are_refused_by_name);
    tcase_add_test(t, what_is_no_model_is_refused);
    tcase_add_test(t, a_file_of_only_metadata_is_refused_as_such);
    tcase_add_test(t, unsupported_tensor_types_are_refused_by_name);
    tcase_add_test(t, a_tensor_more_is_refused_if_it_could_mean_something);
    tcase_add_test(t, bad_rotary_factors_are_refused);
    tcase_add_test(t, one_factor_array_without_the_other_is_refused);
    tcase_add_test(t, float_hyper_parameters_must_make_sense);
    tcase_add_test(t, the_vocabulary_must_have_a_row_for_every_token);
    tcase_add_test(t, other_rope_scalings_are_refused);
    return t;
}
