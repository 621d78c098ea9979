/* SPDX-License-Identifier: MIT
 * Adapters for every module with every wrong shape, type, layer and half, for
 * models of every family: a refusal names the tensor; whatever opens computes.
 */
#include "hostile.h"

#include "checkpoint_files.h"
#include "engine/engine.h"
#include "failing_heap.h"
#include "folder_seed.h"
#include "gguf_bytes.h"
#include "tiny_adapter.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { N = 3, RANK = 4 };

static ph_model *lean_opened(tiny_family family)
{
    const tiny_model m = lean_model(family);
    ph_model *model = NULL;

    ck_status(open_with(tiny_model_build(&m), 0, &model), PHIAL_OK);
    return model;
}

static void run(const ph_model *model, const ph_adapter *adapter)
{
    const ph_sequence_config config = {N, N, PHIAL_CACHE_F32, NULL};
    const phial_token tokens[N] = {1, 2, 3};
    float *logits = malloc(model->hp.n_vocab * sizeof *logits);
    const float scale = 1;
    ph_sequence *seq = NULL;
    ph_pool *pool = NULL;
    phial_status status;

    ck_status(ph_pool_new(model->heap, 1, &pool), PHIAL_OK);
    ck_status(ph_sequence_new(model, pool, &config, &seq), PHIAL_OK);
    ck_status(ph_sequence_set_adapters(seq, &adapter, &scale, 1), PHIAL_OK);
    status = ph_sequence_forward(seq, tokens, N, PH_ROPE_SHORT, PH_LOGITS_LAST,
                                 logits, NULL);
    if (status != PHIAL_OK)
        ck_status(status, PHIAL_E_NUMERIC);
    for (uint32_t i = 0; status == PHIAL_OK && i < model->hp.n_vocab; i++)
        ck_assert(isfinite(logits[i]));
    ph_sequence_free(seq);
    ph_pool_free(pool);
    free(logits);
}

static phial_status open_path(ph_model *model, const char *path)
{
    const ph_heap *own = model->heap;
    failing_heap heap;
    ph_adapter *adapter = NULL;
    phial_status status;

    failing_heap_init(&heap, 0, FAIL_NEVER);
    model->heap = &heap.heap;
    ph_fail(PHIAL_OK, "%s", "");
    status = ph_adapter_open(model, path, 1, &adapter);
    if (status == PHIAL_OK)
        run(model, adapter);
    else
        ck_assert(!adapter && strlen(ph_error_text()) > 20);
    ph_adapter_free(adapter);
    model->heap = own;
    ck_assert_uint_eq(failing_heap_check(&heap), 0);
    return status;
}

static phial_status open_file(ph_model *model, gguf_writer *w)
{
    const model_file file = model_file_of(w);
    const phial_status status = open_path(model, file.path);

    unlink(file.path);
    return status;
}

static void name_of(const tensor *t, char name[128])
{
    snprintf(name, 128, "%.*s", (int)t->name.len, (const char *)t->name.data);
}

static const uint64_t sizes[] = {
    0,  1,    RANK - 1,   RANK + 1,          31,        33,        47, 63,
    65, 4097, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX, UINT64_MAX};

enum { N_SIZES = sizeof sizes / sizeof *sizes, N_HARMS = 2 * N_SIZES + 8 };

static void harm(gguf_writer *w, size_t i, int how)
{
    tensor *t = &w->tensors[i];
    char name[128];

    name_of(t, name);
    if (how < 2 * N_SIZES) {
        t->dims[how % 2] = sizes[how / 2];
        fit_data(t);
        return;
    }
    switch (how - 2 * N_SIZES) {
    case 0:
        gguf_remove_tensor(w, name);
        break;
    case 1: /* on its side */
        t->dims[0] ^= t->dims[1];
        t->dims[1] ^= t->dims[0];
        t->dims[0] ^= t->dims[1];
        break;
    case 2:
        t->n_dims = 1;
        t->dims[0] *= t->dims[1];
        break;
    case 3:
        t->n_dims = 3;
        t->dims[2] = 2;
        fit_data(t);
        break;
    case 4: /* another layer than its half */
        t->name.data[4] = '1';
        break;
    case 5: /* a half that nobody knows */
        t->name.data[t->name.len - 1] = 'c';
        break;
    case 6:
        t->name.data[t->name.len - 8] = 'x';
        break;
    default: /* there twice */
        gguf_append_tensor(w, ph_str_of(name), t->type, t->dims, t->n_dims,
                           t->data.data, t->data.len);
        break;
    }
}

