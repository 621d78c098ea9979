/* SPDX-License-Identifier: MIT
 * matmul_avx512.h - the matrix product for AVX-512 with VNNI. Private to
 * lib/kernels. */
#ifndef PH_MATMUL_AVX512_H
#define PH_MATMUL_AVX512_H

#include "kernels/kernels.h"

#include <immintrin.h>

/* False, and nothing done, for weights that are not packed. */
bool ph_matmul_avx512(const ph_matrix *weights, const ph_acts *acts,
                      uint32_t begin, uint32_t end, float *y, size_t y_stride);

/* The same for packed F32, F16 and BF16 weights. */
void ph_matmul_float_avx512(const ph_matrix *weights, const ph_acts *acts,
                            uint32_t begin, uint32_t end, float *y,
                            size_t y_stride);

/* Rows of a panel that are in begin .. end - 1. */
static inline __mmask16 ph_panel_mask_avx512(uint32_t panel, uint32_t begin,
                                             uint32_t end)
{
    const uint32_t row = panel * PH_PANEL_ROWS;
    const uint32_t rest = end > row ? end - row : 0;
    const uint32_t high = rest < PH_PANEL_ROWS ? rest : PH_PANEL_ROWS;
    const uint32_t low = begin > row ? begin - row : 0;

    return (__mmask16)(((1u << high) - 1) & ~((1u << low) - 1));
}

#endif /* PH_MATMUL_AVX512_H */
