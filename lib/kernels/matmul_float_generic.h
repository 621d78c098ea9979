/* SPDX-License-Identifier: MIT
 * matmul_float_generic.h - F32, F16 and BF16 weights times float activations:
 * per output and span one chain of fused multiply-adds, and the spans' sums
 * added in order. Private to lib/kernels; see tier.h. */
#ifndef PH_MATMUL_FLOAT_GENERIC_H
#define PH_MATMUL_FLOAT_GENERIC_H

#include "kernels/arith.h"
#include "kernels/packing.h"

/* Column-major, so that the chains of a panel's rows run side by side. */
static void unpack_floats(const ph_matrix *weights, uint32_t row,
                          uint32_t n_rows, uint32_t k0, uint32_t n,
                          float panel[PH_SPAN][PH_PANEL_ROWS])
{
    float line[PH_SPAN];

    for (uint32_t r = 0; r < PH_PANEL_ROWS; r++) {
        if (r < n_rows)
            ph_matrix_floats(weights, row + r, k0, n, line);
        else
            memset(line, 0, sizeof line);
        for (uint32_t k = 0; k < n; k++)
            panel[k][r] = line[k];
    }
}

static void matmul_float_span(const ph_matrix *weights, const ph_acts *acts,
                              uint32_t row, uint32_t n_rows, uint32_t k0,
                              uint32_t n, float *y, size_t y_stride)
{
    float panel[PH_SPAN][PH_PANEL_ROWS];

    unpack_floats(weights, row, n_rows, k0, n, panel);
    for (size_t t = 0; t < acts->n; t++) {
        const float *x = acts->x + t * weights->cols + k0;
        float *out = y + t * y_stride;
        float sums[PH_PANEL_ROWS] = {0};

        for (uint32_t k = 0; k < n; k++)
            for (int r = 0; r < PH_PANEL_ROWS; r++)
                sums[r] = ph_fmaf(panel[k][r], x[k], sums[r]);
        for (uint32_t r = 0; r < n_rows; r++)
            out[r] = (k0 ? out[r] : 0) + sums[r];
    }
}

#endif /* PH_MATMUL_FLOAT_GENERIC_H */
