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
    ph_part *const *parts; /* their tokens follow each other as rows */
    uint32_t n_parts;
    uint32_t n;        /* rows */
    uint32_t n_logits; /* rows that want logits: those in scratch->list */
    /* Of ph_team_deal, for even and odd layers. */
    atomic_uint taken[2][PH_N_PRODUCTS];
    atomic_uint head_taken;
    bool cancelled; /* all parts; written by thread 0 alone */
} ph_pass;

/* A ph_job; arg is a ph_pass. */
void ph_forward(void *arg, const ph_team *team);

/* ---- forward_attention.c ----------------------------------------------- */

/* Rotates queries and keys, scales queries, caches keys and values. */
void ph_rotate_and_cache(ph_pass *p, const ph_team *team, uint32_t layer);

/* mid = softmax(q k^T) v */
void ph_attend(const ph_pass *p, const ph_team *team, uint32_t layer);

#endif /* PH_FORWARD_H */
