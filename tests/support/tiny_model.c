/* SPDX-License-Identifier: MIT
 * The tiny models: shapes, tensors, metadata. */
#include "tiny_model.h"
#include "gguf_bytes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {"phi-4", "phi-4-mini", "phi-3.5",
                                    "phi-3-4k"};

static const tiny_model shapes[] = {
    [TINY_PHI4] = {.n_layers = 3,
                   .n_embd = 256,
                   .n_ff = 512,
                   .n_heads = 8,
                   .n_kv_heads = 2,
                   .head_dim = 32,
                   .n_rot = 32,
                   .n_context = 512,
                   .n_context_original = 512,
                   .n_extra = 4,
                   .rope_theta = 250000},
    [TINY_PHI4_MINI] = {.n_layers = 2,
                        .n_embd = 192,
                        .n_ff = 256,
                        .n_heads = 6,
                        .n_kv_heads = 2,
                        .head_dim = 32,
                        .n_rot = 24,
                        .n_context = 2048,
                        .n_context_original = 64,
                        .window = 262144,
                        .n_extra = 5,
                        .rope_theta = 10000,
                        .longrope = true,
                        .tied = true},
    [TINY_PHI35] = {.n_layers = 2,
                    .n_embd = 128,
                    .n_ff = 256,
                    .n_heads = 4,
                    .n_kv_heads = 4,
                    .head_dim = 32,
                    .n_rot = 32,
                    .n_context = 2048,
                    .n_context_original = 64,
                    .window = 262144,
                    .n_extra = 8,
                    .rope_theta = 10000,
                    .longrope = true},
    [TINY_PHI3_4K] = {.n_layers = 2,
                      .n_embd = 128,
                      .n_ff = 256,
                      .n_heads = 4,
                      .n_kv_heads = 4,
                      .head_dim = 32,
                      .n_rot = 32,
                      .n_context = 256,
                      .n_context_original = 256,
                      .window = 33,
                      .n_extra = 8,
                      .rope_theta = 10000},
};

tiny_family tiny_family_by_name(const char *name)
{
    int f = 0;

    while (f < TINY_FAMILIES && strcmp(names[f], name) != 0)
        f++;
    return (tiny_family)f;
}

const char *tiny_family_name(tiny_family family)
{
    return names[family];
}

tiny_model tiny_model_of(tiny_family family, ph_dtype type, uint64_t seed)
{
    tiny_model m = shapes[family];

    m.family = family;
    m.type = type;
    m.seed = seed;
    return m;
}

/* A stream of random numbers for each tensor of each seed. */
static uint64_t tensor_key(const tiny_model *m, const char *name)
{
    return tiny_random(ph_hash(name, strlen(name)), m->seed);
}

/* What llama-quantize falls back to when a row is no whole blocks. */
static ph_dtype type_for(ph_dtype type, uint32_t cols)
{
    const uint32_t block = ph_dtype_get((uint32_t)type)->block_elems;

    if (cols % block == 0)
        return type;
    switch (type) {
    case PH_Q4_K:
        type = PH_Q5_0;
        break;
    case PH_Q5_K:
        type = PH_Q5_1;
        break;
    case PH_Q6_K:
        type = PH_Q8_0;
        break;
    default:
        type = PH_IQ4_NL;
        break;
    }
    return cols % 32 == 0 ? type : PH_F32;
}

static void put_matrix(gguf_writer *w, const tiny_model *m, const char *name,
                       ph_dtype type, uint32_t rows, uint32_t cols)
{
    const bool of_vocab = strncmp(name, "blk.", 4) != 0;
    const float std = (of_vocab ? 3.0f : 1.0f) / sqrtf((float)cols);
    const uint64_t dims[] = {cols, rows};
    uint8_t *data;

    type = type_for(type, cols);
    data = tiny_weights(type, rows, cols, std, tensor_key(m, name));
    gguf_put_tensor(w, name, (uint32_t)type, dims, 2, data);
    free(data);
}

static void put_norm(gguf_writer *w, const tiny_model *m, const char *name)
{
    const uint64_t dims[] = {m->n_embd};
    float *data = support_must(malloc(m->n_embd * sizeof *data));

    for (uint32_t i = 0; i < m->n_embd; i++)
        data[i] = 1 + 0.25f * tiny_uniform(tensor_key(m, name), i);
    gguf_put_tensor(w, name, PH_F32, dims, 1, data);
    free(data);
}

/* Like real ones: from first for the fastest pair up to last, not smoothly. */
static void put_factors(gguf_writer *w, const tiny_model *m, const char *name,
                        float first, float last)
{
    const uint32_t n = m->n_rot / 2;
    const uint64_t dims[] = {n};
    float *data = support_must(malloc(n * sizeof *data));

    for (uint32_t i = 0; i < n; i++) {
        const float at = (float)i / (float)n;
        const float bump = 1 + 0.05f * tiny_uniform(tensor_key(m, name), i);

        data[i] = first + (last - first) * at * at * bump;
    }
    gguf_put_tensor(w, name, PH_F32, dims, 1, data);
    free(data);
}

