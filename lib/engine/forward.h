/* SPDX-License-Identifier: MIT
 * forward.h - inside engine: one forward pass and what it works on. */
#ifndef PH_FORWARD_H
#define PH_FORWARD_H

#include "engine/sequence.h"

/* Matrices of a layer that are multiplied. */
enum { PH_Q, PH_K, PH_V, PH_OUT, PH_GATE_UP, PH_DOWN, PH_N_PRODUCTS };

typedef struct ph_pass {
    const ph_model *model;
    const ph_hparams *hp;
    const ph_scratch *scratch;
    const ph_kv_cache *cache;
    const float *rope_freqs;
    const phial_token *tokens;
    uint32_t n;
    uint32_t first; /* position of the first token */
    int want;       /* PH_LOGITS_* */
    float *logits;
    const atomic_int *cancel;
    /* Of ph_team_deal, for even and odd layers. */
    atomic_uint taken[2][PH_N_PRODUCTS];
    atomic_uint head_taken;
    bool cancelled;         /* written by thread 0 alone */
    atomic_bool not_finite; /* a logit is NaN or infinite */
} ph_pass;

/* A ph_job; arg is a ph_pass. */
void ph_forward(void *arg, const ph_team *team);

#endif /* PH_FORWARD_H */
