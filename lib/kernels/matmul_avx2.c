/* SPDX-License-Identifier: MIT
 * The matrix product over packed weights: groups of activation rows that stay
 * in the second-level cache, panels, spans of columns, tiles. y holds the
 * running sums. What is not packed is left to the generic code. */
#include "kernels/matmul_avx2.h"
#include "kernels/matmul_generic.h"

enum {
    GROUP_BYTES = 1 << 18, /* of activations */
    UNPACK_ABOVE = 8       /* rows of activations: what unpacking costs */
};

/* The rows of a panel that are asked for, as rows of the panel. */
typedef struct slice {
    uint32_t first;
    uint32_t n;
} slice;

/* The product of a type of weights. */
typedef struct work {
    const ph_packing *how;
    ph_product product;
    const ph_acts *acts;
    uint32_t begin; /* of the activation rows */
    uint32_t end;
} work;

/* A tile of a panel that is not wanted as a whole. */
static void multiply_part(ph_tile_fn tile, const uint8_t *codes,
                          const ph_span_scales *scales, uint32_t n_blocks,
                          const ph_tile_acts *x, bool start, uint32_t n_tokens,
                          slice rows, float *y, size_t y_stride)
{
    float all[PH_TILE_TOKENS][PH_PANEL_ROWS] = {{0}};

    for (uint32_t t = 0; t < n_tokens && !start; t++)
        memcpy(all[t] + rows.first, y + t * y_stride, rows.n * sizeof *y);
    tile(codes, scales, n_blocks, x, start, all[0], PH_PANEL_ROWS);
    for (uint32_t t = 0; t < n_tokens; t++)
        memcpy(y + t * y_stride, all[t] + rows.first, rows.n * sizeof *y);
}

/* Columns k .. k + 32 n_blocks - 1 of a panel. */
static void multiply_span(const work *w, const uint8_t *data, uint32_t k,
                          uint32_t n_blocks, slice rows, float *y,
                          size_t y_stride)
{
    const size_t cols = w->acts->cols;
    const uint8_t *packed = data + ph_side_bytes(w->how, w->acts->cols) +
                            (size_t)(k / w->how->columns) * w->how->record +
                            w->how->head;
    const bool unpack = w->end - w->begin > UNPACK_ABOVE;
    _Alignas(64) uint8_t cells[2 * PH_SPAN_BLOCKS * PH_CELL];
    ph_span_scales scales;

    ph_unpack_scales_avx2(w->how, data, w->acts->cols, k, n_blocks, &scales);
    if (unpack)
        ph_unpack_codes_avx2(w->product, packed, n_blocks, cells);
    for (uint32_t t = w->begin, n; t < w->end; t += n) {
        const size_t at = t * cols + k, block = at / PH_ACT_BLOCK;
        const ph_tile_acts x = {w->acts->codes + at, w->acts->scales + block,
                                w->acts->wsums + block,
                                w->acts->sums + 2 * block, cols};
        float *out = y + t * y_stride;
        const uint8_t *codes = packed;
        ph_tile_fn tile;

        n = w->end - t < PH_TILE_TOKENS ? w->end - t : PH_TILE_TOKENS;
        tile = ph_tile_avx2(w->product, n);
        if (unpack && n == PH_TILE_TOKENS) {
            tile = ph_tile_cells_avx2(w->product);
            codes = cells;
        }
        if (rows.n == PH_PANEL_ROWS)
            tile(codes, &scales, n_blocks, &x, !k, out, y_stride);
        else
            multiply_part(tile, codes, &scales, n_blocks, &x, !k, n, rows, out,
                          y_stride);
    }
}

static void matmul_group(const work *w, const ph_matrix *weights,
                         uint32_t begin, uint32_t end, float *y,
                         size_t y_stride)
{
    uint32_t next;

    for (uint32_t row = begin; row < end; row = next) {
        const uint32_t p = row / PH_PANEL_ROWS;
        const uint8_t *data = weights->data + p * weights->panel_bytes;
        slice rows = {.first = row % PH_PANEL_ROWS};

        next = (p + 1) * PH_PANEL_ROWS;
        rows.n = (next < end ? next : end) - row;
        for (uint32_t k = 0; k < weights->cols; k += PH_SPAN) {
            const uint32_t rest = weights->cols - k;
            const uint32_t n = rest < PH_SPAN ? rest : PH_SPAN;

            multiply_span(w, data, k, n / PH_QK, rows, y + row, y_stride);
        }
    }
}

static ph_product product_of(ph_dtype type)
{
    switch (type) {
    case PH_Q4_0:
        return PH_PRODUCT_4;
    case PH_Q4_1:
    case PH_Q4_K:
        return PH_PRODUCT_4_MIN;
    case PH_Q5_0:
        return PH_PRODUCT_5;
    case PH_Q5_1:
    case PH_Q5_K:
        return PH_PRODUCT_5_MIN;
    case PH_Q6_K:
    case PH_Q3_K:
        return PH_PRODUCT_6;
    case PH_Q2_K:
        return PH_PRODUCT_2;
    case PH_IQ4_NL:
    case PH_IQ4_XS:
        return PH_PRODUCT_IQ4;
    default:
        return PH_PRODUCT_8;
    }
}

void ph_matmul_avx2(const ph_matrix *weights, const ph_acts *acts,
                    uint32_t begin, uint32_t end, float *y, size_t y_stride)
{
    uint32_t group = GROUP_BYTES / weights->cols / PH_TILE_TOKENS;
    work w;

    if (!weights->panel_bytes || !ph_dtype_is_quantized(weights->type)) {
        matmul_generic(weights, acts, begin, end, y, y_stride);
        return;
    }
    group = (group < 8 ? 8 : group) * PH_TILE_TOKENS;
    w = (work){ph_packing_of(weights->type), product_of(weights->type), acts, 0,
               0};
    for (; w.begin < acts->n; w.begin = w.end) {
        w.end = acts->n - w.begin < group ? acts->n : w.begin + group;
        matmul_group(&w, weights, begin, end, y, y_stride);
    }
}
