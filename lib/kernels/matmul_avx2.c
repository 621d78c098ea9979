/* SPDX-License-Identifier: MIT
 * The matrix product over packed weights: groups of activation rows that stay
 * in the second-level cache, panels, spans of columns, tiles. y holds the
 * running sums. What is not packed is left to the generic code. */
#include "kernels/matmul_avx2.h"
#include "kernels/matmul_generic.h"

enum { GROUP_BYTES = 1 << 18 }; /* of activations */

/* The rows of a panel that are asked for, as rows of the panel. */
typedef struct slice {
    uint32_t first;
    uint32_t n;
} slice;

static void load_tile(const float *y, size_t y_stride, uint32_t n_tokens,
                      slice rows, float *acc)
{
    for (uint32_t t = 0; t < n_tokens; t++) {
        float *to = acc + (size_t)t * PH_PANEL_ROWS;

        if (rows.n == PH_PANEL_ROWS)
            memcpy(to, y + t * y_stride, PH_PANEL_ROWS * sizeof *y);
        else
            memcpy(to + rows.first, y + t * y_stride, rows.n * sizeof *y);
    }
}

static void store_tile(const float *acc, uint32_t n_tokens, slice rows,
                       float *y, size_t y_stride)
{
    for (uint32_t t = 0; t < n_tokens; t++) {
        const float *from = acc + (size_t)t * PH_PANEL_ROWS;

        if (rows.n == PH_PANEL_ROWS)
            memcpy(y + t * y_stride, from, PH_PANEL_ROWS * sizeof *y);
        else
            memcpy(y + t * y_stride, from + rows.first, rows.n * sizeof *y);
    }
}

/* Columns k .. k + 32 n_blocks - 1 of a panel times tokens t .. end - 1. */
static void multiply_span(const ph_span_avx2 *w, ph_sum_avx2 sum,
                          const ph_acts *acts, uint32_t k, uint32_t n_blocks,
                          uint32_t t, uint32_t end, slice rows, float *y,
                          size_t y_stride)
{
    while (t < end) {
        const uint32_t n = end - t < PH_TILE_TOKENS ? end - t : PH_TILE_TOKENS;
        const size_t at = (size_t)t * acts->cols + k, block = at / PH_ACT_BLOCK;
        const ph_tile_acts x = {acts->codes + at, acts->scales + block,
                                acts->wsums + block, acts->sums + 2 * block,
                                acts->cols};
        _Alignas(32) float acc[PH_TILE_TOKENS * PH_PANEL_ROWS] = {0};

        if (k)
            load_tile(y + t * y_stride, y_stride, n, rows, acc);
        ph_tile_avx2(sum, n)(w, n_blocks, &x, acc);
        store_tile(acc, n, rows, y + t * y_stride, y_stride);
        t += n;
    }
}

static void matmul_quantized(const ph_matrix *weights, const ph_acts *acts,
                             uint32_t begin, uint32_t end, uint32_t t,
                             uint32_t t_end, float *y, size_t y_stride)
{
    const ph_packing *how = ph_packing_of(weights->type);
    const ph_sum_avx2 sum = ph_sum_avx2_of(weights->type);
    uint32_t next;

    for (uint32_t row = begin; row < end; row = next) {
        const uint32_t p = row / PH_PANEL_ROWS;
        const uint8_t *data = weights->data + p * weights->panel_bytes;
        ph_span_avx2 span;
        slice rows;

        next = (p + 1) * PH_PANEL_ROWS;
        rows.first = row % PH_PANEL_ROWS;
        rows.n = (next < end ? next : end) - row;
        for (uint32_t k = 0; k < weights->cols; k += PH_SPAN) {
            const uint32_t rest = weights->cols - k;
            const uint32_t n_blocks = (rest < PH_SPAN ? rest : PH_SPAN) / PH_QK;

            ph_unpack_avx2(how, data, weights->cols, k, n_blocks, &span);
            multiply_span(&span, sum, acts, k, n_blocks, t, t_end, rows,
                          y + row, y_stride);
        }
    }
}

ph_sum_avx2 ph_sum_avx2_of(ph_dtype type)
{
    switch (type) {
    case PH_Q4_0:
        return PH_SUM_4;
    case PH_Q4_1:
    case PH_Q4_K:
        return PH_SUM_4_MIN;
    case PH_Q5_0:
        return PH_SUM_5;
    case PH_Q5_1:
    case PH_Q5_K:
        return PH_SUM_5_MIN;
    case PH_Q6_K:
    case PH_Q3_K:
        return PH_SUM_6;
    case PH_Q2_K:
        return PH_SUM_2;
    default:
        return PH_SUM_8;
    }
}

void ph_matmul_avx2(const ph_matrix *weights, const ph_acts *acts,
                    uint32_t begin, uint32_t end, float *y, size_t y_stride)
{
    uint32_t group = GROUP_BYTES / weights->cols / PH_TILE_TOKENS;

    if (!weights->panel_bytes || !ph_dtype_is_quantized(weights->type)) {
        matmul_generic(weights, acts, begin, end, y, y_stride);
        return;
    }
    group = group < 8 ? 8 * PH_TILE_TOKENS : group * PH_TILE_TOKENS;
    for (uint32_t t = 0; t < acts->n; t += group)
        matmul_quantized(weights, acts, begin, end, t,
                         acts->n - t < group ? acts->n : t + group, y,
                         y_stride);
}