START_TEST(every_module_with_every_wrong_half)
{
    ph_model *model = lean_opened((tiny_family)_i);
    tiny_adapter a = tiny_adapter_of((tiny_family)_i, RANK, 9);
    tally t = {"halves of pairs", 0, 0};

    a.model = lean_model((tiny_family)_i);
    for (int module = 0; module < TINY_LORA_MODULES; module++) {
        a.modules = 1u << module;
        ck_status(open_file(model, tiny_adapter_build(&a)), PHIAL_OK);
        for (size_t half = 0; half < 2; half++) {
            for (int how = 0; how < N_HARMS; how++) {
                gguf_writer *w = tiny_adapter_build(&a);
                char name[128], stem[128];
                phial_status status;

                name_of(&w->tensors[half], name);
                snprintf(stem, sizeof stem, "%.*s", (int)strlen(name) - 2,
                         name + 5); /* behind the layer, without the half */
                harm(w, half, how);
                status = open_file(model, w);
                tally_add(&t, status);
                ck_assert_msg(
                    status == PHIAL_E_FORMAT || status == PHIAL_E_MISMATCH ||
                        status == PHIAL_E_UNSUPPORTED,
                    "%s, harm %d: %d, %s", name, how, status, ph_error_text());
                stem[strlen(stem) - 8] = 0;
                ck_assert_msg(strstr(ph_error_text(), stem) != NULL,
                              "%s, harm %d: %s", name, how, ph_error_text());
            }
        }
    }
    tally_print(&t);
    ph_model_free(model);
}
END_TEST

START_TEST(every_module_of_every_type)
{
    ph_model *model = lean_opened((tiny_family)_i);
    tiny_adapter a = tiny_adapter_of((tiny_family)_i, 32, 9);
    tally t = {"types of pairs", 0, 0};

    a.model = lean_model((tiny_family)_i);
    for (int module = 0; module < TINY_LORA_MODULES; module++) {
        a.modules = 1u << module;
        for (uint32_t type = 0; type < 45; type++) {
            for (size_t half = 0; half < 2; half++) {
                gguf_writer *w = tiny_adapter_build(&a);
                char name[128];
                phial_status status;

                name_of(&w->tensors[half], name);
                w->tensors[half].type = type;
                fit_data(&w->tensors[half]);
                status = open_file(model, w);
                tally_add(&t, status);
                ck_assert_msg(status == PHIAL_OK ||
                                  strstr(ph_error_text(), name) != NULL,
                              "%s of type %u: %s", name, type, ph_error_text());
            }
        }
    }
    tally_print(&t);
    ph_model_free(model);
}
END_TEST

/* What fits no module of the model, whole or in part, is refused. */
START_TEST(adapters_of_other_models_are_refused)
{
    ph_model *model = lean_opened((tiny_family)_i);

    for (int f = 0; f < TINY_FAMILIES; f++) {
        tiny_adapter a = tiny_adapter_of((tiny_family)f, RANK, 9);
        char *folder = checkpoint_folder_new();

        ck_status(open_file(model, tiny_adapter_build(&a)), PHIAL_E_MISMATCH);
        ck_assert_msg(strstr(ph_error_text(), "blk.") != NULL, "%s",
                      ph_error_text());
        tiny_adapter_save(&a, folder);
        ck_status(open_path(model, folder), PHIAL_E_MISMATCH);
        ck_assert_msg(strstr(ph_error_text(), "blk.") != NULL, "%s",
                      ph_error_text());
        remove_folder(folder);
    }
    ph_model_free(model);
}
END_TEST

