/* SPDX-License-Identifier: MIT
 * block_avx512.h - one block of 32 columns of one or two panels times a few
 * rows of activations: the integer sums and the steps of the float chains, as
 * the rule in doc/numerics.md has them. Everything that a body is made for is
 * known when this is inlined. Private to lib/kernels. */
#ifndef PH_BLOCK_AVX512_H
#define PH_BLOCK_AVX512_H

#include "kernels/codes_avx512.h"
#include "kernels/tile_avx512.h"

#define INLINE static inline __attribute__((always_inline))

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

#endif /* PH_BLOCK_AVX512_H */
