/* SPDX-License-Identifier: MIT
 * Every value in a checkpoint's config.json, generation_config.json and
 * tokenizer_config.json of every kind and at every edge, and every key
 * missing: a refusal names the key, or what the number no longer agrees with;
 * whatever opens computes. */
#include "folder_seed.h"

#include <stdio.h>

static const char *const names[] = {"config.json", "generation_config.json",
                                    "tokenizer_config.json"};

/* Keys of which a file may say anything. */
static bool is_ignored(int seed, const char *key)
{
    static const char *const told[] = {
        "architectures", "torch_dtype", "pretraining_tp",
        /* What is neither true nor false is taken for the default. */
        "add_bos_token", "chat_template"};

    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strcmp(key, told[i]) == 0)
            return true;
    return seed != SEED_PHI4_MINI &&
           strcmp(key, "original_max_position_embeddings") == 0;
}

/* The key by its own name, by ours, or the tensor that has another shape. */
static void check_named(const char *key, const char *edge)
{
    const char *const any[] = {key,          "phi3.",          "weight",
                               "vocab_size", "tokenizer.ggml", NULL};

    ck_assert_msg(error_names(any), "%s: %s: \"%s\"", key, edge,
                  ph_error_text());
}

static void check_edge(const folder_seed *seed, int which, const char *name,
                       const json_text *json, uint32_t node, const char *edge,
                       tally *t)
{
    char key[128];
    size_t n;
    char *text;
    phial_status status;

    if (!json_text_is_value(json, node, key))
        return;
    text = json_text_with(json, node, edge, &n);
    folder_seed_put(seed, name, text, n);
    status = open_and_run(seed->folder);
    free(text);
    tally_add(t, status);
    if (status < 0)
        check_named(key, edge);
    if (json_kind_of(edge) == json->json.nodes[node].kind ||
        json_kind_of(edge) == PH_JSON_NULL || is_ignored(which, key))
        return;
    /* These may be of two kinds, or none. */
    if (strcmp(key, "eos_token_id") == 0 ||
        strcmp(key, "sliding_window") == 0 || strcmp(key, "rope_scaling") == 0)
        return;
    ck_assert_msg(status < 0, "%s: %s opened", key, edge);
    ck_assert_msg(*key == 0 || strstr(ph_error_text(), key), "%s: %s: \"%s\"",
                  key, edge, ph_error_text());
}

START_TEST(every_value_of_every_kind)
{
    folder_seed seed = folder_seed_open(_i);
    tally t = {"values of configurations", 0, 0};

    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        json_text json = json_text_of(folder_seed_text(&seed, names[f]));

        for (uint32_t node = 0; node < json.json.n_nodes; node++)
            for (size_t e = 0; e < N_JSON_EDGES; e++)
                check_edge(&seed, _i, names[f], &json, node, json_edges[e], &t);
        folder_seed_restore(&seed, names[f]);
        json_text_free(&json);
    }
    ck_status(open_and_run(seed.folder), PHIAL_OK);
    tally_print(&t);
    folder_seed_close(&seed);
}
END_TEST

static bool is_required(const char *key)
{
    static const char *const required[] = {
        "model_type",        "vocab_size",
        "hidden_size",       "intermediate_size",
        "num_hidden_layers", "num_attention_heads",
        "rms_norm_eps",      "max_position_embeddings",
        "short_factor",      "long_factor",
    };

    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (strcmp(key, required[i]) == 0)
            return true;
    return false;
}

START_TEST(every_key_missing)
{
    folder_seed seed = folder_seed_open(_i);
    json_text json = json_text_of(folder_seed_text(&seed, names[0]));
    tally t = {"keys missing", 0, 0};

    for (uint32_t node = 1; node + 1 < json.json.n_nodes; node++) {
        char key[128];
        phial_status status;
        size_t n;
        char *text;

        if (json_text_is_value(&json, node, key) ||
            !json_text_is_value(&json, node + 1, key))
            continue; /* no key, or an element of a list */
        text = json_text_with(&json, node, "\"-\"", &n);
        folder_seed_put(&seed, names[0], text, n);
        status = open_and_run(seed.folder);
        free(text);
        tally_add(&t, status);
        ck_assert_msg(!is_required(key) || status < 0, "opened without %s",
                      key);
        if (is_required(key))
            ck_assert_msg(strstr(ph_error_text(), key), "%s: \"%s\"", key,
                          ph_error_text());
        else if (status < 0)
            check_named(key, "missing");
    }
    tally_print(&t);
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

TCase *folder_config_cases(void)
{
    TCase *t = tcase_create("folder config");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, every_value_of_every_kind, 0, N_SEEDS);
    tcase_add_loop_test(t, every_key_missing, 0, N_SEEDS);
    return t;
}
