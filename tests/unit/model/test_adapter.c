/* SPDX-License-Identifier: MIT
 * Reading adapters: GGUF files and PEFT's folders give the same, whatever is
 * wrong is refused with a sentence, and every allocation may fail. */
#include "checkpoint_files.h"
#include "failing_heap.h"
#include "model_cases.h"
#include "tiny_adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static ph_model *tiny(void)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    ph_model *model = NULL;

    ck_status(open_with(tiny_model_build(&m), 0, &model), PHIAL_OK);
    return model;
}

static phial_status open_gguf(const ph_model *model, gguf_writer *w,
                              ph_adapter **out)
{
    const model_file file = model_file_of(w);
    const phial_status status = ph_adapter_open(model, file.path, 1, out);

    unlink(file.path);
    return status;
}

static void remove_folder(char *folder)
{
    checkpoint_empty(folder);
    ck_assert_int_eq(rmdir(folder), 0);
    free(folder);
}

/* ---- What there is ----------------------------------------------------- */

START_TEST(a_folder_is_the_same_as_a_file)
{
    static const ph_dtype types[] = {PH_F32, PH_F16, PH_BF16};
    ph_model *model = tiny();
    tiny_adapter t = tiny_adapter_of(TINY_PHI4, 5, 9);
    char *folder = checkpoint_folder_new();
    ph_adapter *file = NULL, *saved = NULL;

    t.type = types[_i % 3];
    t.modules = _i / 3 ? TINY_LORA_FUSED : TINY_LORA_SPLIT;
    t.alpha = 4;
    tiny_adapter_save(&t, folder);
    ck_status(open_gguf(model, tiny_adapter_build(&t), &file), PHIAL_OK);
    ck_status(ph_adapter_open(model, folder, 2, &saved), PHIAL_OK);
    ck_assert(file->fingerprint == saved->fingerprint);
    ck_assert_uint_eq(file->bytes, saved->bytes);
    ck_assert_uint_eq(file->max_rank,
                      _i / 3 ? t.rank : 3 * t.rank); /* q, k and v */
    ck_assert_float_eq(saved->pairs[0].scale, 0.8f);
    ph_adapter_free(file);
    ph_adapter_free(saved);
    remove_folder(folder);
    ph_model_free(model);
}
END_TEST

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    gguf_write_bytes(path, text, strlen(text));
}

static ph_adapter *open_config(const ph_model *model, const tiny_adapter *t,
                               const char *config)
{
    char *folder = checkpoint_folder_new();
    ph_adapter *adapter = NULL;

    tiny_adapter_save(t, folder);
    write_text(folder, "adapter_config.json", config);
    ck_status(ph_adapter_open(model, folder, 1, &adapter), PHIAL_OK);
    remove_folder(folder);
    return adapter;
}

START_TEST(factors_follow_the_configuration)
{
    ph_model *model = tiny();
    tiny_adapter t = tiny_adapter_of(TINY_PHI4, 16, 9);
    ph_adapter *a;

    t.modules = TINY_LORA_Q | TINY_LORA_DOWN;
    a = open_config(model, &t,
                    "{\"peft_type\": \"LORA\", \"r\": 16, \"lora_alpha\": 8, "
                    "\"use_rslora\": true}");
    ck_assert_float_eq(a->pairs[0].scale, 2);
    ph_adapter_free(a);
    a = open_config(
        model, &t,
        "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, "
        "\"rank_pattern\": {\"proj\": 3, \"self_attn.q_proj\": 16, \"q_proj\":"
        " 5, \"model.layers.0.mlp.down_proj\": 16, \"down_proj\": 16}, "
        "\"alpha_pattern\": {\"layers.1.self_attn.q_proj\": 24, \"own_proj\": "
        "1}, \"init_lora_weights\": \"gaussian\", \"modules_to_save\": null, "
        "\"layers_pattern\": null, \"use_dora\": false}");
    ck_assert_float_eq(a->pairs[0].scale, 0.5f);
    ck_assert_float_eq(a->pairs[1].scale, 0.5f); /* down of layer 0 */
    ck_assert_float_eq(a->pairs[2].scale, 1.5f);
    ph_adapter_free(a);
    ph_model_free(model);
}
END_TEST

/* As llama.cpp reads it. */
START_TEST(no_alpha_is_no_factor)
{
    ph_model *model = tiny();
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 4, 9);
    gguf_writer *w = tiny_adapter_build(&t);
    ph_adapter *a = NULL;

    gguf_put_f32(w, "adapter.lora.alpha", 0);
    ck_status(open_gguf(model, w, &a), PHIAL_OK);
    ck_assert_float_eq(a->pairs[0].scale, 1);
    ph_adapter_free(a);
    ph_model_free(model);
}
END_TEST

