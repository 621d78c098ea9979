/* SPDX-License-Identifier: MIT
 * The matrix product with AVX-512 VNNI: over pairs of panels, chunks of their
 * columns and tiles of activations, in this order, so that a chunk's codes and
 * factors stay in the level 1 cache. y holds the running sums. */
#include "kernels/matmul_avx512.h"
#include "kernels/tile_avx512.h"

/* Blocks of a chunk when all activations are one tile: few, so that reading
 * the weights and computing alternate quickly. */
enum { FEW_BLOCKS = 16 };

typedef struct product {
    const ph_matrix *weights;
    const ph_acts *acts;
    const ph_packing *how;
    ph_tile_function *run;
    float *y;
    size_t y_stride;
    uint32_t chunk; /* blocks */
} product;

/* What is added to the sums of unsigned codes: minus the offset for each
 * activation. Of a pair of sums each half, or both together. */
static void start_constants(const ph_packing *how, bool halves,
                            __m512i constants[2])
{
    const bool iq4 = how->type == PH_IQ4_NL || how->type == PH_IQ4_XS;
    const int offset = iq4 ? 128 : how->offset;

    if (halves) {
        constants[0] = _mm512_set1_epi32(-offset & 0xffff);
        constants[1] = _mm512_set1_epi32(-offset * 0x10000);
    } else {
        constants[0] = _mm512_set1_epi16((short)-offset);
        constants[1] = constants[0];
    }
}

/* True if rows of codes are whole pages apart. */
static bool rows_collide(const ph_acts *acts)
{
    return acts->cols % 4096 == 0;
}

static void tile_codes(tile *t, const ph_acts *acts, uint32_t first,
                       uint32_t width, uint32_t b0)
{
    const int8_t *x =
        acts->codes + (size_t)first * acts->cols + b0 * PH_ACT_BLOCK;

    t->x = x;
    t->x_stride = acts->cols;
    if (!rows_collide(acts))
        return;
    for (uint32_t i = 0; i < width; i++)
        for (uint32_t b = 0; b < t->n_blocks; b += 2)
            _mm512_store_si512(t->copy[i] + b * PH_ACT_BLOCK,
                               _mm512_loadu_si512(x + (size_t)i * acts->cols +
                                                  b * PH_ACT_BLOCK));
    t->x = t->copy[0];
    t->x_stride = COPY_STRIDE;
}

/* Of activation rows first .. first + width - 1, blocks b0 on. */
static void tile_acts(tile *t, const ph_acts *acts, uint32_t first,
                      uint32_t width, uint32_t b0)
{
    const size_t blocks = acts->cols / PH_ACT_BLOCK;
    const bool halves = t->how->type == PH_Q6_K || t->how->type == PH_Q3_K;
    const bool q2_k = t->how->type == PH_Q2_K;
    __m512i constants[2];

    start_constants(t->how, halves, constants);
    for (uint32_t i = 0; i < width; i++) {
        const size_t at = (first + i) * blocks + b0;

        for (uint32_t b = 0; b < t->n_blocks; b += 16) {
            const uint32_t n = t->n_blocks - b < 16 ? t->n_blocks - b : 16;
            const __mmask16 mask = (__mmask16)((1u << n) - 1);
            const __m512i sums =
                _mm512_maskz_loadu_epi32(mask, acts->sums + 2 * (at + b));

            _mm512_storeu_si512(t->start[i] + b,
                                _mm512_madd_epi16(sums, constants[0]));
            if (halves)
                _mm512_storeu_si512(t->second_start[i] + b,
                                    _mm512_madd_epi16(sums, constants[1]));
            _mm512_storeu_ps(t->dx[i] + b, _mm512_maskz_loadu_ps(
                                               mask, acts->scales + at + b));
            if (q2_k)
                _mm512_storeu_si512(t->sums[i] + b, sums);
            else if (!halves)
                _mm512_storeu_ps(
                    t->wsum[i] + b,
                    _mm512_maskz_loadu_ps(mask, acts->wsums + at + b));
        }
    }
    tile_codes(t, acts, first, width, b0);
}

/* What follows in memory order of use, after a chunk. */
typedef struct next_chunk {
    const uint8_t *records[2];
    size_t lines; /* of each */
    const uint8_t *sides[2];
    size_t side_lines; /* of each */
} next_chunk;

