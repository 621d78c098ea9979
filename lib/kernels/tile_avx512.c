/* SPDX-License-Identifier: MIT
 * The inner loops of the matrix product with AVX-512 VNNI: one function per
 * kind of codes, each with a body for every number of panels and of activation
 * rows whose sums, of 16 rows of weights each, stay in registers. */
#include "kernels/tile_avx512.h"
#include "kernels/codes_avx512.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    SCALES = 256, /* bytes before the codes where scales of halves are */
    SOON = 2304,  /* bytes: about a record */
};

/* What a body is made for; always a constant. */
typedef struct kind {
    codes_kind codes;
    bool halves;  /* a scale for each half block */
    bool minimum; /* one of each block; with halves one of each half */
    int offset;   /* of the codes, made unsigned */
    int panels;
    int width; /* rows of activations */
} kind;

/* By row of activations and panel. */
typedef __m512i tile_sums[TILE_ONE_WIDTH][2];
typedef __m512 tile_chains[TILE_ONE_WIDTH][2];

/* Four bytes at a time of the activations, broadcast to all rows. */
INLINE __m512i broadcast_4(const void *x)
{
    int32_t four;

    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
}

/* Adds columns 4 g .. 4 g + 3 of the halves from h to last of a block. The
 * pointers are hidden from the compiler, which would else load what several g
 * share once and run out of registers; and the sums, because it would finish
 * one after the other, each product waiting for the one before. */
INLINE void sum_columns(kind k, const tile *t, const uint8_t *const codes[2],
                        const ph_act_block *x, int g, int h, int last,
                        tile_sums sums)
{
    const uint8_t *at[2] = {codes[0], codes[1]};

    if (k.codes == CODES_5 || k.codes == CODES_6)
        __asm__("" : "+r"(at[0]), "+r"(at[1]));
    for (int half = h; half <= last; half++) {
        __m512i w[2];

        for (int p = 0; p < k.panels; p++)
            w[p] = four_columns(k.codes, at[p], g, half);
        for (int i = 0; i < k.width; i++) {
            const __m512i four = broadcast_4(x[(size_t)i * t->x_stride].codes +
                                             16 * half + 4 * g);

            for (int p = 0; p < k.panels; p++) {
                sums[i][p] = _mm512_dpbusd_epi32(sums[i][p], w[p], four);
                __asm__("" : "+v"(sums[i][p]));
            }
        }
    }
}

/* Columns 4 g .. 4 g + 3 of sixteen, in each quarter. */
INLINE __m512i four_of(__m512i sixteen, int g)
{
    return g == 0   ? _mm512_shuffle_epi32(sixteen, 0x00)
           : g == 1 ? _mm512_shuffle_epi32(sixteen, 0x55)
           : g == 2 ? _mm512_shuffle_epi32(sixteen, 0xaa)
                    : _mm512_shuffle_epi32(sixteen, 0xff);
}

/* The same for one activation and one panel, where nothing but memory should
 * set the pace: each line is loaded once, and sums do not wait for each
 * other. */
INLINE void sum_one(kind k, const uint8_t *codes, const ph_act_block *x, int h,
                    int last, __m512i *sum)
{
    __m512i part[4];

    for (int g = 0; g < 4; g++) {
        __m512i nibbles = load_512(codes + 64 * g);

        __asm__("" : "+v"(nibbles));
        part[g] = g ? _mm512_setzero_si512() : *sum;
        for (int half = h; half <= last; half++) {
            const __m512i sixteen = _mm512_broadcast_i32x4(
                _mm_loadu_si128((const __m128i *)(x->codes + 16 * half)));
            const __m512i w = four_columns_of(k.codes, nibbles, codes, g, half);

            part[g] = _mm512_dpbusd_epi32(part[g], w, four_of(sixteen, g));
        }
    }
    for (int g = 1; g < 4; g++)
        part[0] = _mm512_add_epi32(part[0], part[g]);
    *sum = part[0];
}

/* Sums over the halves from h to last of a block. Codes are unsigned, so that
 * sums start at minus their offset for each activation. */
INLINE void sum_block(kind k, const tile *t, const uint8_t *const codes[2],
                      const ph_act_block *x, int h, int last, tile_sums sums)
{
    const __m512i offsets = _mm512_set1_epi32(
        (h == 0 ? -k.offset & 0xffff : 0) - (last == 1 ? k.offset << 16 : 0));

    for (int i = 0; i < k.width; i++) {
        sums[i][0] =
            k.offset
                ? _mm512_madd_epi16(
                      broadcast_4(x[(size_t)i * t->x_stride].sums), offsets)
                : _mm512_setzero_si512();
        sums[i][1] = sums[i][0];
    }
    if (k.panels == 1 && k.width == 1 && k.codes != CODES_8) {
        sum_one(k, codes[0], x, h, last, &sums[0][0]);
        return;
    }
    sum_columns(k, t, codes, x, 0, h, last, sums);
    sum_columns(k, t, codes, x, 1, h, last, sums);
    sum_columns(k, t, codes, x, 2, h, last, sums);
    sum_columns(k, t, codes, x, 3, h, last, sums);
}

/* Sixteen bytes as 32-bit integers. */
INLINE __m512i widen(kind k, const uint8_t *bytes)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)bytes);

    return k.minimum ? _mm512_cvtepu8_epi32(_mm_and_si128(v, _mm_set1_epi8(15)))
                     : _mm512_cvtepi8_epi32(v);
}

