/* SPDX-License-Identifier: MIT
 * Tiles for processors with SMMLA, which multiplies eight columns of two rows
 * by those of two tokens. A register holds the outputs (row, token), (row,
 * token + 1), (row + 1, token), (row + 1, token + 1). An odd last token is
 * taken twice. */
#include "kernels/matmul_neon.h"

#include <arm_neon.h>

enum { PAIRS = PH_TILE_TOKENS / 2 };

/* The activations of a span, by pairs of tokens and in the order of outputs. */
typedef struct pairs_of {
    int8x16_t codes[PH_SPAN_BLOCKS][4][PAIRS]; /* columns 8 j .. 8 j + 7 */
    float32x4_t scale[PH_SPAN_BLOCKS][PAIRS];
    float32x4_t wsum[PH_SPAN_BLOCKS][PAIRS];
    int32x4_t sum[PH_SPAN_BLOCKS][2][PAIRS];
} pairs_of;

INLINE float32x4_t two_floats(float a, float b)
{
    const float32x2_t ab = vset_lane_f32(b, vdup_n_f32(a), 1);

    return vcombine_f32(ab, ab);
}

INLINE int32x4_t two_integers(int32_t a, int32_t b)
{
    const int32x2_t ab = vset_lane_s32(b, vdup_n_s32(a), 1);

    return vcombine_s32(ab, ab);
}

/* Tokens t and u as pair p. */
INLINE void make_pair(const ph_sum_neon sum, const ph_tile_acts *x,
                      uint32_t n_blocks, size_t t, size_t u, int p,
                      pairs_of *out)
{
    const ph_act_block *first = x->blocks + t * x->stride;
    const ph_act_block *second = x->blocks + u * x->stride;

    for (uint32_t b = 0; b < n_blocks; b++, first++, second++) {
        UNROLL
        for (size_t j = 0; j < 4; j++)
            out->codes[b][j][p] = vcombine_s8(vld1_s8(first->codes + 8 * j),
                                              vld1_s8(second->codes + 8 * j));
        out->scale[b][p] = two_floats(first->scale, second->scale);
        if (sum == PH_SUM_MIN)
            out->wsum[b][p] = two_floats(first->wsum, second->wsum);
        for (int h = 0; h < 2 && sum == PH_SUM_HALVES_MIN; h++)
            out->sum[b][h][p] = two_integers(first->sums[h], second->sums[h]);
    }
}

/* Rows 2 h, 2 h + 1 of four, each twice. */
INLINE float32x4_t rows_twice(const float *v, int h)
{
    const float32x4_t rows = vld1q_f32(v);

    return h ? vzip2q_f32(rows, rows) : vzip1q_f32(rows, rows);
}

INLINE int32x4_t factors_twice(const int32_t *v, int h)
{
    const int32x4_t rows = vld1q_s32(v);

    return h ? vzip2q_s32(rows, rows) : vzip1q_s32(rows, rows);
}

/* s[h][p] += columns 8 first .. 8 (first + n) - 1 of rows 2 h, 2 h + 1 times
 * pair p. */
INLINE void multiply(const int n_pairs, const ph_span_neon *w,
                     const pairs_of *x, uint32_t b, int q, int first, int n,
                     int32x4_t s[2][PAIRS])
{
    UNROLL
    for (int j = first; j < first + n; j++) {
        const int8x16_t w0 = vld1q_s8(w->codes[b][q][2 * j]);
        const int8x16_t w1 = vld1q_s8(w->codes[b][q][2 * j + 1]);

        UNROLL
        for (int p = 0; p < n_pairs; p++) {
            s[0][p] = vmmlaq_s32(s[0][p], w0, x->codes[b][j][p]);
            s[1][p] = vmmlaq_s32(s[1][p], w1, x->codes[b][j][p]);
        }
    }
}

/* The integer sums of a block, with the scales of halves. */
INLINE void sum_block(const ph_sum_neon sum, const int n_pairs,
                      const ph_span_neon *w, const pairs_of *x, uint32_t b,
                      int q, int32x4_t s[2][PAIRS])
{
    const int halves = sum >= PH_SUM_HALVES ? 2 : 1;

    UNROLL
    for (int half = 0; half < halves; half++) {
        int32x4_t part[2][PAIRS];

        UNROLL
        for (int i = 0; i < 2 * n_pairs; i++)
            part[i % 2][i / 2] = vdupq_n_s32(0);
        multiply(n_pairs, w, x, b, q, half * 2, 4 / halves, part);
        UNROLL
        for (int i = 0; i < 2 * n_pairs; i++) {
            const int h = i % 2, p = i / 2;

            if (halves == 1)
                s[h][p] = part[h][p];
            else if (half == 0)
                s[h][p] = vmulq_s32(part[h][p],
                                    factors_twice(w->factor[b][0] + 4 * q, h));
            else
                s[h][p] = vmlaq_s32(s[h][p], part[h][p],
                                    factors_twice(w->factor[b][1] + 4 * q, h));
        }
    }
}

