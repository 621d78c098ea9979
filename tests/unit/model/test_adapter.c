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

/* ---- What there is ----------------------------------------------------- */

START_TEST(a_folder_is_the_same_as_a_file)
{
    static const ph_dtype types[] = {PH_F32, PH_F16, PH_BF16};
    ph_model *model = adapter_model();
    tiny_adapter t = tiny_adapter_of(TINY_PHI4, 5, 9);
    char *folder = checkpoint_folder_new();
    ph_adapter *file = NULL, *saved = NULL;

    t.type = types[_i % 3];
    t.modules = _i / 3 ? TINY_LORA_FUSED : TINY_LORA_SPLIT;
    t.alpha = 4;
    tiny_adapter_save(&t, folder);
    ck_status(open_adapter_file(model, tiny_adapter_build(&t), &file),
              PHIAL_OK);
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

static ph_adapter *open_config(const ph_model *model, const tiny_adapter *t,
                               const char *config)
{
    char *folder = checkpoint_folder_new();
    ph_adapter *adapter = NULL;

    tiny_adapter_save(t, folder);
    write_folder_text(folder, "adapter_config.json", config);
    ck_status(ph_adapter_open(model, folder, 1, &adapter), PHIAL_OK);
    remove_folder(folder);
    return adapter;
}

START_TEST(factors_follow_the_configuration)
{
    ph_model *model = adapter_model();
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
    ph_model *model = adapter_model();
    const tiny_adapter t = tiny_adapter_of(TINY_PHI4, 4, 9);
    gguf_writer *w = tiny_adapter_build(&t);
    ph_adapter *a = NULL;

    gguf_put_f32(w, "adapter.lora.alpha", 0);
    ck_status(open_adapter_file(model, w, &a), PHIAL_OK);
    ck_assert_float_eq(a->pairs[0].scale, 1);
    ph_adapter_free(a);
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
    ph_model *model = adapter_model();
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

/* ---- Failures ---------------------------------------------------------- */

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
    ph_model *model = adapter_model();
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
    tcase_add_test(t, files_cut_short_are_refused);
    tcase_add_loop_test(t, every_allocation_of_opening_may_fail, 0, 2);
    return t;
}
