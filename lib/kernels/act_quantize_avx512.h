/* SPDX-License-Identifier: MIT
 * act_quantize_avx512.h - ph_kernels.quantize_acts for AVX-512 with VNNI.
 * Private to lib/kernels. */
#ifndef PH_ACT_QUANTIZE_AVX512_H
#define PH_ACT_QUANTIZE_AVX512_H

#include "kernels/kernels.h"

void ph_quantize_acts_avx512(const ph_acts *acts, uint32_t begin, uint32_t end);

#endif /* PH_ACT_QUANTIZE_AVX512_H */
