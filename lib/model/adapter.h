/* SPDX-License-Identifier: MIT
 * adapter.h - inside model: the pairs of tensors in an adapter's file. */
#ifndef PH_MODEL_ADAPTER_H
#define PH_MODEL_ADAPTER_H

#include "model/model.h"

/* Modules of a layer that may have a pair, in the order of the forward pass;
 * those of q, k and v together, and of gate and up, are modules of their own.
 */
enum { PH_LAYER_PAIRS = 9 };

typedef struct ph_pair {
    const ph_gguf_tensor *a; /* rank x inputs */
    const ph_gguf_tensor *b; /* outputs x rank */
    uint32_t layer;
    uint32_t module; /* below PH_LAYER_PAIRS */
    ph_lora_input input;
    uint32_t first_output, n_outputs; /* B has the rows of these, in order */
    float scale;
} ph_pair;

/* Finds the pairs of a file and checks that they are for this model: *pairs,
 * which the caller frees, are *n in order of layer and module. */
phial_status ph_adapter_pairs(const ph_gguf *gguf, const ph_model *model,
                              ph_pair **pairs, uint32_t *n);

/* Rows of an output, and elements of an input. */
uint32_t ph_lora_rows(const ph_hparams *hp, ph_lora_input input,
                      uint32_t output);
uint32_t ph_lora_cols(const ph_hparams *hp, ph_lora_input input);

#endif /* PH_MODEL_ADAPTER_H */
