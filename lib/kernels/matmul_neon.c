/* SPDX-License-Identifier: MIT
 * The matrix product over packed quantised weights: groups of activation rows
 * that stay in the second-level cache, panels, spans of columns, tiles. y holds
 * the running sums. */
#include "kernels/matmul_neon.h"

enum { GROUP_BYTES = 1 << 18 }; /* of activations */

/* A panel, the rows of it that are asked for, and where they go. */
typedef struct panel {
    const ph_packing *how;
    const uint8_t *data;
    uint32_t cols;
    uint32_t first_row;
    uint32_t n_rows;
    float *y; /* of first_row */
    size_t y_stride;
} panel;

static ph_sum_neon sum_of(ph_dtype type)
{
    switch (type) {
    case PH_Q4_1:
    case PH_Q5_1:
    case PH_Q4_K:
    case PH_Q5_K:
        return PH_SUM_MIN;
    case PH_Q3_K:
    case PH_Q6_K:
        return PH_SUM_HALVES;
    case PH_Q2_K:
        return PH_SUM_HALVES_MIN;
    default:
        return PH_SUM_PLAIN;
    }
}

/* Columns k .. k + 32 n_blocks - 1 of a panel times tokens t .. end - 1. */
static void multiply_span(const ph_span_neon *w, ph_tile_fn tile,
                          const panel *p, const ph_acts *acts, uint32_t k,
                          uint32_t n_blocks, uint32_t t, uint32_t end)
{
    const size_t row_bytes = p->n_rows * sizeof(float);

    while (t < end) {
        const size_t at = ((size_t)t * p->cols + k) / PH_ACT_BLOCK;
        const ph_tile_acts x = {acts->blocks + at, p->cols / PH_ACT_BLOCK};
        const uint32_t most =
            end - t < PH_TILE_TOKENS ? end - t : PH_TILE_TOKENS;
        float acc[PH_TILE_TOKENS][PH_PANEL_ROWS] = {{0}};
        float *y = p->y + t * p->y_stride;
        uint32_t n;

        for (uint32_t i = 0; k && i < most; i++)
            memcpy(acc[i] + p->first_row, y + i * p->y_stride, row_bytes);
        n = tile(w, n_blocks, &x, most, acc);
        for (uint32_t i = 0; i < n; i++)
            memcpy(y + i * p->y_stride, acc[i] + p->first_row, row_bytes);
        t += n;
    }
}

static void multiply_panel(const ph_tiles_neon *tiles, const panel *p,
                           const ph_acts *acts, uint32_t t, uint32_t end)
{
    const ph_tile_fn tile = tiles->tile[sum_of(p->how->type)];
    ph_span_neon span;

    for (uint32_t k = 0; k < p->cols; k += PH_SPAN) {
        const uint32_t rest = p->cols - k;
        const uint32_t n_blocks = (rest < PH_SPAN ? rest : PH_SPAN) / PH_QK;

        ph_unpack_neon(p->how, p->data, p->cols, k, n_blocks, tiles->pairs,
                       &span);
        multiply_span(&span, tile, p, acts, k, n_blocks, t, end);
    }
}

void ph_matmul_neon(const ph_tiles_neon *tiles, const ph_matrix *weights,
                    const ph_acts *acts, uint32_t begin, uint32_t end, float *y,
                    size_t y_stride)
{
    uint32_t group = GROUP_BYTES / weights->cols / PH_TILE_TOKENS;
    uint32_t next;

    group = group < 4 ? 4 * PH_TILE_TOKENS : group * PH_TILE_TOKENS;
    for (uint32_t t = 0; t < acts->n; t += group) {
        const uint32_t t_end = acts->n - t < group ? acts->n : t + group;

        for (uint32_t row = begin; row < end; row = next) {
            const uint32_t i = row / PH_PANEL_ROWS;
            panel p = {.how = ph_packing_of(weights->type),
                       .data = weights->data + i * weights->panel_bytes,
                       .cols = weights->cols,
                       .first_row = row % PH_PANEL_ROWS,
                       .y = y + row,
                       .y_stride = y_stride};

            next = (i + 1) * PH_PANEL_ROWS;
            p.n_rows = (next < end ? next : end) - row;
            multiply_panel(tiles, &p, acts, t, t_end);
        }
    }
}
