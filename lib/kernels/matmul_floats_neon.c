/* SPDX-License-Identifier: MIT
 * The matrix product over packed F32, F16 and BF16 weights: tiles of 16 rows
 * and 1 to 4 tokens over spans of PH_SPAN columns, whose sums are added up in
 * y. */
#include "kernels/matmul_neon.h"

#include <arm_neon.h>

enum { TOKENS = 4 };

/* Sixteen weights of a column. */
INLINE void column(const ph_dtype type, const uint8_t *src, float32x4_t w[4])
{
    UNROLL
    for (int q = 0; q < 4; q++) {
        const uint16x4_t half = vreinterpret_u16_u8(vld1_u8(src + 8 * q));

        if (type == PH_F32)
            w[q] = vreinterpretq_f32_u8(vld1q_u8(src + 16 * q));
        else if (type == PH_F16)
            w[q] = vcvt_f32_f16(vreinterpret_f16_u16(half));
        else
            w[q] = vreinterpretq_f32_u32(vshll_n_u16(half, 16));
    }
}

/* n columns of a panel times tokens x, x + stride, ...: the sums of the rows.
 */
INLINE void tile(const ph_dtype type, const int tokens, const uint8_t *panel,
                 uint32_t n, const float *x, size_t stride,
                 float sums[TOKENS][PH_PANEL_ROWS])
{
    const size_t column_bytes = PH_PANEL_ROWS * (type == PH_F32 ? 4 : 2);
    float32x4_t acc[TOKENS][4];

    UNROLL
    for (int i = 0; i < 4 * tokens; i++)
        acc[i / 4][i % 4] = vdupq_n_f32(0);
    for (uint32_t k = 0; k < n; k++) {
        float32x4_t w[4];

        column(type, panel + k * column_bytes, w);
        UNROLL
        for (int i = 0; i < 4 * tokens; i++)
            acc[i / 4][i % 4] = vfmaq_n_f32(acc[i / 4][i % 4], w[i % 4],
                                            x[(size_t)(i / 4) * stride + k]);
    }
    UNROLL
    for (int i = 0; i < 4 * tokens; i++)
        vst1q_f32(sums[i / 4] + 4 * (i % 4), acc[i / 4][i % 4]);
}

INLINE void any_tile(const ph_dtype type, uint32_t tokens, const uint8_t *panel,
                     uint32_t n, const float *x, size_t stride,
                     float sums[TOKENS][PH_PANEL_ROWS])
{
    if (tokens == 1)
        tile(type, 1, panel, n, x, stride, sums);
    else if (tokens == 2)
        tile(type, 2, panel, n, x, stride, sums);
    else if (tokens == 3)
        tile(type, 3, panel, n, x, stride, sums);
    else
        tile(type, 4, panel, n, x, stride, sums);
}

static void tile_of(ph_dtype type, uint32_t tokens, const uint8_t *panel,
                    uint32_t n, const float *x, size_t stride,
                    float sums[TOKENS][PH_PANEL_ROWS])
{
    if (type == PH_F32)
        any_tile(PH_F32, tokens, panel, n, x, stride, sums);
    else if (type == PH_F16)
        any_tile(PH_F16, tokens, panel, n, x, stride, sums);
    else
        any_tile(PH_BF16, tokens, panel, n, x, stride, sums);
}

/* Rows first .. first + n_rows - 1 of a panel. */
static void multiply_panel(const ph_matrix *weights, const uint8_t *panel,
                           const ph_acts *acts, uint32_t first, uint32_t n_rows,
                           float *y, size_t y_stride)
{
    const size_t column_bytes =
        PH_PANEL_ROWS * (weights->type == PH_F32 ? 4 : 2);
    const uint32_t cols = weights->cols;

    for (uint32_t k = 0; k < cols; k += PH_SPAN) {
        const uint32_t n = cols - k < PH_SPAN ? cols - k : PH_SPAN;

        for (uint32_t t = 0; t < acts->n; t += TOKENS) {
            const uint32_t tokens = acts->n - t < TOKENS ? acts->n - t : TOKENS;
            float sums[TOKENS][PH_PANEL_ROWS];

            tile_of(weights->type, tokens, panel + k * column_bytes, n,
                    acts->x + (size_t)t * cols + k, cols, sums);
            for (uint32_t i = 0; i < tokens; i++) {
                float *out = y + (t + i) * y_stride;

                for (uint32_t r = 0; r < n_rows; r++)
                    out[r] = (k ? out[r] : 0) + sums[i][first + r];
            }
        }
    }
}

void ph_matmul_floats_neon(const ph_matrix *weights, const ph_acts *acts,
                           uint32_t begin, uint32_t end, float *y,
                           size_t y_stride)
{
    uint32_t next;

    for (uint32_t row = begin; row < end; row = next) {
        const uint32_t p = row / PH_PANEL_ROWS;

        next = (p + 1) * PH_PANEL_ROWS;
        multiply_panel(weights, weights->data + p * weights->panel_bytes, acts,
                       row % PH_PANEL_ROWS, (next < end ? next : end) - row,
                       y + row, y_stride);
    }
}
