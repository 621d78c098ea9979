/* SPDX-License-Identifier: MIT
 * The matrix product's loops over rows and spans. y holds the running sums, so
 * that any number of activation rows shares one unpacking of the weights. */
#include "kernels/matmul.h"

void ph_matmul(const ph_matrix *weights, const ph_acts *acts, uint32_t begin,
               uint32_t end, float *y, size_t y_stride)
{
    bool quantized = ph_dtype_is_quantized(weights->type);

    for (uint32_t row = begin; row < end; row += PH_PANEL_ROWS) {
        uint32_t n_rows = end - row < PH_PANEL_ROWS ? end - row : PH_PANEL_ROWS;

        for (uint32_t k = 0; k < weights->cols; k += PH_SPAN) {
            uint32_t rest = weights->cols - k;
            uint32_t n = rest < PH_SPAN ? rest : PH_SPAN;

            if (quantized)
                ph_matmul_quantized_span(weights, acts, row, n_rows, k, n,
                                         y + row, y_stride);
            else
                ph_matmul_float_span(weights, acts, row, n_rows, k, n, y + row,
                                     y_stride);
        }
    }
}