/* All activations times one chunk, of which the panels' part is ready. */
static void chunk_times_acts(const product *p, tile *t, uint32_t b0,
                             const next_chunk *next, float *y)
{
    const uint32_t n = p->acts->n;
    const uint32_t tiles = (n + TILE_WIDTH - 1) / TILE_WIDTH;
    const size_t blocks = (size_t)tiles * t->n_blocks;
    const size_t share = (next->lines + blocks - 1) / blocks;

    for (uint32_t i = 0; i < tiles; i++) {
        const uint32_t first = (uint32_t)((uint64_t)n * i / tiles);
        const uint32_t after = (uint32_t)((uint64_t)n * (i + 1) / tiles);
        const size_t line = i * share * t->n_blocks;

        tile_acts(t, p->acts, first, after - first, b0);
        t->y = y + first * p->y_stride;
        t->ahead_lines = line < next->lines ? (uint32_t)share : 0;
        for (int k = 0; k < 2; k++)
            t->ahead[k] = next->records[k] + 64 * line;
        p->run(t, after - first);
    }
}

/* The chunk of panels first and second at block b, or if b is past their end
 * the first one of the next panels. */
static next_chunk chunk_at(const product *p, uint32_t first, uint32_t second,
                           uint32_t b)
{
    const ph_matrix *weights = p->weights;
    const uint32_t blocks = weights->cols / PH_QK;
    const uint32_t panels = (weights->rows + PH_PANEL_ROWS - 1) / PH_PANEL_ROWS;
    next_chunk next = {
        {weights->data, weights->data}, 0, {weights->data, weights->data}, 0};
    uint32_t n;
    size_t at;

    if (b >= blocks) {
        b = 0;
        first += 2;
        second += 2;
    }
    if (first >= panels)
        return next;
    if (second >= panels)
        second = first;
    n = blocks - b < p->chunk ? blocks - b : p->chunk;
    at = ph_side_bytes(p->how, weights->cols) +
         (size_t)b * PH_QK / p->how->columns * p->how->record;
    next.records[0] += first * weights->panel_bytes + at;
    next.records[1] += second * weights->panel_bytes + at;
    at = (size_t)b * PH_QK / p->how->columns * p->how->side;
    next.sides[0] += first * weights->panel_bytes + at;
    next.sides[1] += second * weights->panel_bytes + at;
    next.side_lines =
        ((size_t)n * PH_QK / p->how->columns * p->how->side + 63) / 64;
    next.lines = (size_t)n * PH_QK / p->how->columns * p->how->record / 64;
    return next;
}

/* Panels first and second (which may be the first once more, with no rows). */
static void pair_times_acts(const product *p, tile *t, uint32_t first,
                            uint32_t second)
{
    const ph_matrix *weights = p->weights;
    const uint32_t blocks = weights->cols / PH_QK;
    const uint8_t *sides[2] = {weights->data + first * weights->panel_bytes,
                               weights->data + second * weights->panel_bytes};

    for (uint32_t b = 0; b < blocks; b += p->chunk) {
        const next_chunk now = chunk_at(p, first, second, b);
        const next_chunk next = chunk_at(p, first, second, b + p->chunk);

        t->n_blocks = blocks - b < p->chunk ? blocks - b : p->chunk;
        t->first = b == 0;
        t->records[0] = now.records[0];
        t->records[1] = now.records[1];
        ph_tile_factors_avx512(t, sides, b);
        for (size_t i = 0; i < next.side_lines; i++) {
            _mm_prefetch((const char *)next.sides[0] + 64 * i, _MM_HINT_T1);
            _mm_prefetch((const char *)next.sides[1] + 64 * i, _MM_HINT_T1);
        }
        chunk_times_acts(p, t, b, &next, p->y + (size_t)first * PH_PANEL_ROWS);
    }
}

static void matmul_quantized(const ph_matrix *weights, const ph_acts *acts,
                             uint32_t begin, uint32_t end, float *y,
                             size_t y_stride)
{
    product p = {weights,
                 acts,
                 ph_packing_of(weights->type),
                 ph_tile_function_avx512(weights->type),
                 y,
                 y_stride,
                 TILE_BLOCKS};
    const uint32_t last = (end + PH_PANEL_ROWS - 1) / PH_PANEL_ROWS;
    tile t;

    if (rows_collide(acts))
        p.chunk = COPY_BLOCKS;
    if (acts->n <= TILE_WIDTH)
        p.chunk = FEW_BLOCKS;
    t.how = p.how;
    t.y_stride = y_stride;
    for (uint32_t i = begin / PH_PANEL_ROWS; i < last; i += 2) {
        t.rows[0] = ph_panel_mask_avx512(i, begin, end);
        t.rows[1] = ph_panel_mask_avx512(i + 1, begin, end);
        pair_times_acts(&p, &t, i, i + 1 < last ? i + 1 : i);
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
