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
    uint32_t n;           /* rows */
    uint32_t n_logits;    /* rows that want logits: those in scratch->list */
    uint32_t lora_inputs; /* of all parts' adapters: bits 1 << PH_LORA_* */
    ph_importance *importance; /* NULL: not wanted */
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

/* ---- lora.c ------------------------------------------------------------ */

/* Whether some part has adapters that read this input. */
static inline bool ph_lora_reads(const ph_pass *p, ph_lora_input input)
{
    return p->lora_inputs >> input & 1;
}

/* Of each part that has adapters: scale * A x for the pairs that read this
 * input, for all tokens. Returns whether there was anything; the threads must
 * meet before it is used. */
bool ph_lora_shrink(const ph_pass *p, const ph_team *team,
                    const ph_layer *layer, ph_lora_input input,
                    const ph_acts *x);

/* Rows of an output, and tokens of the pass. */
typedef struct ph_lora_block {
    ph_lora_input input;
    uint32_t output;
    uint32_t first_row, rows; /* first_row: a multiple of PH_PANEL_ROWS */
    uint32_t first, n;        /* tokens */
} ph_lora_block;

/* y += B times that; y is the block's, y_stride floats from token to token. */
void ph_lora_expand(const ph_pass *p, const ph_layer *layer,
                    const ph_lora_block *block, float *y, size_t y_stride);

/* wide += all of that, of the outputs as they lie there; the threads meet if
 * there is anything. */
void ph_lora_add(const ph_pass *p, const ph_team *team, const ph_layer *layer,
                 ph_lora_input input);

/* ---- importance.c ------------------------------------------------------ */

/* Where it is wanted, the squares of an input of the layer's matrices are added
 * up, of all tokens. */
void ph_importance_add(const ph_pass *p, const ph_team *team, uint32_t layer,
                       ph_lora_input input, const ph_acts *x);

#endif /* PH_FORWARD_H */
