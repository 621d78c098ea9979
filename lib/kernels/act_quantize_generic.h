/* SPDX-License-Identifier: MIT
 * act_quantize_generic.h - activations from float to int8 with one scale per
 * 32 elements. Private to lib/kernels; see tier.h. */
#ifndef PH_ACT_QUANTIZE_GENERIC_H
#define PH_ACT_QUANTIZE_GENERIC_H

#include "kernels/arith.h"
#include "kernels/kernels.h"

static float quantize_block(const float *x, int8_t *codes)
{
    const float round = 0x1.8p23f; /* adding it rounds to an integer */
    uint32_t max = 0;
    float largest, inverse;

    for (int i = 0; i < PH_ACT_BLOCK; i++) {
        uint32_t magnitude = ph_float_bits(x[i]) & 0x7fffffffu;

        max = magnitude > max ? magnitude : max;
    }
    if (max < PH_TINY_BITS || max >= PH_INFINITE_BITS) {
        memset(codes, 0, PH_ACT_BLOCK);
        return max < PH_TINY_BITS ? 0.0f : NAN;
    }
    largest = ph_bits_float(max);
    inverse = 127.0f / largest;
    for (int i = 0; i < PH_ACT_BLOCK; i++)
        codes[i] = (int8_t)((x[i] * inverse + round) - round);
    return largest / 127.0f;
}

static void quantize_acts(const float *x, size_t n, ph_act_block *blocks)
{
    for (size_t b = 0; b < n; b++) {
        ph_act_block *out = &blocks[b];
        int low = 0, high = 0;

        out->scale = quantize_block(x + b * PH_ACT_BLOCK, out->codes);
        for (int i = 0; i < PH_ACT_BLOCK / 2; i++) {
            low += out->codes[i];
            high += out->codes[i + PH_ACT_BLOCK / 2];
        }
        out->sums[0] = (int16_t)low;
        out->sums[1] = (int16_t)high;
        out->wsum = out->scale * (float)(low + high);
    }
}

#endif /* PH_ACT_QUANTIZE_GENERIC_H */
