/* SPDX-License-Identifier: MIT
 * scratch.h - inside engine: the activations of one forward pass. */
#ifndef PH_SCRATCH_H
#define PH_SCRATCH_H

#include "engine/engine.h"

/* Rows of gate and of up that a thread computes at least at a time, and what
 * keeps the rows of its part of wide from being whole pages apart: floats. */
enum {
    PH_ROWS = 32,
    PH_ROW_GAP = 16,
    PH_LEAST_SLAB = 2 * PH_ROWS + PH_ROW_GAP
};

/* A token of the batch. */
typedef struct ph_row {
    ph_part *part;
    phial_token token;
    uint32_t position;
    float *logits; /* NULL: not wanted */
    float *state;  /* the same */
} ph_row;

/* Rows are tokens of the batch. Buffers whose contents never live at the same
 * time share memory: wide and mid. */
typedef struct ph_scratch {
    uint8_t *block; /* all of it */
    float *x;       /* [n_embd] the residual stream */
    float *normed;  /* [n_embd] what goes into a block */
    float *wide;    /* [q | k | v], or what comes out of a block; or divided */
                    /* among the threads, a part of [gate | up] at a time */
    size_t wide_stride; /* floats from row to row */
    size_t wide_floats; /* in all; PH_LEAST_SLAB for each thread at least */
    float *mid;         /* [n_heads * head_dim] heads' results, or [n_ff] */
    float *cos;         /* [n_rot / 2] */
    float *sin;
    ph_act_block *normed_blocks; /* normed in int8 */
    ph_act_block *mid_blocks;    /* mid in int8 */
    ph_row *rows;
    uint32_t *list;  /* rows that want logits */
    ph_part **parts; /* those of the pass: at most one a row */
} ph_scratch;

/* Bytes for n_batch tokens; false on overflow. */
bool ph_scratch_bytes(const ph_hparams *hp, uint32_t n_batch, uint64_t *bytes);

phial_status ph_scratch_init(ph_scratch *scratch, const ph_heap *heap,
                             const ph_hparams *hp, uint32_t n_batch);

#endif /* PH_SCRATCH_H */
