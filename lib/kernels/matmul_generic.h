/* SPDX-License-Identifier: MIT
 * matmul_generic.h - the matrix product by panels of PH_PANEL_ROWS rows and
 * spans of PH_SPAN elements: a span of a panel is unpacked once and used for
 * every row of activations; y holds the running sums. For every type, packed
 * or not. Private to lib/kernels; see tier.h. */
#ifndef PH_MATMUL_GENERIC_H
#define PH_MATMUL_GENERIC_H

#include "kernels/matmul_float_generic.h"
#include "kernels/matmul_quantized_generic.h"

static void matmul_generic(const ph_matrix *weights, const ph_acts *acts,
                           uint32_t begin, uint32_t end, float *y,
                           size_t y_stride)
{
    bool quantized = ph_dtype_is_quantized(weights->type);

    for (uint32_t row = begin; row < end; row += PH_PANEL_ROWS) {
        uint32_t n_rows = end - row < PH_PANEL_ROWS ? end - row : PH_PANEL_ROWS;

        for (uint32_t k = 0; k < weights->cols; k += PH_SPAN) {
            uint32_t rest = weights->cols - k;
            uint32_t n = rest < PH_SPAN ? rest : PH_SPAN;

            if (quantized)
                matmul_quantized_span(weights, acts, row, n_rows, k, n, y + row,
                                      y_stride);
            else
                matmul_float_span(weights, acts, row, n_rows, k, n, y + row,
                                  y_stride);
        }
    }
}

#endif /* PH_MATMUL_GENERIC_H */