/* Each number not finite, in each half. */
START_TEST(no_number_of_a_pair_is_not_finite)
{
    static const uint32_t bits[] = {0x7fc00000, 0xffc00000, 0x7f800000,
                                    0xff800000, 0x7f800001, 0xffffffff};
    ph_model *model = lean_opened((tiny_family)_i);
    tiny_adapter a = tiny_adapter_of((tiny_family)_i, RANK, 9);

    a.model = lean_model((tiny_family)_i);
    for (int module = 0; module < TINY_LORA_MODULES; module++) {
        a.modules = 1u << module;
        for (size_t i = 0; i < 2 * sizeof bits / sizeof *bits; i++) {
            gguf_writer *w = tiny_adapter_build(&a);
            tensor *t = &w->tensors[i % 2];
            const uint64_t n = t->dims[0] * t->dims[1];
            char name[128];

            name_of(t, name);
            memcpy(t->data.data + 4 * (tiny_random(7, i) % n), &bits[i / 2], 4);
            ck_status(open_file(model, w), PHIAL_E_NUMERIC);
            ck_assert_msg(strstr(ph_error_text(), name), "%s: %s", name,
                          ph_error_text());
        }
    }
    ph_model_free(model);
}
END_TEST

/* ---- PEFT's folders ---------------------------------------------------- */

static void write_text(const char *folder, const char *name, const void *text,
                       size_t n)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    gguf_write_bytes(path, text, n);
}

/* Every value of the configuration of every kind and at every edge. */
START_TEST(every_value_of_a_configuration_of_every_kind)
{
    static const char config[] =
        "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":4.0,\"use_rslora\":"
        "false,\"use_dora\":false,\"bias\":\"none\",\"fan_in_fan_out\":false,"
        "\"modules_to_save\":null,\"init_lora_weights\":true,\"rank_pattern\":{"
        "\"q_proj\":4},\"alpha_pattern\":{\"q_proj\":4.0}}";
    static const char *const vital[] = {"peft_type", "r", "lora_alpha",
                                        "rank_pattern", "alpha_pattern"};
    ph_model *model = lean_opened((tiny_family)_i);
    tiny_adapter a = tiny_adapter_of((tiny_family)_i, RANK, 9);
    char *folder = checkpoint_folder_new();
    json_text json = json_text_of((ph_str){config, sizeof config - 1});
    tally t = {"values of PEFT's configuration", 0, 0};

    a.model = lean_model((tiny_family)_i);
    tiny_adapter_save(&a, folder);
    write_text(folder, "adapter_config.json", config, sizeof config - 1);
    ck_status(open_path(model, folder), PHIAL_OK);
    for (uint32_t node = 0; node < json.json.n_nodes; node++) {
        char key[128];

        if (!json_text_is_value(&json, node, key))
            continue;
        for (size_t e = 0; e < N_JSON_EDGES; e++) {
            size_t n;
            char *text = json_text_with(&json, node, json_edges[e], &n);
            phial_status status;

            write_text(folder, "adapter_config.json", text, n);
            free(text);
            status = open_path(model, folder);
            tally_add(&t, status);
            for (size_t v = 0; v < sizeof vital / sizeof *vital; v++)
                ck_assert_msg(status < 0 || strcmp(key, vital[v]) ||
                                  json_kind_of(json_edges[e]) ==
                                      json.json.nodes[node].kind ||
                                  json_kind_of(json_edges[e]) == PH_JSON_NULL,
                              "%s: %s opened", key, json_edges[e]);
            ck_assert_msg(status == PHIAL_OK ||
                              strstr(ph_error_text(), "adapter_config.json"),
                          "%s: %s: %s", key, json_edges[e], ph_error_text());
        }
    }
    tally_print(&t);
    json_text_free(&json);
    remove_folder(folder);
    ph_model_free(model);
}
END_TEST

TCase *adapter_matrix_cases(void)
{
    TCase *t = tcase_create("matrix of adapters");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, every_module_with_every_wrong_half, 0,
                        TINY_FAMILIES);
    tcase_add_loop_test(t, every_module_of_every_type, 0, TINY_FAMILIES);
    tcase_add_loop_test(t, adapters_of_other_models_are_refused, 0,
                        TINY_FAMILIES);
    tcase_add_loop_test(t, no_number_of_a_pair_is_not_finite, 0, TINY_FAMILIES);
    tcase_add_test(t, every_value_of_a_configuration_of_every_kind);
    return t;
}
