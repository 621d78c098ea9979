/* SPDX-License-Identifier: MIT
 * Every metadata key of a model missing, of every other type, and with every
 * value at an edge of its type: a refusal names the key, or what it no longer
 * agrees with; whatever opens computes. */
#include "hostile.h"

#include "gguf_bytes.h"

#include <stdio.h>

typedef struct edge {
    uint32_t type;
    uint8_t n;
    uint8_t data[16];
} edge;

#define BYTES4(x)                                                              \
    {                                                                          \
        x, x, x, x                                                             \
    }
#define BYTES8(x)                                                              \
    {                                                                          \
        x, x, x, x, x, x, x, x                                                 \
    }

/* The least, the largest, and what is around 0, of each type; of floats also
 * NaN and infinity; strings and arrays of nothing and of one. */
static const edge edges[] = {
    {PH_GGUF_U8, 1, {0}},
    {PH_GGUF_U8, 1, {1}},
    {PH_GGUF_U8, 1, {0xff}},
    {PH_GGUF_I8, 1, {0xff}},
    {PH_GGUF_I8, 1, {0x80}},
    {PH_GGUF_I8, 1, {2}},
    {PH_GGUF_U16, 2, {0}},
    {PH_GGUF_U16, 2, {0xff, 0xff}},
    {PH_GGUF_I16, 2, {0xff, 0xff}},
    {PH_GGUF_I16, 2, {0, 0x80}},
    {PH_GGUF_U32, 4, {0}},
    {PH_GGUF_U32, 4, {1}},
    {PH_GGUF_U32, 4, {2}},
    {PH_GGUF_U32, 4, {7}},
    {PH_GGUF_U32, 4, {0, 1}},
    {PH_GGUF_U32, 4, {0, 0, 0x10}},
    {PH_GGUF_U32, 4, {1, 0, 0x10}},
    {PH_GGUF_U32, 4, {0, 0, 0, 0x80}},
    {PH_GGUF_U32, 4, {0xff, 0xff, 0xff, 0x7f}},
    {PH_GGUF_U32, 4, BYTES4(0xff)},
    {PH_GGUF_I32, 4, {0}},
    {PH_GGUF_I32, 4, {3}},
    {PH_GGUF_I32, 4, BYTES4(0xff)},
    {PH_GGUF_I32, 4, {0, 0, 0, 0x80}},
    {PH_GGUF_U64, 8, {0}},
    {PH_GGUF_U64, 8, {0, 0, 0, 0, 1}},
    {PH_GGUF_U64, 8, {0, 0, 0, 0, 0, 0, 0, 0x80}},
    {PH_GGUF_U64, 8, BYTES8(0xff)},
    {PH_GGUF_I64, 8, BYTES8(0xff)},
    {PH_GGUF_I64, 8, {0, 0, 0, 0, 0, 0, 0, 0x80}},
    {PH_GGUF_F32, 4, {0}},
    {PH_GGUF_F32, 4, {0, 0, 0, 0x80}},          /* -0 */
    {PH_GGUF_F32, 4, {1}},                      /* the smallest */
    {PH_GGUF_F32, 4, {0, 0, 0x80, 0x3f}},       /* 1 */
    {PH_GGUF_F32, 4, {0, 0, 0x80, 0xbf}},       /* -1 */
    {PH_GGUF_F32, 4, {0xff, 0xff, 0x7f, 0x7f}}, /* the largest */
    {PH_GGUF_F32, 4, {0, 0, 0x80, 0x7f}},       /* infinity */
    {PH_GGUF_F32, 4, {0, 0, 0xc0, 0x7f}},       /* NaN */
    {PH_GGUF_F64, 8, {0}},
    {PH_GGUF_F64, 8, {0, 0, 0, 0, 0, 0, 0xf0, 0x7f}},
    {PH_GGUF_F64, 8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0x7f}},
    {PH_GGUF_F64, 8, {0, 0, 0, 0, 0, 0, 0xf0, 0x3f}},
    {PH_GGUF_BOOL, 1, {0}},
    {PH_GGUF_BOOL, 1, {1}},
    {PH_GGUF_BOOL, 1, {2}},
    {PH_GGUF_STRING, 8, {0}},
    {PH_GGUF_STRING, 9, {1, 0, 0, 0, 0, 0, 0, 0, 'x'}},
    {PH_GGUF_STRING, 9, {1, 0, 0, 0, 0, 0, 0, 0, 0}},
    {PH_GGUF_STRING, 9, {1, 0, 0, 0, 0, 0, 0, 0, 0xff}},
    {PH_GGUF_STRING, 8, BYTES8(0xff)},
    {PH_GGUF_ARRAY, 12, {PH_GGUF_U8}},
    {PH_GGUF_ARRAY, 13, {PH_GGUF_U8, 0, 0, 0, 1}},
    {PH_GGUF_ARRAY, 12, {PH_GGUF_I32}},
    {PH_GGUF_ARRAY, 16, {PH_GGUF_I32, 0, 0, 0, 1}},
    {PH_GGUF_ARRAY, 16, {PH_GGUF_F32, 0, 0, 0, 1}},
    {PH_GGUF_ARRAY, 12, {PH_GGUF_STRING}},
    {PH_GGUF_ARRAY, 12, {PH_GGUF_STRING, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80}},
    {PH_GGUF_ARRAY, 12, {PH_GGUF_ARRAY, 0, 0, 0, 1}},
    {13, 4, {0}},
    {UINT32_MAX, 4, {0}},
};

