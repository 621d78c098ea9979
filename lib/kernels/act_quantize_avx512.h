/* SPDX-License-Identifier: MIT
 * act_quantize_avx512.h - ph_kernels.quantize_acts for AVX-512 with VNNI.
 * Private to lib/kernels. */
#ifndef PH_ACT_QUANTIZE_AVX512_H
#define PH_ACT_QUANTIZE_AVX512_H

#include "kernels/kernels.h"

void ph_quantize_acts_avx512(const float *x, size_t n, ph_act_block *blocks);

#endif /* PH_ACT_QUANTIZE_AVX512_H */