/* ---- What is refused --------------------------------------------------- */

static void check_adapter_refused(phial_status got, phial_status want,
                                  const ph_adapter *adapter, const char *text)
{
    ck_assert_msg(got == want, "%d, not %d: %s", got, want, ph_error_text());
    ck_assert_msg(strstr(ph_error_text(), text) != NULL, "no \"%s\" in: %s",
                  text, ph_error_text());
    ck_assert_ptr_null(adapter);
}

static const struct {
    const char *config, *text;
    phial_status status;
} configs[] = {
    {"[]", "an object was expected", PHIAL_E_FORMAT},
    {"{", "adapter_config.json", PHIAL_E_FORMAT},
    {"{}", "peft_type", PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LOHA\"}", "peft_type", PHIAL_E_UNSUPPORTED},
    {"{\"peft_type\":\"LORA\"}", "\"r\"", PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":0,\"lora_alpha\":1}", "\"r\"",
     PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":4.5,\"lora_alpha\":1}", "\"r\"",
     PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":4}", "lora_alpha", PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1e99}", "lora_alpha",
     PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":5,\"lora_alpha\":1}", "the rank of",
     PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"use_rslora\":1}",
     "use_rslora", PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"use_dora\":true}",
     "use_dora", PHIAL_E_UNSUPPORTED},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"bias\":\"all\"}",
     "bias", PHIAL_E_UNSUPPORTED},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"fan_in_fan_out\":"
     "true}",
     "fan_in_fan_out", PHIAL_E_UNSUPPORTED},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"modules_to_save\":"
     "[\"lm_head\"]}",
     "modules_to_save", PHIAL_E_UNSUPPORTED},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"init_lora_weights\":"
     "\"pissa_niter_4\"}",
     "init_lora_weights", PHIAL_E_UNSUPPORTED},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"rank_pattern\":[]}",
     "rank_pattern", PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"rank_pattern\":"
     "{\"q.*\":4}}",
     "rank_pattern", PHIAL_E_UNSUPPORTED},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"rank_pattern\":"
     "{\"o_proj\":-4}}",
     "rank_pattern", PHIAL_E_FORMAT},
    {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1,\"alpha_pattern\":"
     "{\"o_proj\":\"4\"}}",
     "alpha_pattern", PHIAL_E_FORMAT},
};

START_TEST(configurations_that_say_something_else_are_refused)
{
    ph_model *model = tiny();
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 4, 9);
    char *folder = checkpoint_folder_new();
    ph_adapter *adapter = NULL;

    tiny_adapter_save(&t, folder);
    write_text(folder, "adapter_config.json", configs[_i].config);
    check_adapter_refused(ph_adapter_open(model, folder, 1, &adapter),
                          configs[_i].status, adapter, configs[_i].text);
    remove_folder(folder);
    ph_model_free(model);
}
END_TEST

#define NAMED(name)                                                            \
    "{\"" name "\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}" \
    "}"

