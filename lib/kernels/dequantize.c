/* SPDX-License-Identifier: MIT
 * Weights of any type to float, by the formulas and in the order of operations
 * of ggml's dequantize_row functions (ggml-quants.c). */
#include "kernels/arith.h"
#include "kernels/blocks.h"

void ph_block_floats(const ph_block_type *how, const ph_block *block,
                     float *dst)
{
    for (int h = 0; h < 2; h++) {
        float scale = block->d * (float)block->scale[h];
        float min = how->has_min ? block->dmin * (float)block->min[h] : 0;

        for (int i = 16 * h; i < 16 * h + 16; i++)
            dst[i] = scale * (float)block->codes[i] - min;
    }
}

static void dequantize_blocks(const ph_block_type *how, const uint8_t *src,
                              float *dst, size_t n)
{
    ph_block block;

    for (size_t i = 0; i < n; i += PH_QK) {
        const uint8_t *from = src + i / how->elems * how->bytes;

        how->read(from, (uint32_t)(i % how->elems / PH_QK), &block);
        ph_block_floats(how, &block, dst + i);
    }
}

void ph_dequantize(ph_dtype type, const void *src, float *dst, size_t n)
{
    const ph_block_type *how = ph_block_type_of(type);
    const uint8_t *bytes = src;

    if (how) {
        dequantize_blocks(how, bytes, dst, n);
    } else if (type == PH_F32) {
        for (size_t i = 0; i < n; i++)
            dst[i] = ph_bits_float(ph_load32(bytes + 4 * i));
    } else if (type == PH_F16) {
        for (size_t i = 0; i < n; i++)
            dst[i] = ph_load_half(bytes + 2 * i);
    } else if (type == PH_BF16) {
        for (size_t i = 0; i < n; i++)
            dst[i] = ph_bits_float((uint32_t)ph_load16(bytes + 2 * i) << 16);
    }
}
