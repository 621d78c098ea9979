/* SPDX-License-Identifier: MIT
 * Every value in the header of a checkpoint's safetensors file of every kind
 * and at every edge; every tensor gone, renamed, there twice, on its side and
 * of another type; headers that lie about their length. A refusal names the
 * tensor, or the file if it has none. */
#include "folder_seed.h"

#include "failing_heap.h"
#include "formats/hf_folder.h"

#include <stdio.h>

#define NAME "model.safetensors"

static const int whole[] = {SEED_PHI4_MINI, SEED_LLAMA, SEED_PHI3};

enum { N_WHOLE = sizeof whole / sizeof *whole };

static ph_str header_of(ph_str file)
{
    return (ph_str){file.data + 8, (size_t)ph_le64(file.data)};
}

/* The file with another header. */
static void put_header(const folder_seed *seed, const char *text, size_t n)
{
    const ph_str file = folder_seed_text(seed, NAME);
    const size_t old = 8 + header_of(file).len;
    uint8_t *data = malloc(8 + n + file.len - old);

    ck_assert_ptr_nonnull(data);
    ph_put_le64(data, n);
    memcpy(data + 8, text, n);
    memcpy(data + 8 + n, file.data + old, file.len - old);
    folder_seed_put(seed, NAME, data, 8 + n + file.len - old);
    free(data);
}

static phial_status with(const folder_seed *seed, const json_text *json,
                         uint32_t node, const char *value)
{
    size_t n;
    char *text = json_text_with(json, node, value, &n);

    put_header(seed, text, n);
    free(text);
    return open_and_run(seed->folder);
}

/* By the file's name for it, or by ours. */
static void check_named(const json_text *json, uint32_t key, const char *how)
{
    const ph_json_node *node = &json->json.nodes[key];
    char name[128];
    const char *const any[] = {name, ".weight", "is not part of", NULL};

    snprintf(name, sizeof name, "%.*s", (int)node->len - 2,
             json->text.data + node->begin + 1);
    ck_assert_msg(error_names(any), "%s %s: \"%s\"", name, how,
                  ph_error_text());
}

