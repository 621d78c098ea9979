/* SPDX-License-Identifier: MIT
 * matmul.h - what the two matrix products share. Both take PH_PANEL_ROWS rows
 * of weights at a time and PH_SPAN elements of each, unpack them once and use
 * them for every row of activations. Private to lib/kernels. */
#ifndef PH_MATMUL_H
#define PH_MATMUL_H

#include "kernels/blocks.h"

enum { PH_PANEL_ROWS = 16, PH_SPAN = 256 };

/* Adds span k0 .. k0 + n - 1 of rows row .. row + n_rows - 1 to y; the first
 * span stores. */
void ph_matmul_quantized_span(const ph_matrix *weights, const ph_acts *acts,
                              uint32_t row, uint32_t n_rows, uint32_t k0,
                              uint32_t n, float *y, size_t y_stride);
void ph_matmul_float_span(const ph_matrix *weights, const ph_acts *acts,
                          uint32_t row, uint32_t n_rows, uint32_t k0,
                          uint32_t n, float *y, size_t y_stride);

#endif /* PH_MATMUL_H */
