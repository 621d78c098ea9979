/* SPDX-License-Identifier: MIT
 * Shapes of the Phi family, the keys that llama.cpp's converter writes for
 * them, and which format its quantiser gives each tensor. */
#include "synth_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const synth_shape shapes[] = {
    {"phi-4-mini", FAMILY_MINI, 200064, 3072, 8192, 24, 8, 32, 96, 131072, 4096,
     262144, 10000, true, true},
    {"phi-4", FAMILY_PHI4, 100352, 5120, 17920, 40, 10, 40, 128, 16384, 16384,
     0, 250000, false, false},
    {"phi-3.5-mini", FAMILY_PHI3, 32064, 3072, 8192, 32, 32, 32, 96, 131072,
     4096, 262144, 10000, true, false},
    {"tiny", FAMILY_MINI, 1024, 256, 512, 4, 2, 2, 48, 4096, 1024, 262144,
     10000, true, true},
    {"tiny-phi-4", FAMILY_PHI4, 1024, 256, 512, 4, 2, 2, 64, 4096, 4096, 0,
     250000, false, false},
    {"tiny-phi-3", FAMILY_PHI3, 1024, 256, 512, 4, 4, 2, 64, 4096, 1024, 262144,
     10000, true, false},
};

/* Which tensors of ffn_down have the better format. */
typedef enum which_layers { NO_LAYERS, MORE_BITS, FIRST_EIGHTH } which_layers;

/* From llama.cpp's src/llama-quant.cpp, for files made with an importance
 * matrix. The head is output.weight, or the embedding that takes its place. */
static const struct mix {
    uint32_t file_type; /* llama_ftype */
    block_format base, head, qkv, better_down;
    which_layers better;
} mixes[] = {
    {15, BLOCK_Q4_K, BLOCK_Q6_K, BLOCK_Q5_K, BLOCK_Q6_K, MORE_BITS},
    {14, BLOCK_Q4_K, BLOCK_Q6_K, BLOCK_Q4_K, BLOCK_Q5_K, FIRST_EIGHTH},
    {2, BLOCK_Q4_0, BLOCK_Q6_K, BLOCK_Q4_0, BLOCK_Q4_0, NO_LAYERS},
    {17, BLOCK_Q5_K, BLOCK_Q6_K, BLOCK_Q6_K, BLOCK_Q6_K, MORE_BITS},
    {18, BLOCK_Q6_K, BLOCK_Q6_K, BLOCK_Q6_K, BLOCK_Q6_K, NO_LAYERS},
    {7, BLOCK_Q8_0, BLOCK_Q8_0, BLOCK_Q8_0, BLOCK_Q8_0, NO_LAYERS},
    {30, BLOCK_IQ4_XS, BLOCK_Q6_K, BLOCK_IQ4_XS, BLOCK_IQ4_XS, NO_LAYERS},
    {32, BLOCK_BF16, BLOCK_BF16, BLOCK_BF16, BLOCK_BF16, NO_LAYERS},
    {1, BLOCK_F16, BLOCK_F16, BLOCK_F16, BLOCK_F16, NO_LAYERS},
};

synth_shape synth_shape_of(const settings *s)
{
    synth_shape shape = shapes[s->shape];

    if (s->n_layers)
        shape.n_layers = (uint32_t)s->n_layers;
    if (s->untied)
        shape.tied = false;
    if (s->full_rotary)
        shape.n_rot = shape.n_embd / shape.n_heads;
    return shape;
}

static block_format down_format(const struct mix *mix, uint32_t layer,
                                uint32_t n_layers)
{
    uint32_t eighth = n_layers / 8;
    bool better = false;

    if (mix->better == FIRST_EIGHTH)
        better = layer < eighth;
    if (mix->better == MORE_BITS)
        better = layer < eighth || layer >= 7 * n_layers / 8 ||
                 (layer - eighth) % 3 == 2;
    return better ? mix->better_down : mix->base;
}

/* The matrices keep the size of what they multiply, so that activations
 * neither vanish nor explode. */
static void add_matrix(synth_tensor **t, const char *name, block_format format,
                       uint64_t cols, uint64_t rows)
{
    synth_tensor *out = (*t)++;

    *out = (synth_tensor){.kind = TENSOR_MATRIX,
                          .format = format,
                          .cols = cols,
                          .rows = rows,
                          .std = 1 / sqrt((double)cols)};
    snprintf(out->name, sizeof out->name, "%s", name);
}

