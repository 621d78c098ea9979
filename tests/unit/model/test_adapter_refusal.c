/* SPDX-License-Identifier: MIT
 * Adapters that are refused, each with a sentence that says why. */
#include "checkpoint_files.h"
#include "model_cases.h"
#include "tiny_adapter.h"

#include <stdio.h>
#include <unistd.h>

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
    ph_model *model = adapter_model();
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 4, 9);
    char *folder = checkpoint_folder_new();
    ph_adapter *adapter = NULL;

    tiny_adapter_save(&t, folder);
    write_folder_text(folder, "adapter_config.json", configs[_i].config);
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
    ph_model *model = adapter_model();
    char *folder = checkpoint_folder_new();
    ph_adapter *adapter = NULL;
    uint8_t file[512] = {0};
    const size_t n = strlen(tensors[_i].header);
    char path[512];

    write_folder_text(folder, "adapter_config.json",
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
    ph_model *model = adapter_model();
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 4, 9);
    gguf_writer *w = tiny_adapter_build(&t);
    ph_adapter *adapter = NULL;

    files[_i].spoil(w);
    check_adapter_refused(open_adapter_file(model, w, &adapter),
                          files[_i].status, adapter, files[_i].text);
    ph_model_free(model);
}
END_TEST

TCase *adapter_refusal_cases(void)
{
    TCase *t = tcase_create("adapter refusal");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, configurations_that_say_something_else_are_refused,
                        0, sizeof configs / sizeof *configs);
    tcase_add_loop_test(t, tensors_of_other_things_are_refused, 0,
                        sizeof tensors / sizeof *tensors);
    tcase_add_loop_test(t, files_of_other_things_are_refused, 0,
                        sizeof files / sizeof *files);
    return t;
}
