/* SPDX-License-Identifier: MIT
 * The kernels for AArch64: one table for the base instruction set, and one for
 * each extension, which differ in the products of packed quantised weights. */
#include "kernels/act_quantize_generic.h"
#include "kernels/cache_generic.h"
#include "kernels/elementwise_generic.h"
#include "kernels/matmul_generic.h"
#include "kernels/matmul_neon.h"
#include "kernels/tier.h"

static void matmul(const ph_tiles_neon *tiles, const ph_matrix *weights,
                   const ph_acts *acts, uint32_t begin, uint32_t end, float *y,
                   size_t y_stride)
{
    if (!weights->panel_bytes)
        matmul_generic(weights, acts, begin, end, y, y_stride);
    else if (ph_dtype_is_quantized(weights->type))
        ph_matmul_neon(tiles, weights, acts, begin, end, y, y_stride);
    else
        ph_matmul_floats_neon(weights, acts, begin, end, y, y_stride);
}

#define KERNELS(extension)                                                     \
    static void matmul_##extension(const ph_matrix *weights,                   \
                                   const ph_acts *acts, uint32_t begin,        \
                                   uint32_t end, float *y, size_t y_stride)    \
    {                                                                          \
        matmul(&ph_tiles_neon_##extension, weights, acts, begin, end, y,       \
               y_stride);                                                      \
    }                                                                          \
    const ph_kernels ph_kernels_neon_##extension = {                           \
        .name = "neon",                                                        \
        .quantize_acts = quantize_acts,                                        \
        .matmul = matmul_##extension,                                          \
        .rms_norm = rms_norm,                                                  \
        .add_to = add_to,                                                      \
        .swiglu = swiglu,                                                      \
        .rope = rope,                                                          \
        .hadamard = hadamard,                                                  \
        .cache_put = cache_put,                                                \
        .attend = ph_attend_neon,                                              \
    };

KERNELS(base)
KERNELS(dotprod)
KERNELS(i8mm)