static const struct {
    const char *header, *text;
    phial_status status;
} tensors[] = {
    {NAMED("base_model.model.lm_head.lora_A.weight"), "lm_head",
     PHIAL_E_UNSUPPORTED},
    {NAMED("base_model.model.model.embed_tokens.lora_embedding_A"),
     "embed_tokens", PHIAL_E_UNSUPPORTED},
    {NAMED("base_model.model.model.layers.0.mlp.down_proj."
           "lora_magnitude_vector"),
     "lora_magnitude_vector", PHIAL_E_UNSUPPORTED},
    {NAMED("base_model.model.model.layers.0.input_layernorm.lora_A.weight"),
     "input_layernorm", PHIAL_E_UNSUPPORTED},
    {NAMED("base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"),
     "no other half", PHIAL_E_FORMAT},
    {NAMED("base_model.model.model.layers.3.mlp.down_proj.lora_A.weight"),
     "3 layers", PHIAL_E_MISMATCH},
    {"{\"base_model.model.model.layers.0.mlp.down_proj.lora_A.weight\":{"
     "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     "dimensions", PHIAL_E_FORMAT},
};

START_TEST(tensors_of_other_things_are_refused)
{
    ph_model *model = tiny();
    char *folder = checkpoint_folder_new();
    ph_adapter *adapter = NULL;
    uint8_t file[512] = {0};
    const size_t n = strlen(tensors[_i].header);
    char path[512];

    write_text(folder, "adapter_config.json",
               "{\"peft_type\":\"LORA\",\"r\":1,\"lora_alpha\":1}");
    check_adapter_refused(ph_adapter_open(model, folder, 1, &adapter),
                          PHIAL_E_IO, adapter, "adapter_model.safetensors");
    ph_put_le64(file, n);
    memcpy(file + 8, tensors[_i].header, n);
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
    gguf_write_bytes(path, file, 8 + n + 4);
    check_adapter_refused(ph_adapter_open(model, folder, 1, &adapter),
                          tensors[_i].status, adapter, tensors[_i].text);
    unlink(path);
    checkpoint_empty(folder);
    check_adapter_refused(ph_adapter_open(model, folder, 1, &adapter),
                          PHIAL_E_IO, adapter, "adapter_config.json");
    remove_folder(folder);
    ph_model_free(model);
}
END_TEST

/* Each spoils a good file in one way. */
static void of_a_model(gguf_writer *w)
{
    gguf_put_str(w, "general.type", "model");
}

static void of_another_family(gguf_writer *w)
{
    gguf_put_str(w, "general.architecture", "llama");
}

static void of_another_kind(gguf_writer *w)
{
    gguf_put_str(w, "adapter.type", "control_vector");
}

static void without_alpha(gguf_writer *w)
{
    gguf_remove_key(w, "adapter.lora.alpha");
}

static void with_wild_alpha(gguf_writer *w)
{
    const float infinity = 1e38f * 10;

    gguf_put_f32(w, "adapter.lora.alpha", infinity);
}

static void with_few_scales(gguf_writer *w)
{
    const float scale = 1;

    gguf_put_array(w, PH_GGUF_LORA_SCALES, PH_GGUF_F32, &scale, 1);
}

static void with_invocation(gguf_writer *w)
{
    const uint32_t token = 1;

    gguf_put_array(w, "adapter.alora.invocation_tokens", PH_GGUF_U32, &token,
                   1);
}

static void without_half(gguf_writer *w)
{
    gguf_remove_tensor(w, "blk.1.ffn_up.weight.lora_b");
}

static void with_short_rows(gguf_writer *w)
{
    gguf_put_tensor(w, "blk.1.ffn_up.weight.lora_a", PH_F32,
                    (uint64_t[]){255, 4}, 2, NULL);
}

static void with_other_rank(gguf_writer *w)
{
    gguf_put_tensor(w, "blk.1.ffn_up.weight.lora_a", PH_F32,
                    (uint64_t[]){256, 5}, 2, NULL);
}

static void with_other_rows(gguf_writer *w)
{
    gguf_put_tensor(w, "blk.1.ffn_up.weight.lora_b", PH_F32,
                    (uint64_t[]){4, 1023}, 2, NULL);
}

static void with_huge_rank(gguf_writer *w)
{
    gguf_put_tensor(w, "blk.1.ffn_up.weight.lora_a", PH_F32,
                    (uint64_t[]){256, 4097}, 2, NULL);
}

static void with_embedding(gguf_writer *w)
{
    gguf_put_tensor(w, "token_embd.weight.lora_a", PH_F32, (uint64_t[]){4, 4},
                    2, NULL);
}

static void with_norm(gguf_writer *w)
{
    gguf_put_tensor(w, "blk.0.attn_norm.weight", PH_F32, (uint64_t[]){256}, 1,
                    NULL);
}

static void with_many_layers(gguf_writer *w)
{
    gguf_put_tensor(w, "blk.3.ffn_up.weight.lora_a", PH_F32,
                    (uint64_t[]){256, 4}, 2, NULL);
}

static void with_nan(gguf_writer *w)
{
    float rows[256 * 4] = {0};
    const uint32_t bits = 0x7fc00000;

    memcpy(&rows[700], &bits, sizeof bits);
    gguf_put_tensor(w, "blk.1.ffn_up.weight.lora_a", PH_F32,
                    (uint64_t[]){256, 4}, 2, rows);
}

static const struct {
    void (*spoil)(gguf_writer *w);
    const char *text;
    phial_status status;
} files[] = {
    {of_a_model, "general.type", PHIAL_E_UNSUPPORTED},
    {of_another_family, "\"llama\"", PHIAL_E_UNSUPPORTED},
    {of_another_kind, "adapter.type", PHIAL_E_UNSUPPORTED},
    {without_alpha, "adapter.lora.alpha", PHIAL_E_FORMAT},
    {with_wild_alpha, "not finite", PHIAL_E_FORMAT},
    {with_few_scales, "phial.lora_scales", PHIAL_E_FORMAT},
    {with_invocation, "invocation", PHIAL_E_UNSUPPORTED},
    {without_half, "no other half", PHIAL_E_FORMAT},
    {with_short_rows, "255 x 4", PHIAL_E_MISMATCH},
    {with_other_rank, "expected 5 x 1024", PHIAL_E_MISMATCH},
    {with_other_rows, "4 x 1023", PHIAL_E_MISMATCH},
    {with_huge_rank, "rank 4097", PHIAL_E_UNSUPPORTED},
    {with_embedding, "token_embd", PHIAL_E_UNSUPPORTED},
    {with_norm, "attn_norm", PHIAL_E_UNSUPPORTED},
    {with_many_layers, "3 layers", PHIAL_E_MISMATCH},
    {with_nan, "NaN", PHIAL_E_NUMERIC},
};

START_TEST(files_of_other_things_are_refused)
{
    ph_model *model = tiny();
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 4, 9);
    gguf_writer *w = tiny_adapter_build(&t);
    ph_adapter *adapter = NULL;

    files[_i].spoil(w);
    check_adapter_refused(open_gguf(model, w, &adapter), files[_i].status,
                          adapter, files[_i].text);
    ph_model_free(model);
}
END_TEST

