/* SPDX-License-Identifier: MIT
 * The kernels for AVX2. */
#include "kernels/act_quantize_generic.h"
#include "kernels/cache_generic.h"
#include "kernels/elementwise_generic.h"
#include "kernels/matmul_avx2.h"
#include "kernels/tier.h"

const ph_kernels ph_kernels_avx2 = {
    .name = "avx2",
    .quantize_acts = quantize_acts,
    .matmul = ph_matmul_avx2,
    .rms_norm = rms_norm,
    .add_to = add_to,
    .swiglu = swiglu,
    .rope = rope,
    .hadamard = hadamard,
    .cache_put = cache_put,
    .attend = ph_attend_avx2,
};