/* The same for types with a scale of each half. */
INLINE void sum_halves(kind k, const tile *t, const uint8_t *const codes[2],
                       const uint8_t *const scales[2], const ph_act_block *x,
                       tile_sums sums)
{
    tile_sums low;

    sum_block(k, t, codes, x, 0, 0, low);
    for (int p = 0; p < k.panels; p++) {
        const __m512i scale = widen(k, scales[p]);

        for (int i = 0; i < k.width; i++)
            low[i][p] = _mm512_mullo_epi32(low[i][p], scale);
    }
    sum_block(k, t, codes, x, 1, 1, sums);
    for (int p = 0; p < k.panels; p++) {
        const __m512i scale = widen(k, scales[p] + 16);

        for (int i = 0; i < k.width; i++)
            sums[i][p] = _mm512_add_epi32(_mm512_mullo_epi32(sums[i][p], scale),
                                          low[i][p]);
    }
}

/* The steps of the chains for the minimums of half blocks. */
INLINE void add_minimums(kind k, const tile *t, const uint8_t *const scales[2],
                         const ph_act_block *x, uint32_t b, tile_chains acc)
{
    const __m128i fifteen = _mm_set1_epi8(15);

    for (int p = 0; p < k.panels; p++) {
        const __m128i *bytes = (const __m128i *)scales[p];
        const __m128i low =
            _mm_and_si128(_mm_srli_epi16(_mm_loadu_si128(bytes), 4), fifteen);
        const __m128i high = _mm_and_si128(
            _mm_srli_epi16(_mm_loadu_si128(bytes + 1), 4), fifteen);
        const __m512i pairs =
            _mm512_or_si512(_mm512_cvtepu8_epi32(low),
                            _mm512_slli_epi32(_mm512_cvtepu8_epi32(high), 16));
        const __m512 dmin = _mm512_loadu_ps(t->m[b][p]);

        for (int i = 0; i < k.width; i++) {
            const ph_act_block *row = &x[(size_t)i * t->x_stride];
            const __m512i sum =
                _mm512_madd_epi16(pairs, broadcast_4(row->sums));
            const __m512 m = _mm512_mul_ps(dmin, _mm512_set1_ps(row->scale));

            acc[i][p] = _mm512_fnmadd_ps(m, _mm512_cvtepi32_ps(sum), acc[i][p]);
        }
    }
}

/* The steps of the chains of all outputs. */
INLINE void add_block(kind k, const tile *t, const uint8_t *const codes[2],
                      const uint8_t *const scales[2], const ph_act_block *x,
                      uint32_t b, tile_chains acc)
{
    tile_sums sums;

    if (k.halves)
        sum_halves(k, t, codes, scales, x, sums);
    else
        sum_block(k, t, codes, x, 0, 1, sums);
    for (int p = 0; p < k.panels; p++) {
        const __m512 w = _mm512_loadu_ps(t->w[b][p]);

        for (int i = 0; i < k.width; i++) {
            const float dx = x[(size_t)i * t->x_stride].scale;

            acc[i][p] =
                _mm512_fmadd_ps(_mm512_mul_ps(w, _mm512_set1_ps(dx)),
                                _mm512_cvtepi32_ps(sums[i][p]), acc[i][p]);
        }
    }
    if (k.minimum && k.halves)
        add_minimums(k, t, scales, x, b, acc);
    else if (k.minimum)
        for (int p = 0; p < k.panels; p++) {
            const __m512 m = _mm512_loadu_ps(t->m[b][p]);

            for (int i = 0; i < k.width; i++) {
                const float wsum = x[(size_t)i * t->x_stride].wsum;

                acc[i][p] =
                    _mm512_fnmadd_ps(m, _mm512_set1_ps(wsum), acc[i][p]);
            }
        }
}

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
        scales[p] = codes[p] - SCALES;
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
                scales[p] += t->how->record - SCALES;
            }
        }
    }
    for (int i = 0; i < k.width; i++)
        for (int p = 0; p < 2; p++)
            _mm512_mask_storeu_ps(chain_of(t, i, p), t->rows[p], acc[i][p]);
}

/* All of a panel. Its factors are made a few blocks at a time, so that the
 * stream from memory never pauses. */
INLINE void add_panel(kind k, tile *t)
{
    const ph_packing *how = t->how;
    const size_t n_block = how->code_bits * 64u;
    const size_t n_records = 8 * PH_QK / how->columns;
    const size_t lines = k.codes == CODES_IQ4 ? 4 : k.codes;
    const uint8_t *record = t->records[0], *side = t->sides[0];
    const ph_act_block *x = t->x;
    tile_chains acc;

    for (int i = 0; i < k.width; i++)
        acc[i][0] = _mm512_setzero_ps();
    for (uint32_t b = 0; b < t->n_blocks; b += 8) {
        const uint32_t n = t->n_blocks - b < 8 ? t->n_blocks - b : 8;
        const uint8_t *codes[2] = {record + how->head, NULL};
        const uint8_t *scales[2] = {codes[0] - SCALES, NULL};

        ph_factors_avx512(how, record, side, n, t->w, t->m);
        if (record + PH_READ_AHEAD < t->end)
            read_lines(record + PH_READ_AHEAD, how->head / 64);
        for (uint32_t i = 0; i < n; i++, x++) {
            read_lines_again(codes[0] + SOON, lines);
            if (codes[0] + PH_READ_AHEAD < t->end)
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