static const struct {
    const char *name;
    enum { QKV, ATTN_OUT, GATE_UP, DOWN } shape;
} in_layer[] = {
    {"attn_qkv.weight", QKV},
    {"attn_output.weight", ATTN_OUT},
    {"ffn_up.weight", GATE_UP},
    {"ffn_down.weight", DOWN},
};

static void put_layer(gguf_writer *w, const tiny_model *m, uint32_t layer)
{
    const uint32_t q = m->n_heads * m->head_dim;
    const uint32_t kv_rows = m->n_kv_heads * m->head_dim;
    const uint32_t sizes[][2] = {{q + 2 * kv_rows, m->n_embd},
                                 {m->n_embd, q},
                                 {2 * m->n_ff, m->n_embd},
                                 {m->n_embd, m->n_ff}};
    char name[64];

    snprintf(name, sizeof name, "blk.%u.attn_norm.weight", layer);
    put_norm(w, m, name);
    for (int i = 0; i < 4; i++) {
        const uint32_t *size = sizes[in_layer[i].shape];

        snprintf(name, sizeof name, "blk.%u.%s", layer, in_layer[i].name);
        put_matrix(w, m, name, m->type, size[0], size[1]);
    }
    snprintf(name, sizeof name, "blk.%u.ffn_norm.weight", layer);
    put_norm(w, m, name);
}

/* The keys of llama.cpp's converter. */
static void put_hparams(gguf_writer *w, const tiny_model *m)
{
    const double s = (double)m->n_context / m->n_context_original;

    gguf_put_str(w, "general.architecture", "phi3");
    gguf_put_str(w, "general.type", "model");
    gguf_put_str(w, "general.name", names[m->family]);
    gguf_put_u32(w, "phi3.context_length", m->n_context);
    gguf_put_u32(w, "phi3.rope.scaling.original_context_length",
                 m->n_context_original);
    gguf_put_u32(w, "phi3.embedding_length", m->n_embd);
    gguf_put_u32(w, "phi3.feed_forward_length", m->n_ff);
    gguf_put_u32(w, "phi3.block_count", m->n_layers);
    gguf_put_u32(w, "phi3.attention.head_count", m->n_heads);
    gguf_put_u32(w, "phi3.attention.head_count_kv", m->n_kv_heads);
    gguf_put_f32(w, "phi3.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_put_u32(w, "phi3.rope.dimension_count", m->n_rot);
    gguf_put_f32(w, "phi3.rope.freq_base", m->rope_theta);
    gguf_put_u32(w, "phi3.attention.sliding_window", m->window);
    if (m->longrope && m->family == TINY_PHI4_MINI)
        gguf_put_f32(w, "phi3.rope.scaling.attn_factor",
                     (float)sqrt(1 + log(s) / log(m->n_context_original)));
    if (m->head_dim * m->n_heads != m->n_embd) {
        gguf_put_u32(w, "phi3.attention.key_length", m->head_dim);
        gguf_put_u32(w, "phi3.attention.value_length", m->head_dim);
    }
}

gguf_writer *tiny_model_build(const tiny_model *m)
{
    gguf_writer *w = gguf_writer_new();
    uint32_t n_vocab;

    put_hparams(w, m);
    n_vocab = tiny_vocab_put(w, m->family, m->n_extra);
    put_matrix(w, m, "token_embd.weight", m->type, n_vocab, m->n_embd);
    for (uint32_t i = 0; i < m->n_layers; i++)
        put_layer(w, m, i);
    put_norm(w, m, "output_norm.weight");
    if (!m->tied)
        put_matrix(w, m, "output.weight", m->type, n_vocab, m->n_embd);
    if (m->longrope) {
        put_factors(w, m, "rope_factors_long.weight", 1, 48);
        put_factors(w, m, "rope_factors_short.weight", 1, 3);
    }
    return w;
}

void tiny_model_write(const char *path, tiny_family family, ph_dtype type,
                      uint64_t seed)
{
    const tiny_model m = tiny_model_of(family, type, seed);
    gguf_writer *w = tiny_model_build(&m);

    gguf_write(w, path);
    gguf_writer_free(w);
}

void tiny_model_set_type(gguf_writer *w, const tiny_model *m, const char *name,
                         ph_dtype type)
{
    for (size_t i = 0; i < w->n_tensors; i++) {
        const tensor *t = &w->tensors[i];

        if (bytes_are(&t->name, name) && t->n_dims == 2) {
            put_matrix(w, m, name, type, (uint32_t)t->dims[1],
                       (uint32_t)t->dims[0]);
            return;
        }
    }
    fprintf(stderr, "tiny_model_set_type: no matrix %s\n", name);
    abort();
}
