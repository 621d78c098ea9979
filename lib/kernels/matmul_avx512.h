/* SPDX-License-Identifier: MIT
 * matmul_avx512.h - the matrix product for AVX-512 with VNNI. Private to
 * lib/kernels. */
#ifndef PH_MATMUL_AVX512_H
#define PH_MATMUL_AVX512_H

#include "kernels/kernels.h"

/* False, and nothing done, for weights that are not packed. */
bool ph_matmul_avx512(const ph_matrix *weights, const ph_acts *acts,
                      uint32_t begin, uint32_t end, float *y, size_t y_stride);

#endif /* PH_MATMUL_AVX512_H */
