/* SPDX-License-Identifier: MIT
 * The inner loops of the matrix product with AVX-512 VNNI: one function per
 * kind of codes, each with a body for every number of panels and of activation
 * rows whose sums, of 16 rows of weights each, stay in registers. */
#include "kernels/block_avx512.h"

/* Bytes between what is multiplied and what should be in the first-level cache:
 * about a record. */
enum { SOON = 2304 };

INLINE __m512 *chain_of(const tile *t, int row, int panel)
{
    return (__m512 *)(void *)(t->y + (size_t)row * t->y_stride +
                              PH_PANEL_ROWS * panel);
}

/* A chunk of two panels, whose factors are ready. */
INLINE void add_pair(kind k, const tile *t)
{
    const uint32_t n_block = t->how->code_bits * 64u;
    const uint8_t *codes[2], *scales[2];
    const ph_act_block *x = t->x;
    tile_chains acc;

    for (int p = 0; p < 2; p++) {
        codes[p] = t->records[p] + t->how->head;
        scales[p] = codes[p] - TILE_SCALES;
    }
    for (int i = 0; i < k.width; i++)
        for (int p = 0; p < 2; p++)
            acc[i][p] =
                t->first ? _mm512_setzero_ps()
                         : _mm512_maskz_loadu_ps(t->rows[p], chain_of(t, i, p));
    for (uint32_t b = 0; b < t->n_blocks; b++, x++) {
        const size_t line = (size_t)b * t->ahead_lines;

        for (int p = 0; p < 2; p++)
            read_lines(t->ahead[p] + 64 * line, t->ahead_lines);
        add_block(k, t, codes, scales, x, b, acc);
        for (int p = 0; p < 2; p++) {
            codes[p] += n_block;
            scales[p] += 32;
            if (b % 8 == 7) {
                codes[p] += t->how->head;
                scales[p] += t->how->record - TILE_SCALES;
            }
        }
    }
    for (int i = 0; i < k.width; i++)
        for (int p = 0; p < 2; p++)
            _mm512_mask_storeu_ps(chain_of(t, i, p), t->rows[p], acc[i][p]);
}

/* Whether to ask for what lies far ahead. Where codes are used up quickly the
 * processor does it by itself, and better; but not with five lines a block. */
INLINE bool reads_ahead(kind k)
{
    return k.codes == CODES_5 || k.width > (k.codes == CODES_8 ? 4 : 1);
}

/* The scales of a record, moved to where reading them is no second stream
 * beside that of the codes, which the processor would follow less well. */
INLINE const uint8_t *move_scales(const uint8_t *scales, uint8_t *to)
{
#pragma GCC unroll 4
    for (int i = 0; i < TILE_SCALES; i += 64) {
        __m512i line = load_512(scales + i);

        __asm__("" : "+v"(line)); /* or it would be read where it was */
        _mm512_store_si512(to + i, line);
    }
    return to;
}

/* All of a panel. Its factors are made a few blocks at a time, so that the
 * stream from memory never pauses; what lies before the codes is asked for at
 * once, so that it comes in order. */
INLINE void add_panel(kind k, tile *t)
{
    const ph_packing *how = t->how;
    const size_t n_block = how->code_bits * 64u;
    const size_t n_records = 8 * PH_QK / how->columns;
    const size_t lines = k.codes == CODES_IQ4 ? 4 : k.codes;
    const bool ahead = reads_ahead(k);
    const uint8_t *record = t->records[0], *side = t->sides[0];
    const ph_act_block *x = t->x;
    tile_chains acc;

    read_lines_again(side, (size_t)(record - side) / 64);
    for (int i = 0; i < k.width; i++)
        acc[i][0] = _mm512_setzero_ps();
    for (uint32_t b = 0; b < t->n_blocks; b += 8) {
        const uint32_t n = t->n_blocks - b < 8 ? t->n_blocks - b : 8;
        const uint8_t *codes[2] = {record + how->head, NULL};
        const uint8_t *scales[2] = {codes[0] - TILE_SCALES, NULL};

        if (k.halves && !ahead)
            scales[0] = move_scales(scales[0], t->scales);
        else
            read_lines_again(record, how->head / 64);
        ph_factors_avx512(how, record, side, n, t->w, t->m);
        if (ahead && record + PH_READ_AHEAD < t->end)
            read_lines(record + PH_READ_AHEAD, how->head / 64);
        for (uint32_t i = 0; i < n; i++, x++) {
            if (ahead)
                read_lines_again(codes[0] + SOON, lines);
            if (ahead && codes[0] + PH_READ_AHEAD < t->end)
                read_lines(codes[0] + PH_READ_AHEAD, lines);
            add_block(k, t, codes, scales, x, i, acc);
            codes[0] += n_block;
            scales[0] += 32;
        }
        record += n_records * how->record;
        side += n_records * how->side;
    }
    for (int i = 0; i < k.width; i++)
        _mm512_mask_storeu_ps(chain_of(t, i, 0), t->rows[0], acc[i][0]);
}

#define WIDTH(n)                                                               \
    case n:                                                                    \
        k.width = n;                                                           \
        if (k.panels == 2)                                                     \
            add_pair(k, t);                                                    \
        else                                                                   \
            add_panel(k, t);                                                   \
        break;

/* More rows than one panel's tile has are never cut into tiles of less. */
INLINE void add_pair_of(kind k, tile *t, uint32_t width)
{
    k.panels = 2;
    switch (width) {
        WIDTH(4)
        WIDTH(5)
        WIDTH(6)
    }
}

INLINE void add_panel_of(kind k, tile *t, uint32_t width)
{
    k.panels = 1;
    switch (width) {
        WIDTH(1)
        WIDTH(2)
        WIDTH(3)
        WIDTH(4)
        WIDTH(5)
        WIDTH(6)
        WIDTH(7)
        WIDTH(8)
    }
    if (k.halves)
        return;
    switch (width) {
        WIDTH(9)
        WIDTH(10)
        WIDTH(11)
        WIDTH(12)
    }
}

#define TILE(name, ...)                                                        \
    static void name(tile *t, uint32_t width)                                  \
    {                                                                          \
        const kind k = {__VA_ARGS__, 0, 0};                                    \
                                                                               \
        if (t->n_panels == 2)                                                  \
            add_pair_of(k, t, width);                                          \
        else                                                                   \
            add_panel_of(k, t, width);                                         \
    }

TILE(add_q4_0, CODES_4, false, false, 8)
TILE(add_q4_k, CODES_4, false, true, 0)
TILE(add_q5_0, CODES_5, false, false, 16)
TILE(add_q5_k, CODES_5, false, true, 0)
TILE(add_q8_0, CODES_8, false, false, 128)
TILE(add_iq4, CODES_IQ4, false, false, 128)
TILE(add_q6_k, CODES_6, true, false, 32)
TILE(add_q2_k, CODES_4, true, true, 0)

ph_tile_function *ph_tile_function_avx512(ph_dtype type)
{
    switch (type) {
    case PH_Q4_0:
        return add_q4_0;
    case PH_Q4_1:
    case PH_Q4_K:
        return add_q4_k;
    case PH_Q5_0:
        return add_q5_0;
    case PH_Q5_1:
    case PH_Q5_K:
        return add_q5_k;
    case PH_Q8_0:
        return add_q8_0;
    case PH_IQ4_NL:
    case PH_IQ4_XS:
        return add_iq4;
    case PH_Q3_K:
    case PH_Q6_K:
        return add_q6_k;
    default: /* Q2_K */
        return add_q2_k;
    }
}
