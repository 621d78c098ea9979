/* SPDX-License-Identifier: MIT
 * A span of a packed panel as what the tiles multiply with: codes as unsigned
 * bytes, scales and minimums as float or as 16-bit factors. */
#include "kernels/unpack_codes_avx2.h"

/* Records that a span ahead is asked of memory for while one is unpacked. */
enum { AHEAD = 2 };

static void put_floats(float *out, __m128i bytes, const uint8_t *halves)
{
    const __m256i low = _mm256_cvtepi8_epi32(bytes);
    const __m256i high = _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8));
    const __m256 d0 = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
    const __m256 d1 =
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + 16)));

    _mm256_store_ps(out, _mm256_mul_ps(d0, _mm256_cvtepi32_ps(low)));
    _mm256_store_ps(out + 8, _mm256_mul_ps(d1, _mm256_cvtepi32_ps(high)));
}

/* Sixteen float16s times factor, which is 1 or -1. */
static void put_halves(float *out, const uint8_t *halves, float factor)
{
    const __m256 by = _mm256_set1_ps(factor);

    for (int i = 0; i < PH_PANEL_ROWS; i += 8) {
        const __m128i h = _mm_loadu_si128((const __m128i *)(halves + 2 * i));

        _mm256_store_ps(out + i, _mm256_mul_ps(_mm256_cvtph_ps(h), by));
    }
}

/* Of each byte of v, bits first .. first + n - 1. */
static __m128i bits_of(__m128i v, int first, int n)
{
    return _mm_and_si128(_mm_srli_epi16(v, first),
                         _mm_set1_epi8((char)((1 << n) - 1)));
}

static __m128i join(__m128i low_four_bits, __m128i high_two_bits)
{
    return _mm_or_si128(low_four_bits, _mm_slli_epi16(high_two_bits, 4));
}

/* The rows' bytes a and b as pairs of int16. */
static void put_pairs(int16_t out[PH_PANEL_ROWS][2], __m128i a, __m128i b)
{
    for (int i = 0; i < PH_PANEL_ROWS; i += 8) {
        const __m256i first = _mm256_cvtepi8_epi32(a);
        const __m256i second = _mm256_cvtepi8_epi32(b);

        _mm256_store_si256(
            (__m256i *)out[i],
            _mm256_blend_epi16(first, _mm256_slli_epi32(second, 16), 0xaa));
        a = _mm_srli_si128(a, 8);
        b = _mm_srli_si128(b, 8);
    }
}

static __m128i bytes_at(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static void scales_4_k(const uint8_t *record, int b, ph_span_avx2 *out)
{
    const __m128i low = bytes_at(record + 64 + 16 * b);
    const __m128i high = bytes_at(record + 192 + 16 * (b % 4));
    const int shift = 4 * (b / 4);

    put_floats(out->scale[b], join(bits_of(low, 0, 4), bits_of(high, shift, 2)),
               record);
    put_floats(out->min[b],
               join(bits_of(low, 4, 4), bits_of(high, shift + 2, 2)),
               record + 32);
}

static void scales_iq4_xs(const uint8_t *record, int b, ph_span_avx2 *out)
{
    const __m128i low = bytes_at(record + 32 + 16 * (b % 4));
    const __m128i high = bytes_at(record + 96 + 16 * (b % 2));
    const __m128i sum =
        join(bits_of(low, 4 * (b / 4), 4), bits_of(high, 2 * (b / 2), 2));

    put_floats(out->scale[b], _mm_sub_epi8(sum, _mm_set1_epi8(32)), record);
}

static void scales_6(const uint8_t *side, const uint8_t *record, int b,
                     ph_span_avx2 *out)
{
    const __m128i a = bytes_at(record + 32 * b);
    const __m128i c = bytes_at(record + 32 * b + 16);

    put_halves(out->scale[b], side, 1);
    put_pairs(out->factor[b][0], a, a);
    put_pairs(out->factor[b][1], c, c);
    put_pairs(out->pair[b], a, c);
    for (int i = 0; i < PH_PANEL_ROWS; i += 8) {
        __m256i *pair = (__m256i *)out->pair[b][i];

        *pair = _mm256_slli_epi16(*pair, 5);
    }
}

static void scales_2(const uint8_t *record, int b, ph_span_avx2 *out)
{
    const __m128i low = bytes_at(record + 64 + 32 * b);
    const __m128i high = bytes_at(record + 64 + 32 * b + 16);
    const __m128i a = bits_of(low, 0, 4), c = bits_of(high, 0, 4);

    put_halves(out->scale[b], record, 1);
    put_halves(out->min[b], record + 32, 1);
    put_pairs(out->factor[b][0], a, a);
    put_pairs(out->factor[b][1], c, c);
    put_pairs(out->pair[b], bits_of(low, 4, 4), bits_of(high, 4, 4));
}

static void unpack_scales(ph_dtype type, const uint8_t *side,
                          const uint8_t *record, int b, ph_span_avx2 *out)
{
    switch (type) {
    case PH_Q4_K:
    case PH_Q5_K:
        scales_4_k(record, b, out);
        break;
    case PH_IQ4_XS:
        scales_iq4_xs(record, b, out);
        break;
    case PH_Q6_K:
    case PH_Q3_K:
        scales_6(side, record, b, out);
        break;
    case PH_Q2_K:
        scales_2(record, b, out);
        break;
    case PH_Q4_1:
    case PH_Q5_1:
        put_halves(out->min[b], side + 32, -1);
        /* fallthrough */
    default:
        put_halves(out->scale[b], side, 1);
    }
}

static void unpack_codes(const ph_packing *how, bool iq4, const uint8_t *src,
                         uint32_t b, ph_span_avx2 *out)
{
    uint8_t *cell = out->codes + (size_t)b * PH_CELL;

    if (iq4)
        unpack_iq4(src, cell + (size_t)b * PH_CELL);
    else if (how->code_bits == 8)
        unpack_8_bits(src, cell + (size_t)b * PH_CELL);
    else if (how->code_bits == 6)
        unpack_6_bits(src, cell);
    else if (how->code_bits == 5)
        unpack_5_bits(src, cell);
    else
        unpack_4_bits(src, cell);
}

void ph_unpack_avx2(const ph_packing *how, const uint8_t *panel, uint32_t cols,
                    uint32_t k, uint32_t n_blocks, ph_span_avx2 *out)
{
    const bool iq4 = how->type == PH_IQ4_NL || how->type == PH_IQ4_XS;
    const uint32_t per_record = how->columns / PH_QK;
    const size_t cell = (size_t)64 * how->code_bits;
    const size_t n = k / how->columns;
    const uint8_t *side = panel + n * how->side;
    const uint8_t *record = panel + ph_side_bytes(how, cols) + n * how->record;

    for (uint32_t b = 0; b < n_blocks; b++) {
        const uint32_t i = b / per_record;
        const uint8_t *at = record + (size_t)i * how->record;
        const uint8_t *codes = at + how->head + b % per_record * cell;

        for (size_t line = 0; line < cell; line += 64)
            _mm_prefetch((const char *)(codes + AHEAD * 2048 + line),
                         _MM_HINT_T0);
        unpack_scales(how->type, side + (size_t)i * how->side, at, (int)b, out);
        unpack_codes(how, iq4, codes, b, out);
    }
}
