/* SPDX-License-Identifier: MIT
 * model.h - a phi3-architecture model in memory: hyper-parameters, weights,
 * tokenizer and chat template, read from a model file. */
#ifndef PH_MODEL_H
#define PH_MODEL_H

#include "base/base.h"
#include "formats/formats.h"
#include "kernels/kernels.h"
#include "pool/pool.h"
#include "quantize/quantize.h"
#include "tokenizer/tokenizer.h"

/* Names and meaning: the configuration of Hugging Face's Phi3Config. */
typedef struct ph_hparams {
    uint32_t n_vocab;
    uint32_t n_context;
    uint32_t n_context_original; /* where LongRoPE switches; else n_context */
    uint32_t n_layers;
    uint32_t n_embd;
    uint32_t n_ff;
    uint32_t n_heads;
    uint32_t n_kv_heads;
    uint32_t head_dim;
    uint32_t n_rot;  /* rotated elements of a head */
    uint32_t window; /* sliding window in keys, itself included; 0: none */
    float rms_eps;
    float rope_theta;
    float rope_scale; /* of cos and sin: LongRoPE's attention factor, or 1 */
    bool longrope;
    bool tied; /* the output matrix is the embedding */
} ph_hparams;

typedef struct ph_layer {
    const float *attn_norm;
    ph_matrix q; /* rows: all query heads */
    ph_matrix k; /* all key heads */
    ph_matrix v; /* all value heads */
    ph_matrix attn_out;
    const float *ffn_norm;
    ph_matrix gate;
    ph_matrix up;
    ph_matrix down;
} ph_layer;

typedef struct ph_model {
    const ph_heap *heap;
    const ph_kernels *kernels;
    ph_hparams hp;
    ph_tokenizer *tokenizer;
    ph_str chat_template; /* as in the file; empty if it has none */
    ph_str name;
    bool begins_with_bos; /* a text by itself does, by what the file says */
    char *description;    /* the JSON of phial_model_describe */
    ph_matrix embedding;
    ph_matrix output; /* same data as embedding when tied */
    const float *output_norm;
    ph_layer *layers;
    float *rope_freqs[2]; /* n_rot / 2 each: short, long */
    uint8_t *weights;     /* all of them, one after another, 64-byte aligned */
    uint64_t weight_bytes;
    uint64_t n_parameters;
    uint64_t fingerprint; /* of what the file says, or would say if it were
                             quantised as the model is; by any version */
    void *storage;        /* private: the block they lie in */
    bool locked;          /* private: the weights are locked in memory */
} ph_model;

enum { PH_ROPE_SHORT = 0, PH_ROPE_LONG = 1 }; /* index of rope_freqs */

/* The factors that n tokens are read with: as in the reference (transformers,
 * modeling_phi3.py, prepare_inputs_for_generation), short ones up to the
 * original context, long ones beyond. */
static inline int ph_rope_for(const ph_hparams *hp, size_t n)
{
    return hp->longrope && n > hp->n_context_original ? PH_ROPE_LONG
                                                      : PH_ROPE_SHORT;
}

typedef struct ph_model_config {
    const ph_heap *heap; /* must outlive the model */
    const ph_log *log;
    ph_pool *pool;  /* reads the weights; NULL: the calling thread alone */
    int32_t isa;    /* PHIAL_ISA_* that ph_kernels_get has */
    uint32_t flags; /* PHIAL_MODEL_* */
    phial_progress_fn progress;
    void *progress_user;
    const ph_mix *mix; /* the types that tensors get; NULL: as stored */
} ph_model_config;

phial_status ph_model_open(const char *path, const ph_model_config *config,
                           ph_model **out);
void ph_model_free(ph_model *model);

/* ---- Adapters ---------------------------------------------------------- */

/* y += scale * B A x for each output y that B has rows for: of PH_LORA_ATTN
 * those of q, k, v, of PH_LORA_FFN gate and up, otherwise the first. */
typedef struct ph_lora {
    ph_matrix a;                  /* rank x inputs */
    ph_matrix b[PH_LORA_OUTPUTS]; /* outputs x rank; rows 0: there is none */
    float scale;
} ph_lora;

/* Pairs of a model's layers, F32 and packed. The model must outlive it. */
typedef struct ph_adapter {
    const ph_model *model;
    uint64_t id;          /* no other adapter of the model has it */
    uint64_t fingerprint; /* of what it computes, by any library version */
    ph_lora *pairs;       /* by layer, then by input */
    uint32_t *first;      /* those of layer i and input j begin with number
                             i * PH_LORA_INPUTS + j; and where the last end */
    uint32_t max_rank;    /* of all pairs with the same input together */
    uint64_t bytes;       /* of all matrices */
    uint8_t *data;        /* private: where they lie */
} ph_adapter;

/* Reads a GGUF file of pairs or a folder that PEFT saved. PHIAL_E_MISMATCH: its
 * shapes are not those of the model. */
phial_status ph_adapter_open(const ph_model *model, const char *path,
                             uint64_t id, ph_adapter **out);
phial_status ph_adapter_read(const ph_model *model, const ph_gguf *gguf,
                             uint64_t id, ph_adapter **out);
void ph_adapter_free(ph_adapter *adapter);

/* ---- Reading of files -------------------------------------------------- */

/* Hyper-parameters from metadata and the tensor table, every one checked
 * against limits and every tensor's shape against them. A file of another
 * architecture is refused with what it is and what we run. */
phial_status ph_hparams_read(const ph_gguf *gguf, ph_hparams *hp);

/* Bytes that the weights will take, packed, from the tensor table. */
phial_status ph_model_weight_bytes(const ph_gguf *gguf, const ph_hparams *hp,
                                   const ph_mix *mix, uint64_t *bytes);

#endif /* PH_MODEL_H */
