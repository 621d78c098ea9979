/* SPDX-License-Identifier: MIT
 * The matrix product over packed weights: groups of activation rows, which stay
 * in the second-level cache, panels, spans of columns, tiles. What is not
 * packed is left to the generic code. */
#include "kernels/matmul_avx2.h"
#include "kernels/matmul_generic.h"

enum {
    GROUP = 64,      /* rows of activations */
    UNPACK_ABOVE = 8 /* rows of activations: what unpacking costs */
};

/* The product of a type of weights with some rows of activations. */
typedef struct work {
    const ph_packing *how;
    ph_product product;
    const ph_acts *acts;
    uint32_t begin; /* of the rows of activations */
    uint32_t end;
    const uint8_t *panels_end; /* of those that are multiplied */
} work;

/* The running sums of a panel. They are not in y, where those of different
 * tokens may lie so that they all contend for one set of the cache. */
typedef struct sums {
    _Alignas(64) float at[GROUP][PH_PANEL_ROWS];
} sums;

/* Asks for weights that come next. Where codes are unpacked, those of the next
 * span, while tiles are multiplied that take none from memory; else, where
 * memory sets the pace, those that are far ahead. */
static void prefetch_span(const work *w, const uint8_t *codes, bool unpack)
{
    const size_t bytes = (size_t)PH_SPAN / w->how->columns * w->how->record;
    const uint8_t *from = codes + (unpack ? bytes : PH_READ_AHEAD);

    for (size_t i = 0; i < bytes && from + i < w->panels_end; i += 64)
        __builtin_prefetch(from + i, 0, 2);
}

/* Columns k .. k + 32 n_blocks - 1 of a panel. */
static void multiply_span(const work *w, const uint8_t *data, uint32_t k,
                          uint32_t n_blocks, sums *out)
{
    const ph_acts *acts = w->acts;
    const uint8_t *codes = data + ph_side_bytes(w->how, acts->cols) +
                           (size_t)(k / w->how->columns) * w->how->record +
                           w->how->head;
    const bool unpack = w->end - w->begin > UNPACK_ABOVE;
    _Alignas(64) uint8_t cells[2 * PH_SPAN_BLOCKS * PH_CELL];
    ph_span_scales scales;

    ph_unpack_scales_avx2(w->how, data, acts->cols, k, n_blocks, &scales);
    if (unpack)
        ph_unpack_codes_avx2(w->product, codes, n_blocks, cells);
    prefetch_span(w, codes, unpack);
    for (uint32_t t = w->begin; t < w->end; t += PH_TILE_TOKENS) {
        const size_t at = ((size_t)t * acts->cols + k) / PH_ACT_BLOCK;
        const ph_tile_acts x = {acts->blocks + at, acts->cols / PH_ACT_BLOCK};
        const uint32_t n = w->end - t;
        float *acc = out->at[t - w->begin];

        if (unpack && n >= PH_TILE_TOKENS)
            ph_tile_cells_avx2(w->product)(cells, &scales, n_blocks, &x, acc);
        else
            ph_tile_avx2(w->product, n < PH_TILE_TOKENS ? n : PH_TILE_TOKENS)(
                codes, &scales, n_blocks, &x, acc);
    }
}

/* Rows begin .. end - 1, all of one panel. */
static void multiply_panel(const work *w, const ph_matrix *weights,
                           uint32_t begin, uint32_t end, float *y,
                           size_t y_stride)
{
    const uint8_t *data =
        weights->data + begin / PH_PANEL_ROWS * weights->panel_bytes;
    const uint32_t n = w->end - w->begin, first = begin % PH_PANEL_ROWS;
    sums out;

    memset(&out, 0, n * sizeof out.at[0]);
    for (uint32_t k = 0; k < weights->cols; k += PH_SPAN) {
        const uint32_t rest = weights->cols - k;

        multiply_span(w, data, k, (rest < PH_SPAN ? rest : PH_SPAN) / PH_QK,
                      &out);
    }
    y += w->begin * y_stride + begin;
    for (uint32_t t = 0; t < n; t++, y += y_stride) {
        if (end - begin == PH_PANEL_ROWS)
            memcpy(y, out.at[t], sizeof out.at[t]);
        else
            memcpy(y, out.at[t] + first, (end - begin) * sizeof *y);
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
    work w = {.acts = acts};

    if (!weights->panel_bytes) {
        matmul_generic(weights, acts, begin, end, y, y_stride);
        return;
    }
    if (!ph_dtype_is_quantized(weights->type)) {
        ph_matmul_float_avx2(weights, acts, begin, end, y, y_stride);
        return;
    }
    w.how = ph_packing_of(weights->type);
    w.product = product_of(weights->type);
    w.panels_end = weights->data + (end + PH_PANEL_ROWS - 1) / PH_PANEL_ROWS *
                                       weights->panel_bytes;
    for (; w.begin < acts->n; w.begin = w.end) {
        w.end = acts->n - w.begin < GROUP ? acts->n : w.begin + GROUP;
        for (uint32_t row = begin, next; row < end; row = next) {
            next = (row / PH_PANEL_ROWS + 1) * PH_PANEL_ROWS;
            next = next < end ? next : end;
            multiply_panel(&w, weights, row, next, y, y_stride);
        }
    }
}