/* One step of the chains of rows 2 h, 2 h + 1 of a quarter and of pair p. */
INLINE float32x4_t step(const ph_sum_neon sum, const ph_span_neon *w,
                        const pairs_of *x, uint32_t b, int q, int h, int p,
                        int32x4_t isum, float32x4_t acc)
{
    const float32x4_t scale = rows_twice(w->scale[b] + 4 * q, h);
    const float32x4_t dx = x->scale[b][p];

    acc = vfmaq_f32(acc, vmulq_f32(scale, dx), vcvtq_f32_s32(isum));
    if (sum == PH_SUM_MIN)
        acc = vfmsq_f32(acc, rows_twice(w->min[b] + 4 * q, h), x->wsum[b][p]);
    if (sum == PH_SUM_HALVES_MIN) {
        const float32x4_t min = rows_twice(w->min[b] + 4 * q, h);
        const int32x4_t first = vmulq_s32(
            factors_twice(w->min_factor[b][0] + 4 * q, h), x->sum[b][0][p]);
        const int32x4_t both =
            vmlaq_s32(first, factors_twice(w->min_factor[b][1] + 4 * q, h),
                      x->sum[b][1][p]);

        acc = vfmsq_f32(acc, vmulq_f32(min, dx), vcvtq_f32_s32(both));
    }
    return acc;
}

INLINE void tile(const ph_sum_neon sum, const int n_pairs,
                 const ph_span_neon *w, uint32_t n_blocks, const pairs_of *x,
                 float acc[][PH_PANEL_ROWS])
{
    for (int q = 0; q < PH_QUARTER; q++) {
        float32x4_t a[2][PAIRS];

        UNROLL
        for (int p = 0; p < n_pairs; p++) {
            const float32x4_t t = vld1q_f32(acc[2 * p] + 4 * q);
            const float32x4_t u = vld1q_f32(acc[2 * p + 1] + 4 * q);

            a[0][p] = vzip1q_f32(t, u);
            a[1][p] = vzip2q_f32(t, u);
        }
        for (uint32_t b = 0; b < n_blocks; b++) {
            int32x4_t s[2][PAIRS];

            sum_block(sum, n_pairs, w, x, b, q, s);
            UNROLL
            for (int i = 0; i < 2 * n_pairs; i++)
                a[i % 2][i / 2] = step(sum, w, x, b, q, i % 2, i / 2,
                                       s[i % 2][i / 2], a[i % 2][i / 2]);
        }
        UNROLL
        for (int p = 0; p < n_pairs; p++) {
            vst1q_f32(acc[2 * p] + 4 * q, vuzp1q_f32(a[0][p], a[1][p]));
            vst1q_f32(acc[2 * p + 1] + 4 * q, vuzp2q_f32(a[0][p], a[1][p]));
        }
    }
}

INLINE uint32_t tokens(const ph_sum_neon sum, const ph_span_neon *w,
                       uint32_t n_blocks, const ph_tile_acts *x, uint32_t n,
                       float acc[][PH_PANEL_ROWS])
{
    pairs_of pairs;

    for (uint32_t t = 0; t < n; t += 2)
        make_pair(sum, x, n_blocks, t, t + 1 < n ? t + 1 : t, (int)t / 2,
                  &pairs);
    switch ((n + 1) / 2) {
    case 1:
        tile(sum, 1, w, n_blocks, &pairs, acc);
        break;
    case 2:
        tile(sum, 2, w, n_blocks, &pairs, acc);
        break;
    case 3:
        tile(sum, 3, w, n_blocks, &pairs, acc);
        break;
    default:
        tile(sum, 4, w, n_blocks, &pairs, acc);
    }
    return n;
}

#define TILE(name, sum)                                                        \
    static uint32_t name(const ph_span_neon *w, uint32_t n_blocks,             \
                         const ph_tile_acts *x, uint32_t n,                    \
                         float acc[][PH_PANEL_ROWS])                           \
    {                                                                          \
        return tokens(sum, w, n_blocks, x, n, acc);                            \
    }

TILE(tile_plain, PH_SUM_PLAIN)
TILE(tile_min, PH_SUM_MIN)
TILE(tile_halves, PH_SUM_HALVES)
TILE(tile_halves_min, PH_SUM_HALVES_MIN)

const ph_tiles_neon ph_tiles_neon_i8mm = {
    true, {tile_plain, tile_min, tile_halves, tile_halves_min}};
