/* SPDX-License-Identifier: MIT
 * Tiles for the base instruction set: 16-bit sums of two groups of columns, at
 * most 2 * 128 * 127 = 32 512 in magnitude, then widened. */
#include "kernels/matmul_neon.h"

#include <arm_neon.h>

#define TILES ph_tiles_neon_base

enum { TOKENS = 2 };

#define FOUR(x, lane) vreinterpretq_s8_s32(vdupq_laneq_s32(x, lane))

/* Adds products of two groups, rows 0 and 1 to low, 2 and 3 to high, each as
 * two sums of half the columns. */
INLINE void add_two(int32x4_t *low, int32x4_t *high, const int8x16_t w[2],
                    int8x16_t x0, int8x16_t x1)
{
    const int16x8_t a = vmull_s8(vget_low_s8(w[0]), vget_low_s8(x0));
    const int16x8_t c = vmull_high_s8(w[0], x0);

    *low = vpadalq_s16(*low, vmlal_s8(a, vget_low_s8(w[1]), vget_low_s8(x1)));
    *high = vpadalq_s16(*high, vmlal_high_s8(c, w[1], x1));
}

INLINE int32x4_t dot(int32x4_t sum, const int8x16_t w[4], int8x16_t x)
{
    const int32x4_t columns = vreinterpretq_s32_s8(x);
    int32x4_t low = vdupq_n_s32(0), high = low;

    add_two(&low, &high, w, FOUR(columns, 0), FOUR(columns, 1));
    add_two(&low, &high, w + 2, FOUR(columns, 2), FOUR(columns, 3));
    return vaddq_s32(sum, vpaddq_s32(low, high));
}

#include "kernels/tile_neon.h"
