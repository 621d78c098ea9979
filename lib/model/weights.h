/* SPDX-License-Identifier: MIT
 * weights.h - inside model: the tensors that the hyper-parameters ask for, and
 * reading them. */
#ifndef PH_MODEL_WEIGHTS_H
#define PH_MODEL_WEIGHTS_H

#include "model/model.h"

typedef enum ph_role {
    PH_ROLE_EMBEDDING,
    PH_ROLE_OUTPUT_NORM,
    PH_ROLE_OUTPUT,
    PH_ROLE_FACTORS_SHORT,
    PH_ROLE_FACTORS_LONG,
    PH_ROLE_ATTN_NORM,
    PH_ROLE_QKV, /* a tensor with q, k and v, which are visited each */
    PH_ROLE_Q,
    PH_ROLE_K,
    PH_ROLE_V,
    PH_ROLE_ATTN_OUT,
    PH_ROLE_FFN_NORM,
    PH_ROLE_GATE_UP, /* the same */
    PH_ROLE_GATE,
    PH_ROLE_UP,
    PH_ROLE_DOWN
} ph_role;

/* One tensor of the file, or the rows of one that are q, k, v, gate or up;
 * found to have the shape it must have. Vectors have one row and are F32 in
 * memory, whatever they are in the file; matrices that a product reads are
 * packed.
 *
 * type is what the tensor has in the file, or would have in the file that
 * phial_quantize() would write: the model is the same as that file's, to the
 * fingerprint. */
typedef struct ph_weight {
    const ph_gguf_tensor *tensor;
    ph_role role;
    uint32_t layer;
    uint32_t first_row; /* in the tensor */
    uint32_t rows;
    uint32_t cols;
    ph_dtype type;
    size_t file_row_bytes;
    size_t row_bytes;   /* as type has them */
    size_t panel_bytes; /* in memory; 0: not packed */
    uint64_t bytes;     /* in memory */
} ph_weight;

typedef phial_status (*ph_weight_visitor)(void *user, const ph_weight *weight);

/* What a layer and a model have at most of them. */
enum { PH_LAYER_WEIGHTS = 9, PH_GLOBAL_WEIGHTS = 5 };

/* Visits every weight of the model in the order they lie in memory, checking
 * each tensor's presence, shape and type, and at the end that the file has no
 * other of the kind. mix: the types that they get; NULL: as stored. visit may
 * be NULL. */
phial_status ph_weights_walk(const ph_gguf *gguf, const ph_hparams *hp,
                             const ph_mix *mix, ph_weight_visitor visit,
                             void *user);

/* The type of any tensor of the file, with a mix or as stored. */
ph_dtype ph_tensor_type(const ph_hparams *hp, const ph_mix *mix,
                        const ph_gguf_tensor *tensor);

/* True for a matrix that is not read as it is. */
bool ph_weight_is_recoded(const ph_weight *weight);

/* True for a vector: norm weights and rotary factors. */
bool ph_role_is_vector(ph_role role);

/* Bytes from one weight to the next: weight->bytes and what aligns the next. */
uint64_t ph_weight_stride(const ph_weight *weight);

/* The weight as it lies in memory at data, a vector as one row. */
ph_matrix ph_weight_matrix(const ph_weight *weight, const uint8_t *data);

/* Reads all weights into model->weights and points the model at them. */
phial_status ph_weights_load(const ph_gguf *gguf, const ph_model_config *config,
                             ph_model *model);

/* Computes model->rope_freqs from the factors just read. */
phial_status ph_rope_load(const ph_gguf *gguf, const float *factors[2],
                          ph_model *model);

/* Refuses a tensor that holds NaN or infinity, by name. */
phial_status ph_weights_verify(const ph_gguf *gguf, const ph_mix *mix,
                               const ph_model *model);

/* The JSON of phial_model_describe. */
phial_status ph_describe(const ph_gguf *gguf, const ph_mix *mix,
                         ph_model *model);

#endif /* PH_MODEL_WEIGHTS_H */
