/* SPDX-License-Identifier: MIT
 * synth_model.h - the models that phial synth writes: shapes, tensors and
 * vocabularies as in the files that people download. */
#ifndef SYNTH_MODEL_H
#define SYNTH_MODEL_H

#include "settings.h"
#include "synth_blocks.h"
#include "synth_gguf.h"

/* In the order of these lists are the tables behind them. */
#define SYNTH_SHAPES "phi-4-mini|phi-4|phi-3.5-mini|tiny|tiny-phi-4|tiny-phi-3"
#define SYNTH_TYPES "q4_k_m|q4_k_s|q4_0|q5_k_m|q6_k|q8_0|iq4_xs|bf16|f16"

typedef enum synth_family {
    FAMILY_MINI,
    FAMILY_PHI4,
    FAMILY_PHI3
} synth_family;

typedef struct synth_shape {
    const char *name;
    synth_family family; /* of the vocabulary */
    uint32_t n_vocab, n_embd, n_ff, n_heads, n_kv_heads, n_layers;
    uint32_t n_rot, n_context, n_original, window;
    uint32_t rope_theta;
    bool longrope, tied;
} synth_shape;

typedef enum tensor_kind {
    TENSOR_MATRIX,
    TENSOR_NORM,  /* a vector of factors near 1 */
    TENSOR_SHORT, /* LongRoPE's factors */
    TENSOR_LONG
} tensor_kind;

typedef struct synth_tensor {
    char name[40];
    tensor_kind kind;
    block_format format;
    uint64_t cols, rows; /* rows 0: a vector */
    double std;
} synth_tensor;

/* The shape that the command line asks for. */
synth_shape synth_shape_of(const settings *s);

/* Every tensor in the file's order; the caller frees *out. */
size_t synth_tensors(const synth_shape *shape, int32_t type,
                     synth_tensor **out);
uint64_t synth_tensor_bytes(const synth_tensor *t);

/* The keys of the file, the vocabulary's included. */
void synth_keys(gguf_head *h, const synth_shape *shape, int32_t type);
void synth_vocabulary(gguf_head *h, const synth_shape *shape);

#endif /* SYNTH_MODEL_H */