static void add_vector(synth_tensor **t, const char *name, tensor_kind kind,
                       uint64_t n)
{
    synth_tensor *out = (*t)++;

    *out = (synth_tensor){.kind = kind, .format = BLOCK_F32, .cols = n};
    snprintf(out->name, sizeof out->name, "%s", name);
}

static void add_layer(synth_tensor **t, const synth_shape *s,
                      const struct mix *mix, uint32_t layer)
{
    uint64_t kv = (uint64_t)s->n_embd / s->n_heads * s->n_kv_heads;
    char name[40];

    snprintf(name, sizeof name, "blk.%u.attn_norm.weight", layer);
    add_vector(t, name, TENSOR_NORM, s->n_embd);
    snprintf(name, sizeof name, "blk.%u.attn_qkv.weight", layer);
    add_matrix(t, name, mix->qkv, s->n_embd, s->n_embd + 2 * kv);
    snprintf(name, sizeof name, "blk.%u.attn_output.weight", layer);
    add_matrix(t, name, mix->base, s->n_embd, s->n_embd);
    snprintf(name, sizeof name, "blk.%u.ffn_norm.weight", layer);
    add_vector(t, name, TENSOR_NORM, s->n_embd);
    snprintf(name, sizeof name, "blk.%u.ffn_up.weight", layer);
    add_matrix(t, name, mix->base, s->n_embd, 2 * (uint64_t)s->n_ff);
    snprintf(name, sizeof name, "blk.%u.ffn_down.weight", layer);
    add_matrix(t, name, down_format(mix, layer, s->n_layers), s->n_ff,
               s->n_embd);
}

size_t synth_tensors(const synth_shape *s, int32_t type, synth_tensor **out)
{
    const struct mix *mix = &mixes[type];
    synth_tensor *t = must_alloc((size_t)6 * s->n_layers + 5, sizeof *t);

    *out = t;
    add_matrix(&t, "token_embd.weight", s->tied ? mix->head : mix->base,
               s->n_embd, s->n_vocab);
    for (uint32_t i = 0; i < s->n_layers; i++)
        add_layer(&t, s, mix, i);
    add_vector(&t, "output_norm.weight", TENSOR_NORM, s->n_embd);
    if (!s->tied)
        add_matrix(&t, "output.weight", mix->head, s->n_embd, s->n_vocab);
    if (s->longrope) {
        add_vector(&t, "rope_factors_long.weight", TENSOR_LONG, s->n_rot / 2);
        add_vector(&t, "rope_factors_short.weight", TENSOR_SHORT, s->n_rot / 2);
    }
    return (size_t)(t - *out);
}

uint64_t synth_tensor_bytes(const synth_tensor *t)
{
    return t->cols * (t->rows ? t->rows : 1) / block_elements(t->format) *
           block_bytes(t->format);
}

void synth_keys(gguf_head *h, const synth_shape *s, int32_t type)
{
    double factor = (double)s->n_context / s->n_original;
    char name[64];

    snprintf(name, sizeof name, "random weights in the shape of %s", s->name);
    gguf_text(h, "general.architecture", "phi3");
    gguf_text(h, "general.type", "model");
    gguf_text(h, "general.name", name);
    gguf_u32(h, "general.file_type", mixes[type].file_type);
    gguf_u32(h, "general.quantization_version", 2);
    gguf_u32(h, "phi3.context_length", s->n_context);
    gguf_u32(h, "phi3.rope.scaling.original_context_length", s->n_original);
    gguf_u32(h, "phi3.embedding_length", s->n_embd);
    gguf_u32(h, "phi3.feed_forward_length", s->n_ff);
    gguf_u32(h, "phi3.block_count", s->n_layers);
    gguf_u32(h, "phi3.attention.head_count", s->n_heads);
    gguf_u32(h, "phi3.attention.head_count_kv", s->n_kv_heads);
    gguf_f32(h, "phi3.attention.layer_norm_rms_epsilon", 1e-5);
    gguf_u32(h, "phi3.rope.dimension_count", s->n_rot);
    gguf_f32(h, "phi3.rope.freq_base", s->rope_theta);
    gguf_u32(h, "phi3.attention.sliding_window", s->window);
    if (s->longrope)
        gguf_f32(h, "phi3.rope.scaling.attn_factor",
                 sqrt(1 + log(factor) / log((double)s->n_original)));
    synth_vocabulary(h, s);
}