/* Reads the file and writes it again shorter and shorter. */
static void check_cuts(const ph_model *model, const char *path,
                       const char *opened)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(1 << 20);
    size_t size;

    ck_assert_ptr_nonnull(f);
    size = fread(data, 1, 1 << 20, f);
    fclose(f);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 16 + size / 512) {
        ph_adapter *adapter = NULL;

        gguf_write_bytes(path, data, cut);
        ck_assert_int_lt(ph_adapter_open(model, opened, 1, &adapter), 0);
        ck_assert_ptr_null(adapter);
    }
    free(data);
}

START_TEST(files_cut_short_are_refused)
{
    ph_model *model = tiny();
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 4, 9);
    const model_file file = model_file_of(tiny_adapter_build(&t));
    char *folder = checkpoint_folder_new();
    char path[512];

    check_cuts(model, file.path, file.path);
    unlink(file.path);
    tiny_adapter_save(&t, folder);
    snprintf(path, sizeof path, "%s/adapter_config.json", folder);
    check_cuts(model, path, folder);
    tiny_adapter_save(&t, folder);
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
    check_cuts(model, path, folder);
    remove_folder(folder);
    ph_model_free(model);
}
END_TEST

/* ---- Memory ------------------------------------------------------------ */

typedef struct opening {
    ph_model *model;
    const char *path;
} opening;

static phial_status open_and_free(void *user, const ph_heap *heap)
{
    const opening *o = user;
    ph_adapter *adapter = NULL;
    phial_status status;

    o->model->heap = heap;
    status = ph_adapter_open(o->model, o->path, 1, &adapter);
    ck_assert(status >= 0 || !adapter);
    ph_adapter_free(adapter);
    return status;
}

START_TEST(every_allocation_of_opening_may_fail)
{
    ph_model *model = tiny();
    const ph_heap *heap = model->heap;
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 4, 9);
    char *folder = checkpoint_folder_new();
    opening o = {model, folder};
    size_t n_points = 0;

    if (_i) {
        tiny_adapter_save(&t, folder);
        ck_assert_uint_eq(failing_heap_loop(open_and_free, &o, &n_points), 0);
    } else {
        const model_file file = model_file_of(tiny_adapter_build(&t));

        o.path = file.path;
        ck_assert_uint_eq(failing_heap_loop(open_and_free, &o, &n_points), 0);
        unlink(file.path);
    }
    ck_assert_uint_gt(n_points, 10);
    model->heap = heap;
    remove_folder(folder);
    ph_model_free(model);
}
END_TEST

TCase *adapter_cases(void)
{
    TCase *t = tcase_create("adapter");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_folder_is_the_same_as_a_file, 0, 6);
    tcase_add_test(t, factors_follow_the_configuration);
    tcase_add_test(t, no_alpha_is_no_factor);
    tcase_add_loop_test(t, configurations_that_say_something_else_are_refused,
                        0, sizeof configs / sizeof *configs);
    tcase_add_loop_test(t, tensors_of_other_things_are_refused, 0,
                        sizeof tensors / sizeof *tensors);
    tcase_add_loop_test(t, files_of_other_things_are_refused, 0,
                        sizeof files / sizeof *files);
    tcase_add_test(t, files_cut_short_are_refused);
    tcase_add_loop_test(t, every_allocation_of_opening_may_fail, 0, 2);
    return t;
}
