/* SPDX-License-Identifier: MIT
 * The kernels for AVX-512 with VNNI. */
#include "kernels/act_quantize_avx512.h"
#include "kernels/cache_generic.h"
#include "kernels/elementwise_generic.h"
#include "kernels/matmul_avx512.h"
#include "kernels/matmul_generic.h"
#include "kernels/tier.h"

static void matmul(const ph_matrix *weights, const ph_acts *acts,
                   uint32_t begin, uint32_t end, float *y, size_t y_stride)
{
    if (!ph_matmul_avx512(weights, acts, begin, end, y, y_stride))
        matmul_generic(weights, acts, begin, end, y, y_stride);
}

const ph_kernels ph_kernels_avx512 = {
    .name = "avx512",
    .quantize_acts = ph_quantize_acts_avx512,
    .matmul = matmul,
    .rms_norm = rms_norm,
    .add_to = add_to,
    .swiglu = swiglu,
    .rope = rope,
    .hadamard = hadamard,
    .cache_put = cache_put,
    .attend = ph_attend_avx512,
};
