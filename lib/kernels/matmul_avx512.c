/* SPDX-License-Identifier: MIT
 * The matrix product with AVX-512 VNNI. Many activations take two panels at a
 * time: over pairs of panels, chunks of their columns and tiles of activations,
 * in this order, so that a chunk's codes and factors stay in the cache; y holds
 * the running sums. Few activations are one tile, and panels are read one by
 * one, as they lie in memory: two streams would come more slowly. */
#include "kernels/matmul_avx512.h"
#include "kernels/tile_avx512.h"

typedef struct product {
    const ph_matrix *weights;
    const ph_acts *acts;
    const ph_packing *how;
    ph_tile_function *run;
    float *y;
    size_t y_stride;
    uint32_t tiles;
} product;

/* A chunk of panels, as it lies in memory. */
typedef struct chunk_place {
    const uint8_t *records[2];
    size_t lines; /* of each */
    const uint8_t *sides[2];
    size_t side_lines; /* of each */
} chunk_place;

/* All activations times one chunk, of which the panels' part is ready; next is
 * read meanwhile. */
static void chunk_times_acts(const product *p, tile *t, uint32_t b0,
                             const chunk_place *next, float *y)
{
    const uint32_t n = p->acts->n;
    const size_t blocks = (size_t)p->tiles * t->n_blocks;
    const size_t share = (next->lines + blocks - 1) / blocks;

    for (uint32_t i = 0; i < p->tiles; i++) {
        const uint32_t first = (uint32_t)((uint64_t)n * i / p->tiles);
        const uint32_t after = (uint32_t)((uint64_t)n * (i + 1) / p->tiles);
        const size_t line = i * share * t->n_blocks;

        t->x = p->acts->blocks + first * t->x_stride + b0;
        t->y = y + first * p->y_stride;
        t->ahead_lines = line < next->lines ? (uint32_t)share : 0;
        for (int k = 0; k < 2; k++)
            t->ahead[k] = next->records[k] + 64 * line;
        p->run(t, after - first);
    }
}

/* The chunk of the panels from first on at block b, or if b is past their end
 * the first one of the next panels. A second panel that does not exist is the
 * first once more. */
static chunk_place chunk_at(const product *p, uint32_t first, uint32_t b)
{
    const ph_matrix *weights = p->weights;
    const uint32_t blocks = weights->cols / PH_QK;
    const uint32_t panels = (weights->rows + PH_PANEL_ROWS - 1) / PH_PANEL_ROWS;
    const size_t side = ph_side_bytes(p->how, weights->cols);
    chunk_place place = {
        {weights->data, weights->data}, 0, {weights->data, weights->data}, 0};
    size_t records, n;

    if (b >= blocks) {
        b = 0;
        first += 2;
    }
    if (first >= panels)
        return place;
    records = (size_t)b * PH_QK / p->how->columns;
    n = (size_t)(blocks - b < TILE_BLOCKS ? blocks - b : TILE_BLOCKS) * PH_QK /
        p->how->columns;
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t panel = first + i < panels ? first + i : first;
        const uint8_t *data = weights->data + panel * weights->panel_bytes;

        place.records[i] = data + side + records * p->how->record;
        place.sides[i] = data + records * p->how->side;
    }
    place.lines = n * p->how->record / 64;
    place.side_lines = (n * p->how->side + 63) / 64;
    return place;
}

static void pair_times_acts(const product *p, tile *t, uint32_t first)
{
    const uint32_t blocks = p->weights->cols / PH_QK;

    for (uint32_t b = 0; b < blocks; b += TILE_BLOCKS) {
        const chunk_place now = chunk_at(p, first, b);
        const chunk_place next = chunk_at(p, first, b + TILE_BLOCKS);

        t->n_blocks = blocks - b < TILE_BLOCKS ? blocks - b : TILE_BLOCKS;
        t->first = b == 0;
        for (int k = 0; k < 2; k++) {
            t->records[k] = now.records[k];
            ph_factors_avx512(p->how, now.records[k], now.sides[k], t->n_blocks,
                              (float(*)[2][PH_PANEL_ROWS])t->w[0][k],
                              (float(*)[2][PH_PANEL_ROWS])t->m[0][k]);
            for (size_t i = 0; i < next.side_lines; i++)
                _mm_prefetch((const char *)next.sides[k] + 64 * i, _MM_HINT_T1);
        }
        chunk_times_acts(p, t, b, &next, p->y + (size_t)first * PH_PANEL_ROWS);
    }
}

/* All activations at once times panels first .. last - 1. */
static void panels_times_acts(const product *p, tile *t, uint32_t first,
                              uint32_t last, uint32_t begin, uint32_t end)
{
    const ph_matrix *weights = p->weights;
    const size_t side = ph_side_bytes(p->how, weights->cols);

    t->x = p->acts->blocks;
    t->n_blocks = weights->cols / PH_QK;
    t->end = weights->data + last * weights->panel_bytes;
    for (uint32_t i = first; i < last; i++) {
        t->sides[0] = weights->data + i * weights->panel_bytes;
        t->records[0] = t->sides[0] + side;
        t->rows[0] = ph_panel_mask_avx512(i, begin, end);
        t->y = p->y + (size_t)i * PH_PANEL_ROWS;
        p->run(t, p->acts->n);
    }
}

static void matmul_quantized(const ph_matrix *weights, const ph_acts *acts,
                             uint32_t begin, uint32_t end, float *y,
                             size_t y_stride)
{
    const ph_packing *how = ph_packing_of(weights->type);
    const bool halves = ph_block_type_of(weights->type)->halves;
    const product p = {
        .weights = weights,
        .acts = acts,
        .how = how,
        .run = ph_tile_function_avx512(weights->type),
        .y = y,
        .y_stride = y_stride,
        .tiles = (acts->n + TILE_PAIR_WIDTH - 1) / TILE_PAIR_WIDTH,
    };
    const uint32_t first = begin / PH_PANEL_ROWS;
    const uint32_t last = (end + PH_PANEL_ROWS - 1) / PH_PANEL_ROWS;
    tile t;

    t.how = how;
    t.x_stride = weights->cols / PH_ACT_BLOCK;
    t.y_stride = y_stride;
    if (acts->n <= (uint32_t)(halves ? TILE_HALVES_WIDTH : TILE_ONE_WIDTH)) {
        t.n_panels = 1;
        panels_times_acts(&p, &t, first, last, begin, end);
        return;
    }
    t.n_panels = 2;
    for (uint32_t i = first; i < last; i += 2) {
        t.rows[0] = ph_panel_mask_avx512(i, begin, end);
        t.rows[1] = ph_panel_mask_avx512(i + 1, begin, end);
        pair_times_acts(&p, &t, i);
    }
}

bool ph_matmul_avx512(const ph_matrix *weights, const ph_acts *acts,
                      uint32_t begin, uint32_t end, float *y, size_t y_stride)
{
    if (!weights->panel_bytes)
        return false;
    if (acts->n == 0 || begin >= end)
        return true;
    if (ph_dtype_is_quantized(weights->type))
        matmul_quantized(weights, acts, begin, end, y, y_stride);
    else
        ph_matmul_float_avx512(weights, acts, begin, end, y, y_stride);
    return true;
}
