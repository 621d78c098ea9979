/* SPDX-License-Identifier: MIT
 * matmul_quantized_generic.h - quantised weights times int8 activations: exact
 * integer sums of 32 products, and per output one chain of fused multiply-adds
 * over these sums. The rule and its bounds are in doc/numerics.md. Private to
 * lib/kernels; see tier.h. */
#ifndef PH_MATMUL_QUANTIZED_GENERIC_H
#define PH_MATMUL_QUANTIZED_GENERIC_H

#include "kernels/arith.h"
#include "kernels/packing.h"

/* A span of a panel's weights. Codes of types with two scales in 32 elements
 * are already multiplied by them: 12 bits and sign at most. */
typedef struct panel {
    int16_t codes[PH_PANEL_ROWS][PH_SPAN];
    float scale[PH_SPAN_BLOCKS][PH_PANEL_ROWS];
    float dmin[PH_SPAN_BLOCKS][PH_PANEL_ROWS];
    int32_t min[PH_SPAN_BLOCKS][2][PH_PANEL_ROWS]; /* if there are two */
} panel;

static void unpack_block(const ph_block_type *how, const ph_block *block,
                         panel *p, uint32_t row, uint32_t b)
{
    int16_t *codes = p->codes[row] + b * PH_QK;

    if (how->halves) {
        for (int i = 0; i < 16; i++) {
            codes[i] = (int16_t)(block->codes[i] * block->scale[0]);
            codes[i + 16] = (int16_t)(block->codes[i + 16] * block->scale[1]);
        }
        p->scale[b][row] = block->d;
    } else {
        for (int i = 0; i < PH_QK; i++)
            codes[i] = block->codes[i];
        p->scale[b][row] = block->d * (float)block->scale[0];
    }
    if (!how->has_min)
        return;
    if (how->halves) {
        p->dmin[b][row] = block->dmin;
        p->min[b][0][row] = block->min[0];
        p->min[b][1][row] = block->min[1];
    } else {
        p->dmin[b][row] = block->dmin * (float)block->min[0];
    }
}

static void unpack_panel(const ph_matrix *weights, const ph_block_type *how,
                         uint32_t row, uint32_t n_rows, uint32_t k0, uint32_t n,
                         panel *p)
{
    ph_block block;

    for (uint32_t r = 0; r < n_rows; r++) {
        for (uint32_t b = 0; b < n / PH_QK; b++) {
            ph_matrix_block(weights, row + r, k0 / PH_QK + b, &block);
            unpack_block(how, &block, p, r, b);
        }
    }
}

/* One step of the chains of all rows of a panel. */
static void step(const panel *p, uint32_t n_rows, uint32_t b,
                 const int16_t x[PH_QK], float dx, float acc[PH_PANEL_ROWS])
{
    int32_t sums[PH_PANEL_ROWS] = {0};

    for (uint32_t r = 0; r < n_rows; r++) {
        const int16_t *codes = p->codes[r] + b * PH_QK;
        int32_t sum = 0;

        for (int i = 0; i < PH_QK; i++)
            sum += codes[i] * x[i];
        sums[r] = sum;
    }
    for (int r = 0; r < PH_PANEL_ROWS; r++)
        acc[r] = ph_fmaf(p->scale[b][r] * dx, (float)sums[r], acc[r]);
}

/* The same for the minimums: one of a block, */
static void step_min(const panel *p, uint32_t b, float wsum,
                     float acc[PH_PANEL_ROWS])
{
    for (int r = 0; r < PH_PANEL_ROWS; r++)
        acc[r] = ph_fmaf(-p->dmin[b][r], wsum, acc[r]);
}

/* or one of each half. */
static void step_mins(const panel *p, uint32_t b, const int16_t sums[2],
                      float dx, float acc[PH_PANEL_ROWS])
{
    for (int r = 0; r < PH_PANEL_ROWS; r++) {
        int32_t sum = p->min[b][0][r] * sums[0] + p->min[b][1][r] * sums[1];

        acc[r] = ph_fmaf(-(p->dmin[b][r] * dx), (float)sum, acc[r]);
    }
}

static void matmul_quantized_span(const ph_matrix *weights, const ph_acts *acts,
                                  uint32_t row, uint32_t n_rows, uint32_t k0,
                                  uint32_t n, float *y, size_t y_stride)
{
    const ph_block_type *how = ph_block_type_of(weights->type);
    size_t row_blocks = weights->cols / PH_ACT_BLOCK;
    panel p;

    memset(p.scale, 0, sizeof p.scale);
    memset(p.dmin, 0, sizeof p.dmin);
    memset(p.min, 0, sizeof p.min);
    unpack_panel(weights, how, row, n_rows, k0, n, &p);
    for (size_t t = 0; t < acts->n; t++) {
        const ph_act_block *block =
            acts->blocks + t * row_blocks + k0 / PH_ACT_BLOCK;
        float *out = y + t * y_stride;
        float acc[PH_PANEL_ROWS] = {0};

        if (k0)
            memcpy(acc, out, n_rows * sizeof *acc);
        for (uint32_t b = 0; b < n / PH_QK; b++, block++) {
            int16_t x[PH_QK];

            for (int i = 0; i < PH_QK; i++)
                x[i] = block->codes[i];
            step(&p, n_rows, b, x, block->scale, acc);
            if (how->has_min && how->halves)
                step_mins(&p, b, block->sums, block->scale, acc);
            else if (how->has_min)
                step_min(&p, b, block->wsum, acc);
        }
        memcpy(out, acc, n_rows * sizeof *acc);
    }
}

#endif /* PH_MATMUL_QUANTIZED_GENERIC_H */
