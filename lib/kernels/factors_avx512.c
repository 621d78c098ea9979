/* SPDX-License-Identifier: MIT
 * The float factors of a chunk of two panels: the scales and minimums of its
 * blocks, exactly as the rule in doc/numerics.md has them. */
#include "kernels/tile_avx512.h"

static __m512 halves_at(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* Rows of four blocks: the low four bits of each byte of low, and two bits of
 * high above them. */
static __m512i six_bits(__m512i low, __m512i high)
{
    return _mm512_or_si512(_mm512_and_si512(low, _mm512_set1_epi8(15)),
                           _mm512_and_si512(high, _mm512_set1_epi8(0x30)));
}

/* out[4] = d times the integers of four blocks. */
static void scale_four(__m512 d, __m512i integers, bool with_sign,
                       float out[][2][PH_PANEL_ROWS])
{
    __m128i part[4];

    _mm512_storeu_si512(part, integers);
    for (int i = 0; i < 4; i++) {
        const __m512i wide = with_sign ? _mm512_cvtepi8_epi32(part[i])
                                       : _mm512_cvtepu8_epi32(part[i]);

        _mm512_storeu_ps(out[i][0], _mm512_mul_ps(d, _mm512_cvtepi32_ps(wide)));
    }
}

/* Q4_K and Q5_K: a record of 8 blocks. */
static void factors_k(const uint8_t *record, float w[][2][PH_PANEL_ROWS],
                      float m[][2][PH_PANEL_ROWS])
{
    const __m512 d = halves_at(record), dmin = halves_at(record + 32);
    const __m512i low0 = _mm512_loadu_si512(record + 64);
    const __m512i low1 = _mm512_loadu_si512(record + 128);
    const __m512i high = _mm512_loadu_si512(record + 192);

    scale_four(d, six_bits(low0, _mm512_slli_epi16(high, 4)), false, w);
    scale_four(d, six_bits(low1, high), false, w + 4);
    scale_four(dmin,
               six_bits(_mm512_srli_epi16(low0, 4), _mm512_slli_epi16(high, 2)),
               false, m);
    scale_four(dmin,
               six_bits(_mm512_srli_epi16(low1, 4), _mm512_srli_epi16(high, 2)),
               false, m + 4);
}

static void factors_iq4_xs(const uint8_t *record, float w[][2][PH_PANEL_ROWS])
{
    const __m512 d = halves_at(record);
    const __m512i low = _mm512_loadu_si512(record + 32);
    const __m512i high = _mm512_broadcast_i64x4(
        _mm256_loadu_si256((const __m256i *)(record + 96)));
    /* bits 0 and 1 of blocks 0 and 1, bits 2 and 3 of blocks 2 and 3 */
    const __m512i first = _mm512_inserti64x4(
        _mm512_slli_epi16(high, 4),
        _mm512_castsi512_si256(_mm512_slli_epi16(high, 2)), 1);
    const __m512i second = _mm512_inserti64x4(
        high, _mm512_castsi512_si256(_mm512_srli_epi16(high, 2)), 1);
    const __m512i offset = _mm512_set1_epi8(32);

    scale_four(d, _mm512_sub_epi8(six_bits(low, first), offset), true, w);
    scale_four(
        d, _mm512_sub_epi8(six_bits(_mm512_srli_epi16(low, 4), second), offset),
        true, w + 4);
}

/* A record of 8 blocks. */
static void factors_of_record(ph_dtype type, const uint8_t *record,
                              const uint8_t *side, float w[][2][PH_PANEL_ROWS],
                              float m[][2][PH_PANEL_ROWS])
{
    switch (type) {
    case PH_Q4_K:
    case PH_Q5_K:
        factors_k(record, w, m);
        break;
    case PH_IQ4_XS:
        factors_iq4_xs(record, w);
        break;
    case PH_Q2_K:
        for (int i = 0; i < 8; i++) {
            _mm512_storeu_ps(w[i][0], halves_at(record));
            _mm512_storeu_ps(m[i][0], halves_at(record + 32));
        }
        break;
    default: /* Q6_K, Q3_K */
        for (int i = 0; i < 8; i++)
            _mm512_storeu_ps(w[i][0], halves_at(side));
    }
}

void ph_factors_avx512(const ph_packing *how, const uint8_t *record,
                       const uint8_t *side, uint32_t n_blocks,
                       float w[][2][PH_PANEL_ROWS], float m[][2][PH_PANEL_ROWS])
{
    const uint32_t step = how->columns / PH_QK;
    const __m512 minus = _mm512_set1_ps(-0.0f);

    for (uint32_t b = 0; b < n_blocks; b += step) {
        if (step > 1) {
            factors_of_record(how->type, record, side, w + b, m + b);
        } else {
            _mm512_storeu_ps(w[b][0], halves_at(side));
            if (how->side > 32)
                _mm512_storeu_ps(m[b][0],
                                 _mm512_xor_ps(halves_at(side + 32), minus));
        }
        record += how->record;
        side += how->side;
    }
}
