/* SPDX-License-Identifier: MIT
 * act_quantize_generic.h - activations from float to int8 with one scale per
 * 32 elements. Private to lib/kernels; see tier.h. */
#ifndef PH_ACT_QUANTIZE_GENERIC_H
#define PH_ACT_QUANTIZE_GENERIC_H

#include "kernels/int8_generic.h"
#include "kernels/kernels.h"

static void quantize_acts(const float *x, size_t n, ph_act_block *blocks)
{
    for (size_t b = 0; b < n; b++) {
        ph_act_block *out = &blocks[b];
        int low = 0, high = 0;

        out->scale = ph_to_int8(x + b * PH_ACT_BLOCK, PH_ACT_BLOCK, out->codes);
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
