/* SPDX-License-Identifier: MIT
 * engine.h - a sequence of tokens, its key-value cache, and the forward pass
 * that extends it. The engine computes; what to compute is decided above. */
#ifndef PH_ENGINE_H
#define PH_ENGINE_H

#include "base/base.h"
#include "model/model.h"
#include "pool/pool.h"

#include <stdatomic.h>

typedef struct ph_sequence ph_sequence;

enum { PH_MAX_BATCH = 65536 };

typedef struct ph_sequence_config {
    uint32_t n_context;   /* tokens it may hold */
    uint32_t n_batch;     /* tokens per forward pass, <= PH_MAX_BATCH */
    int32_t cache_format; /* PHIAL_CACHE_F32, _F16 or _Q8 */
} ph_sequence_config;

/* model and pool must outlive the sequence. */
phial_status ph_sequence_new(const ph_model *model, ph_pool *pool,
                             const ph_sequence_config *config,
                             ph_sequence **out);
void ph_sequence_free(ph_sequence *sequence);

uint32_t ph_sequence_length(const ph_sequence *sequence);

/* Forgets all but the first length tokens. */
void ph_sequence_truncate(ph_sequence *sequence, uint32_t length);

enum { PH_LOGITS_NONE, PH_LOGITS_LAST, PH_LOGITS_ALL };

/* One forward pass: appends n <= n_batch tokens at positions length.., rotary
 * factors by rope (PH_ROPE_*), the same for all tokens a sequence holds.
 * logits: n_vocab floats for PH_LOGITS_LAST, n * n_vocab for PH_LOGITS_ALL.
 * cancel, if not NULL, is looked at once a layer: when it is not 0 the call
 * returns PHIAL_E_CANCELLED. On any error the sequence is as before, but
 * logits may have been written to. A logit that is NaN or infinite:
 * PHIAL_E_NUMERIC. */
phial_status ph_sequence_forward(ph_sequence *sequence,
                                 const phial_token *tokens, uint32_t n,
                                 int rope, int want, float *logits,
                                 const atomic_int *cancel);

typedef struct ph_sequence_bytes {
    uint64_t cache;     /* now */
    uint64_t cache_max; /* with n_context tokens */
    uint64_t scratch;
} ph_sequence_bytes;

void ph_sequence_get_bytes(const ph_sequence *sequence,
                           ph_sequence_bytes *bytes);

/* What a sequence would take, before there is one; false on overflow. */
bool ph_sequence_estimate(const ph_hparams *hp,
                          const ph_sequence_config *config,
                          ph_sequence_bytes *bytes);

#endif /* PH_ENGINE_H */
