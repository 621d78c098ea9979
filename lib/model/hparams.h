/* SPDX-License-Identifier: MIT
 * hparams.h - inside model: the steps of reading hyper-parameters. */
#ifndef PH_MODEL_HPARAMS_H
#define PH_MODEL_HPARAMS_H

#include "model/model.h"

enum { /* limits; what is larger is refused */
       PH_MAX_VOCAB = 1 << 20,
       PH_MAX_CONTEXT = 1 << 20,
       PH_MAX_LAYERS = 256,
       PH_MAX_HEADS = 512,
       PH_MAX_EMBD = 65536,
       PH_MAX_FF = 262144
};

/* Refuses a file that is not a phi3 model, with what it is. */
phial_status ph_architecture_check(const ph_gguf *gguf);

/* An integer of the metadata, 1 <= *out <= max. */
phial_status ph_hparam_count(const ph_gguf *gguf, const char *key,
                             const uint32_t *fallback, uint32_t max,
                             uint32_t *out);

/* The rotary part: dimensions, base, LongRoPE and its scale. Wants n_context
 * and head_dim. */
phial_status ph_hparams_read_rope(const ph_gguf *gguf, ph_hparams *hp);

#endif /* PH_MODEL_HPARAMS_H */
