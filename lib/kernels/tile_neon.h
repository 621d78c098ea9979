/* SPDX-License-Identifier: MIT
 * tile_neon.h - tiles of 16 rows of weights times 1 to 4 rows of activations,
 * four rows at a time, for instructions that multiply four columns of four rows
 * by four activations. The file that includes it defines first
 *
 *   int32x4_t dot(int32x4_t sum, const int8x16_t w[4], int8x16_t x)
 *           adds the products of 16 columns to the sums of four rows
 *   TOKENS  rows of activations in a tile that the registers suffice for
 *   TILES   the name of its ph_tiles_neon */
#ifndef PH_TILE_NEON_H
#define PH_TILE_NEON_H

/* One step of the chains of rows 4 q .. 4 q + 3 of a token. s has the sums of
 * both halves, of the first alone if halves have scales. */
INLINE float32x4_t step(const ph_sum_neon sum, const ph_span_neon *w,
                        uint32_t b, int q, const ph_act_block *x,
                        const int32x4_t s[2], float32x4_t acc)
{
    const float32x4_t scale = vld1q_f32(w->scale[b] + 4 * q);
    const float dx = x->scale;
    int32x4_t isum = s[0];

    if (sum >= PH_SUM_HALVES)
        isum = vmlaq_s32(vmulq_s32(s[0], vld1q_s32(w->factor[b][0] + 4 * q)),
                         s[1], vld1q_s32(w->factor[b][1] + 4 * q));
    acc = vfmaq_f32(acc, vmulq_n_f32(scale, dx), vcvtq_f32_s32(isum));
    if (sum == PH_SUM_MIN)
        acc =
            vfmsq_f32(acc, vld1q_f32(w->min[b] + 4 * q), vdupq_n_f32(x->wsum));
    if (sum == PH_SUM_HALVES_MIN) {
        const float32x4_t min = vld1q_f32(w->min[b] + 4 * q);
        const int32x4_t a = vld1q_s32(w->min_factor[b][0] + 4 * q);
        const int32x4_t c = vld1q_s32(w->min_factor[b][1] + 4 * q);
        const int32x4_t msum =
            vmlaq_n_s32(vmulq_n_s32(a, x->sums[0]), c, x->sums[1]);

        acc = vfmsq_f32(acc, vmulq_n_f32(min, dx), vcvtq_f32_s32(msum));
    }
    return acc;
}

INLINE void tile(const ph_sum_neon sum, const int tokens, const ph_span_neon *w,
                 uint32_t n_blocks, const ph_tile_acts *x,
                 float acc[][PH_PANEL_ROWS])
{
    for (int q = 0; q < PH_QUARTER; q++) {
        float32x4_t a[TOKENS];

        UNROLL
        for (int t = 0; t < tokens; t++)
            a[t] = vld1q_f32(acc[t] + 4 * q);
        for (uint32_t b = 0; b < n_blocks; b++) {
            int8x16_t codes[8];

            UNROLL
            for (int g = 0; g < 8; g++)
                codes[g] = vld1q_s8(w->codes[b][q][g]);
            UNROLL
            for (int t = 0; t < tokens; t++) {
                const ph_act_block *block =
                    &x->blocks[(size_t)t * x->stride + b];
                int32x4_t s[2];

                s[0] = dot(vdupq_n_s32(0), codes, vld1q_s8(block->codes));
                s[1] = dot(sum >= PH_SUM_HALVES ? vdupq_n_s32(0) : s[0],
                           codes + 4, vld1q_s8(block->codes + 16));
                if (sum < PH_SUM_HALVES)
                    s[0] = s[1];
                a[t] = step(sum, w, b, q, block, s, a[t]);
            }
        }
        UNROLL
        for (int t = 0; t < tokens; t++)
            vst1q_f32(acc[t] + 4 * q, a[t]);
    }
}

#define TILE(name, sum)                                                        \
    static uint32_t name(const ph_span_neon *w, uint32_t n_blocks,             \
                         const ph_tile_acts *x, uint32_t n_tokens,             \
                         float acc[][PH_PANEL_ROWS])                           \
    {                                                                          \
        const uint32_t n = n_tokens < TOKENS ? n_tokens : TOKENS;              \
                                                                               \
        if (n == 1)                                                            \
            tile(sum, 1, w, n_blocks, x, acc);                                 \
        else if (n == 2)                                                       \
            tile(sum, 2, w, n_blocks, x, acc);                                 \
        else if (n == 3)                                                       \
            tile(sum, 3, w, n_blocks, x, acc);                                 \
        else                                                                   \
            tile(sum, 4, w, n_blocks, x, acc);                                 \
        return n;                                                              \
    }

TILE(tile_plain, PH_SUM_PLAIN)
TILE(tile_min, PH_SUM_MIN)
TILE(tile_halves, PH_SUM_HALVES)
TILE(tile_halves_min, PH_SUM_HALVES_MIN)

const ph_tiles_neon TILES = {
    false, {tile_plain, tile_min, tile_halves, tile_halves_min}};

#endif /* PH_TILE_NEON_H */
