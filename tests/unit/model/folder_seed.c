/* SPDX-License-Identifier: MIT */
#include "folder_seed.h"

#include "checkpoint_files.h"
#include "failing_heap.h"

#include <stdio.h>
#include <unistd.h>

#define CORPUS "tests/fuzz/corpus/checkpoint/"

enum { MAX_SEED = 1 << 20 };

const char *const json_edges[N_JSON_EDGES] = {
    "null",
    "true",
    "false",
    "0",
    "1",
    "7",
    "-1",
    "-0",
    "1e3",
    "0.5",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "1e400",
    "\"\"",
    "\"x\\u0000\"",
    "[]",
    "{}",
    "[[0]]",
};

ph_json_kind json_kind_of(const char *value)
{
    switch (*value) {
    case 'n':
        return PH_JSON_NULL;
    case 't':
    case 'f':
        return PH_JSON_BOOL;
    case '"':
        return PH_JSON_STRING;
    case '[':
        return PH_JSON_ARRAY;
    case '{':
        return PH_JSON_OBJECT;
    default:
        return PH_JSON_NUMBER;
    }
}

folder_seed folder_seed_open(int which)
{
    static const char *const paths[N_SEEDS] = {
        CORPUS "phi-4-mini.bin", CORPUS "phi-4.bin", CORPUS "llama.bin",
        CORPUS "phi-3-4k.bin"};
    folder_seed seed = {checkpoint_folder_new(), malloc(MAX_SEED), 0};
    FILE *f = fopen(paths[which], "rb");

    ck_assert_msg(f != NULL, "%s is missing", paths[which]);
    seed.size = fread(seed.data, 1, MAX_SEED, f);
    fclose(f);
    checkpoint_unpack(seed.folder, seed.data, seed.size);
    return seed;
}

void folder_seed_close(folder_seed *seed)
{
    remove_folder(seed->folder);
    free(seed->data);
}

ph_str folder_seed_text(const folder_seed *seed, const char *name)
{
    size_t n = 0;
    const uint8_t *data = checkpoint_find(seed->data, seed->size, name, &n);

    ck_assert_msg(data != NULL, "the seed has no %s", name);
    return (ph_str){(const char *)data, n};
}

void folder_seed_path(const folder_seed *seed, const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s", seed->folder, name);
}

void folder_seed_put(const folder_seed *seed, const char *name,
                     const void *data, size_t n)
{
    char path[512];

    folder_seed_path(seed, name, path);
    gguf_write_bytes(path, data, n);
}

void folder_seed_restore(const folder_seed *seed, const char *name)
{
    const ph_str text = folder_seed_text(seed, name);

    folder_seed_put(seed, name, text.data, text.len);
}

json_text json_text_of(ph_str text)
{
    json_text t = {.text = text, .json.heap = &ph_libc_heap};

    ck_status(ph_json_parse(&ph_libc_heap, text, "seed", &t.json), PHIAL_OK);
    return t;
}

void json_text_free(json_text *t)
{
    ph_json_free(&t->json);
}

char *json_text_with(const json_text *t, uint32_t node, const char *value,
                     size_t *n)
{
    const ph_json_node *old = &t->json.nodes[node];
    const size_t len = strlen(value), end = old->begin + old->len;
    char *out = malloc(t->text.len - old->len + len + 1);

    ck_assert_ptr_nonnull(out);
    memcpy(out, t->text.data, old->begin);
    memcpy(out + old->begin, value, len);
    memcpy(out + old->begin + len, t->text.data + end, t->text.len - end);
    *n = t->text.len - old->len + len;
    return out;
}

/* Down from the root to the node, by way of what holds it. */
bool json_text_is_value(const json_text *t, uint32_t node, char key[128])
{
    const ph_json_node *nodes = t->json.nodes;
    uint32_t at = 0;
    bool value = true;

    key[0] = 0;
    while (at != node) {
        const bool object = nodes[at].kind == PH_JSON_OBJECT;
        uint32_t child = at + 1;

        for (value = !object; nodes[child].end <= node;
             child = nodes[child].end)
            value = object && !value;
        if (object && value) {
            /* The key stands before its value. */
            const ph_json_node *k = &nodes[child - 1];

            snprintf(key, 128, "%.*s", (int)k->len - 2,
                     t->text.data + k->begin + 1);
        }
        if (!object && child != at + 1)
            return false;
        at = child;
    }
    return value;
}

/* ---- Vocabularies ------------------------------------------------------- */

/* Of ordinary, added and broken parts. */
static const char text[] = "aa ab <|end|>  <|im_sep|> caf\xc3\xa9 \xff\x00 12";

phial_status open_tokenizer(const folder_seed *seed, size_t *peak)
{
    failing_heap heap;
    ph_gguf *gguf = NULL;
    ph_tokenizer *t = NULL;
    phial_status status;

    failing_heap_init(&heap, 0, FAIL_NEVER);
    ph_fail(PHIAL_OK, "%s", "");
    status = ph_gguf_open(&heap.heap, seed->folder, &gguf);
    if (status >= 0)
        status = ph_tokenizer_new(&heap.heap, gguf, &t);
    ph_gguf_free(gguf);
    if (status >= 0) {
        ph_tokens ids = {.heap = &heap.heap};
        ph_buf out = {.heap = &heap.heap};
        ph_decoder d;

        ck_status(ph_tokenizer_encode(t, text, sizeof text - 1,
                                      PHIAL_TEXT_SPECIAL, &ids),
                  PHIAL_OK);
        ph_decoder_init(&d, t, PHIAL_TEXT_SPECIAL);
        for (size_t i = 0; i < ids.len; i++)
            ck_status(ph_decoder_push(&d, ids.data[i], &out), PHIAL_OK);
        ck_status(ph_decoder_flush(&d, &out), PHIAL_OK);
        ph_buf_free(&out);
        ph_tokens_free(&ids);
    } else {
        ck_assert_ptr_null(t);
        ck_assert_uint_gt(strlen(ph_error_text()), 20);
    }
    ph_tokenizer_free(t);
    ck_assert_uint_eq(failing_heap_check(&heap), 0);
    *peak = heap.peak_bytes;
    return status;
}

folder_seed vocabulary_seed_open(int which, const char *n)
{
    folder_seed seed = folder_seed_open(which);
    json_text config = json_text_of(folder_seed_text(&seed, "config.json"));
    size_t len;
    char *changed = json_text_with(
        &config, ph_json_get(&config.json, 0, "vocab_size"), n, &len);
    char path[512];

    folder_seed_put(&seed, "config.json", changed, len);
    free(changed);
    json_text_free(&config);
    folder_seed_path(&seed, "model.safetensors", path);
    ck_assert_int_eq(unlink(path), 0);
    return seed;
}
