/* SPDX-License-Identifier: MIT
 * Tiles for processors with SDOT. */
#include "kernels/matmul_neon.h"

#include <arm_neon.h>

#define TILES ph_tiles_neon_dotprod

enum { TOKENS = 4 };

INLINE int32x4_t dot(int32x4_t sum, const int8x16_t w[4], int8x16_t x)
{
    sum = vdotq_laneq_s32(sum, w[0], x, 0);
    sum = vdotq_laneq_s32(sum, w[1], x, 1);
    sum = vdotq_laneq_s32(sum, w[2], x, 2);
    return vdotq_laneq_s32(sum, w[3], x, 3);
}

#include "kernels/tile_neon.h"