enum { N_EDGES = sizeof edges / sizeof *edges };

static bool is_integer(uint32_t type)
{
    return type <= PH_GGUF_I32 || type == PH_GGUF_U64 || type == PH_GGUF_I64;
}

/* Whether a value of the one type may stand for one of the other. */
static bool is_kin(uint32_t a, uint32_t b)
{
    const bool floats = (a == PH_GGUF_F32 || a == PH_GGUF_F64) &&
                        (b == PH_GGUF_F32 || b == PH_GGUF_F64);

    return a == b || floats || (is_integer(a) && is_integer(b));
}

/* Keys of which a file may say anything at all, or nothing. */
static bool is_ignored(const tiny_model *m, const char *key)
{
    static const char *const told[] = {"general.name",
                                       "tokenizer.ggml.add_eos_token",
                                       "tokenizer.ggml.unknown_token_id"};

    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strcmp(key, told[i]) == 0)
            return true;
    return !m->longrope &&
           strcmp(key, "phi3.rope.scaling.original_context_length") == 0;
}

/* Keys that may be missing: llama.cpp's readers have defaults for them, or the
 * tokenizer's kind tells. */
static bool is_optional(const tiny_model *m, const char *key)
{
    static const char *const optional[] = {
        "general.type",
        "phi3.attention.sliding_window",
        "phi3.rope.dimension_count",
        "phi3.rope.freq_base",
        "phi3.rope.scaling.attn_factor",
        "tokenizer.ggml.add_bos_token",
        "tokenizer.ggml.bos_token_id",
        "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.padding_token_id",
    };
    const bool sentencepiece =
        m->family == TINY_PHI35 || m->family == TINY_PHI3_4K;

    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (strcmp(key, optional[i]) == 0)
            return true;
    if (strcmp(key, "phi3.attention.head_count_kv") == 0)
        return m->n_kv_heads == m->n_heads;
    return (sentencepiece && strcmp(key, "tokenizer.ggml.pre") == 0) ||
           is_ignored(m, key);
}

static void name_of(const gguf_writer *w, size_t k, char name[128])
{
    snprintf(name, 128, "%.*s", (int)w->kvs[k].key.len,
             (const char *)w->kvs[k].key.data);
}

/* The key itself, or what a number of it must agree with. */
static void check_named(const char *key, const char *what)
{
    const char *const related[] = {
        key, "tensor", "weight", strncmp(key, "tok", 3) ? "phi3." : "tokenizer",
        NULL};

    ck_assert_msg(error_names(related), "%s %s: \"%s\"", key, what,
                  ph_error_text());
}

static phial_status with_edge(const tiny_model *m, size_t k, const edge *e)
{
    gguf_writer *w = tiny_model_build(m);

    w->kvs[k].type = e->type;
    w->kvs[k].value.len = 0;
    bytes_put(&w->kvs[k].value, e->data, e->n);
    return open_and_run_file(w);
}

START_TEST(every_key_at_every_edge_of_every_type)
{
    const tiny_model m = lean_model((tiny_family)_i);
    gguf_writer *right = tiny_model_build(&m);
    tally t = {"keys at the edges of types", 0, 0};

    for (size_t k = 0; k < right->n_kvs; k++) {
        char key[128];

        name_of(right, k, key);
        for (size_t i = 0; i < N_EDGES; i++) {
            const phial_status status = with_edge(&m, k, &edges[i]);
            const bool kin = is_kin(edges[i].type, right->kvs[k].type);

            tally_add(&t, status);
            if (status < 0)
                check_named(key, "at an edge");
            if (status < 0 && !kin)
                ck_assert_msg(strstr(ph_error_text(), key), "%s: \"%s\"", key,
                              ph_error_text());
            ck_assert_msg(status < 0 || kin || is_ignored(&m, key),
                          "%s opened as type %u", key, edges[i].type);
        }
    }
    tally_print(&t);
    gguf_writer_free(right);
}
END_TEST

START_TEST(every_key_missing_or_twice)
{
    const tiny_model m = lean_model((tiny_family)_i);
    gguf_writer *right = tiny_model_build(&m);
    tally t = {"keys missing", 0, 0};

    for (size_t k = 0; k < right->n_kvs; k++) {
        gguf_writer *w = tiny_model_build(&m);
        phial_status status;
        char key[128];

        name_of(right, k, key);
        gguf_remove_key(w, key);
        status = open_and_run_file(w);
        tally_add(&t, status);
        ck_assert_msg((status == PHIAL_OK) == is_optional(&m, key), "%s: %s",
                      key, status < 0 ? ph_error_text() : "opened without");
        if (status < 0)
            check_named(key, "missing");
        w = tiny_model_build(&m);
        gguf_append_raw(w, ph_str_of(key), w->kvs[k].type, w->kvs[k].value.data,
                        w->kvs[k].value.len);
        ck_status(open_and_run_file(w), PHIAL_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(ph_error_text(), key));
        ck_assert_ptr_nonnull(strstr(ph_error_text(), "twice"));
    }
    tally_print(&t);
    gguf_writer_free(right);
}
END_TEST

TCase *matrix_keys_cases(void)
{
    TCase *t = tcase_create("matrix of keys");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, every_key_at_every_edge_of_every_type, 0,
                        TINY_FAMILIES);
    tcase_add_loop_test(t, every_key_missing_or_twice, 0, TINY_FAMILIES);
    return t;
}