START_TEST(every_value_of_the_header_of_every_kind)
{
    folder_seed seed = folder_seed_open(whole[_i]);
    json_text json = json_text_of(header_of(folder_seed_text(&seed, NAME)));
    const ph_json_node *nodes = json.json.nodes;
    tally t = {"values of headers", 0, 0};

    for (uint32_t key = 1; key < nodes[0].end;
         key = nodes[nodes[key].end].end) {
        const bool tensor = !ph_json_is(&json.json, key, "__metadata__");

        for (uint32_t node = key + 1; node < nodes[nodes[key].end].end;
             node++) {
            for (size_t e = 0; e < N_JSON_EDGES; e++) {
                char name[128];
                phial_status status;

                if (nodes[node].kind == PH_JSON_STRING &&
                    json_kind_of(json_edges[e]) != PH_JSON_STRING &&
                    !json_text_is_value(&json, node, name))
                    continue; /* a key must be a string */
                status = with(&seed, &json, node, json_edges[e]);
                tally_add(&t, status);
                if (status < 0)
                    check_named(&json, key, json_edges[e]);
                /* What is 0 or 32 already may be written so. */
                ck_assert_msg(status < 0 || !tensor ||
                                  json_kind_of(json_edges[e]) ==
                                      nodes[node].kind,
                              "%s opened at node %u", json_edges[e], node);
            }
        }
    }
    tally_print(&t);
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

/* The text of a key or value, with its quotes. */
static void text_of(const json_text *json, uint32_t node, char out[256])
{
    const ph_json_node *n = &json->json.nodes[node];

    snprintf(out, 256, "%.*s", (int)n->len, json->text.data + n->begin);
}

static void check_all_refused(const folder_seed *seed, const json_text *json,
                              uint32_t key, uint32_t node,
                              const char *const *values, tally *t)
{
    char right[256];

    text_of(json, node, right);
    for (; *values; values++) {
        phial_status status;

        if (strcmp(*values, right) == 0)
            continue;
        status = with(seed, json, node, *values);
        tally_add(t, status);
        ck_assert_msg(status < 0, "%s as %s opened", right, *values);
        check_named(json, key, *values);
    }
}

START_TEST(every_tensor_in_the_place_of_another)
{
    static const char *const other_names[] = {
        "\"\"",
        "\"model.embed_tokens.weight\"",
        "\"model.norm.weight\"",
        "\"model.layers.0.input_layernorm.weight\"",
        "\"model.layers.0.mlp.down_proj.weight\"",
        "\"model.layers.0.self_attn.o_proj.weight\"",
        "\"model.layers.1.mlp.down_proj.weight\"",
        "\"model.layers.9999.mlp.down_proj.weight\"",
        "\"model.layers.10000.mlp.down_proj.weight\"",
        "\"model.layers.4294967296.mlp.down_proj.weight\"",
        "\"model.layers.-1.mlp.down_proj.weight\"",
        "\"model.layers.00.mlp.down_proj.weight\"",
        "\"model.layers..mlp.down_proj.weight\"",
        "\"model.layers.0.mlp.down_proj.bias\"",
        "\"model.layers.0.self_attn.qkv_proj.weight_scale\"",
        "\"model.layers.0.mlp.experts.0.down_proj.weight\"",
        "\"\\u0000.weight\"",
        "\"../model.norm.weight\"",
        NULL};
    folder_seed seed = folder_seed_open(whole[_i]);
    json_text json = json_text_of(header_of(folder_seed_text(&seed, NAME)));
    const ph_json_node *nodes = json.json.nodes;
    tally t = {"tensors under other names", 0, 0};

    for (uint32_t key = 1; key < nodes[0].end; key = nodes[nodes[key].end].end)
        if (!ph_json_is(&json.json, key, "__metadata__"))
            check_all_refused(&seed, &json, key, key, other_names, &t);
    tally_print(&t);
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

static uint64_t number(const json_text *json, uint32_t node)
{
    uint64_t value = 0;

    ck_assert(ph_json_u64(&json->json, node, &value));
    return value;
}

START_TEST(every_tensor_of_another_shape)
{
    folder_seed seed = folder_seed_open(whole[_i]);
    json_text json = json_text_of(header_of(folder_seed_text(&seed, NAME)));
    const ph_json *j = &json.json;
    tally t = {"tensors of other shapes", 0, 0};

    for (uint32_t key = 1; key < j->nodes[0].end;
         key = j->nodes[j->nodes[key].end].end) {
        const uint32_t value = j->nodes[key].end;
        const uint32_t shape = ph_json_get(j, value, "shape");
        unsigned long long rows, cols;
        char texts[8][64];
        const char *all[9] = {NULL};

        if (ph_json_is(j, key, "__metadata__"))
            continue;
        rows = number(&json, shape + 1);
        cols = ph_json_count(j, shape) == 2 ? number(&json, shape + 2) : 1;
        snprintf(texts[0], 64, "[%llu]", rows * cols);
        snprintf(texts[1], 64, "[1,%llu]", rows * cols);
        snprintf(texts[2], 64, "[%llu,1]", rows * cols);
        snprintf(texts[3], 64, "[%llu,2]", rows * cols / 2);
        snprintf(texts[4], 64, "[1,1,%llu]", rows * cols);
        snprintf(texts[5], 64, "[%llu,%llu,1]", rows, cols);
        snprintf(texts[6], 64, "[%llu,1,%llu,1]", cols, rows);
        snprintf(texts[7], 64, "[%llu,1,1,1,%llu]", cols, rows);
        for (int i = 0; i < 8; i++)
            all[i] = texts[i];
        if (cols == 1) /* a vector may be written as one row */
            all[0] = all[1] = all[4] = texts[2];
        check_all_refused(&seed, &json, key, shape, all, &t);
        if (rows != cols && cols > 1) {
            snprintf(texts[0], 64, "[%llu,%llu]", cols, rows);
            all[1] = NULL;
            check_all_refused(&seed, &json, key, shape, all, &t);
        }
    }
    tally_print(&t);
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

/* Both types have two bytes, so all else still agrees. */
START_TEST(a_type_of_the_same_size_opens)
{
    folder_seed seed = folder_seed_open(whole[_i]);
    json_text json = json_text_of(header_of(folder_seed_text(&seed, NAME)));

    for (uint32_t i = 0; i < json.json.n_nodes; i++) {
        if (ph_json_is(&json.json, i, "F16"))
            ck_status(with(&seed, &json, i, "\"BF16\""), PHIAL_OK);
        if (ph_json_is(&json.json, i, "BF16"))
            ck_status(with(&seed, &json, i, "\"F16\""), PHIAL_OK);
    }
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

START_TEST(a_key_of_a_description_is_there_once)
{
    folder_seed seed = folder_seed_open(SEED_LLAMA);
    json_text json = json_text_of(header_of(folder_seed_text(&seed, NAME)));
    const uint32_t norm = ph_json_get(&json.json, 0, "model.norm.weight");
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};

    for (size_t i = 0; i < 3; i++) {
        char text[256], twice[600];

        text_of(&json, norm, text);
        snprintf(twice, sizeof twice, "{\"%s\":7,%s", keys[i], text + 1);
        ck_status(with(&seed, &json, norm, twice), PHIAL_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(ph_error_text(), "model.norm.weight"));
        ck_assert_ptr_nonnull(strstr(ph_error_text(), "twice"));
        snprintf(twice, sizeof twice, "{\"more\":7,\"more\":8,%s", text + 1);
        ck_status(with(&seed, &json, norm, twice), PHIAL_OK);
    }
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

/* ---- Headers by themselves --------------------------------------------- */

/* A file of n tensors of four bytes. */
static uint8_t *many_tensors(uint32_t n, size_t *size)
{
    char *text = malloc((size_t)n * 96 + 64);
    size_t at = 8 + (size_t)sprintf(text + 8, "{");

    for (uint32_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at,
                              "%s\"t%u\":{\"dtype\":\"F32\",\"shape\":[1],"
                              "\"data_offsets\":[%u,%u]}",
                              i ? "," : "", i, 4 * i, 4 * i + 4);
    at += (size_t)sprintf(text + at, "}");
    ph_put_le64((uint8_t *)text, at - 8);
    *size = at + (size_t)n * 4;
    text = realloc(text, *size);
    memset(text + at, 0, (size_t)n * 4);
    return (uint8_t *)text;
}

static phial_status open_header(const void *data, size_t n, size_t *peak)
{
    folder_seed seed = folder_seed_open(SEED_LLAMA);
    failing_heap heap;
    ph_safetensors st;
    phial_status status;
    char path[512];

    folder_seed_put(&seed, NAME, data, n);
    folder_seed_path(&seed, NAME, path);
    failing_heap_init(&heap, 0, FAIL_NEVER);
    status = ph_safetensors_open(&heap.heap, path, &st);
    ph_safetensors_free(&st);
    ck_assert_uint_eq(failing_heap_check(&heap), 0);
    *peak = heap.peak_bytes;
    folder_seed_close(&seed);
    return status;
}

START_TEST(numbers_of_tensors_up_to_the_limit)
{
    static const uint32_t counts[] = {1, PH_GGUF_MAX_TENSORS,
                                      PH_GGUF_MAX_TENSORS + 1, 100000};

    for (size_t i = 0; i < 4; i++) {
        size_t n, peak;
        uint8_t *data = many_tensors(counts[i], &n);

        ck_status(open_header(data, n, &peak),
                  i < 2 ? PHIAL_OK : PHIAL_E_FORMAT);
        if (i >= 2)
            ck_assert_ptr_nonnull(strstr(ph_error_text(), "more tensors"));
        ck_assert_uint_le(peak, 16 * n + 65536);
        free(data);
    }
}
END_TEST

START_TEST(headers_that_claim_another_length)
{
    size_t n, peak;
    uint8_t *data = many_tensors(2, &n);
    const uint64_t right = ph_le64(data);
    const uint64_t lengths[] = {0,
                                1,
                                right - 1,
                                right + 1,
                                n - 8,
                                n - 7,
                                UINT32_MAX,
                                UINT64_C(1) << 32,
                                UINT64_C(1) << 63,
                                INT64_MAX,
                                UINT64_MAX - 7,
                                UINT64_MAX};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        ph_put_le64(data, lengths[i]);
        ck_status(open_header(data, n, &peak), PHIAL_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(ph_error_text(), NAME));
        ck_assert_uint_le(peak, 65536);
    }
    for (size_t cut = 0; cut < 8; cut++) {
        ck_status(open_header(data, cut, &peak), PHIAL_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(ph_error_text(), "too short"));
    }
    free(data);
}
END_TEST

TCase *folder_tensors_cases(void)
{
    TCase *t = tcase_create("folder tensors");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, every_value_of_the_header_of_every_kind, 0, N_WHOLE);
    tcase_add_loop_test(t, every_tensor_in_the_place_of_another, 0, N_WHOLE);
    tcase_add_loop_test(t, every_tensor_of_another_shape, 0, N_WHOLE);
    tcase_add_loop_test(t, a_type_of_the_same_size_opens, 0, N_WHOLE);
    tcase_add_test(t, a_key_of_a_description_is_there_once);
    tcase_add_test(t, numbers_of_tensors_up_to_the_limit);
    tcase_add_test(t, headers_that_claim_another_length);
    return t;
}
