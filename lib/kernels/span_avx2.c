/* SPDX-License-Identifier: MIT
 * A span of a packed panel as what the tiles multiply with: codes as unsigned
 * bytes, scales and minimums as float or as 16-bit factors. */
#include "kernels/codes_avx2.h"

/* Sixteen of each. */
typedef struct floats {
    __m256 low, high;
} floats;

static floats load_halves(const uint8_t *p)
{
    return (floats){
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)),
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 16))),
    };
}

static void put(float *out, floats f)
{
    _mm256_store_ps(out, f.low);
    _mm256_store_ps(out + 8, f.high);
}

/* The product of signed bytes and d. */
static floats times(__m128i bytes, floats d)
{
    const __m256i low = _mm256_cvtepi8_epi32(bytes);
    const __m256i high = _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8));

    return (floats){
        _mm256_mul_ps(d.low, _mm256_cvtepi32_ps(low)),
        _mm256_mul_ps(d.high, _mm256_cvtepi32_ps(high)),
    };
}

static __m128i load_bytes(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)p);
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

/* The rows' signed bytes a and b as pairs of int16, times 2^shift. */
static void put_pairs(int16_t out[PH_PANEL_ROWS][2], __m128i a, __m128i b,
                      int shift)
{
    const __m256i low = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b));
    const __m256i high = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b));

    _mm256_store_si256((__m256i *)out[0], _mm256_slli_epi16(low, shift));
    _mm256_store_si256((__m256i *)out[8], _mm256_slli_epi16(high, shift));
}

static void scales_4_k(const uint8_t *record, ph_span_scales *out)
{
    const floats d = load_halves(record), dmin = load_halves(record + 32);

    for (int b = 0; b < PH_SPAN_BLOCKS; b++) {
        const __m128i low = load_bytes(record + 64 + 16 * b);
        const __m128i high = _mm_srli_epi16(
            load_bytes(record + 192 + 16 * (b % 4)), 4 * (b / 4));

        put(out->scale[b],
            times(join(bits_of(low, 0, 4), bits_of(high, 0, 2)), d));
        put(out->min[b],
            times(join(bits_of(low, 4, 4), bits_of(high, 2, 2)), dmin));
    }
}

static void scales_iq4_xs(const uint8_t *record, ph_span_scales *out)
{
    const floats d = load_halves(record);

    for (int b = 0; b < PH_SPAN_BLOCKS; b++) {
        const __m128i low = load_bytes(record + 32 + 16 * (b % 4));
        const __m128i high = load_bytes(record + 96 + 16 * (b % 2));
        const __m128i scale =
            join(bits_of(low, 4 * (b / 4), 4), bits_of(high, 2 * (b / 2), 2));

        put(out->scale[b], times(_mm_sub_epi8(scale, _mm_set1_epi8(32)), d));
    }
}

static void scales_6(const uint8_t *side, const uint8_t *record,
                     ph_span_scales *out)
{
    const floats d = load_halves(side);

    for (int b = 0; b < PH_SPAN_BLOCKS; b++) {
        const __m128i first = load_bytes(record + 32 * b);
        const __m128i second = load_bytes(record + 32 * b + 16);

        put(out->scale[b], d);
        put_pairs(out->factor[b][0], first, first, 0);
        put_pairs(out->factor[b][1], second, second, 0);
        put_pairs(out->pair[b], first, second, 5);
    }
}

static void scales_2(const uint8_t *record, ph_span_scales *out)
{
    const floats d = load_halves(record), dmin = load_halves(record + 32);

    for (int b = 0; b < PH_SPAN_BLOCKS; b++) {
        const __m128i first = load_bytes(record + 64 + 32 * b);
        const __m128i second = load_bytes(record + 80 + 32 * b);
        const __m128i scale[] = {bits_of(first, 0, 4), bits_of(second, 0, 4)};

        put(out->scale[b], d);
        put(out->min[b], dmin);
        put_pairs(out->factor[b][0], scale[0], scale[0], 0);
        put_pairs(out->factor[b][1], scale[1], scale[1], 0);
        put_pairs(out->pair[b], bits_of(first, 4, 4), bits_of(second, 4, 4), 0);
    }
}

/* Types with a record per block. */
static void scales_plain(const ph_packing *how, const uint8_t *side,
                         uint32_t n_blocks, ph_span_scales *out)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);

    for (uint32_t b = 0; b < n_blocks; b++, side += how->side) {
        put(out->scale[b], load_halves(side));
        if (how->side > 2 * PH_PANEL_ROWS) {
            const floats m = load_halves(side + 32);

            put(out->min[b], (floats){_mm256_xor_ps(m.low, sign),
                                      _mm256_xor_ps(m.high, sign)});
        }
    }
}

void ph_unpack_scales_avx2(const ph_packing *how, const uint8_t *panel,
                           uint32_t cols, uint32_t k, uint32_t n_blocks,
                           ph_span_scales *out)
{
    const size_t n = k / how->columns;
    const uint8_t *side = panel + n * how->side;
    const uint8_t *record = panel + ph_side_bytes(how, cols) + n * how->record;

    switch (how->type) {
    case PH_Q4_K:
    case PH_Q5_K:
        scales_4_k(record, out);
        break;
    case PH_IQ4_XS:
        scales_iq4_xs(record, out);
        break;
    case PH_Q6_K:
    case PH_Q3_K:
        scales_6(side, record, out);
        break;
    case PH_Q2_K:
        scales_2(record, out);
        break;
    default:
        scales_plain(how, side, n_blocks, out);
    }
}

PH_INLINE void unpack(const code_format format, const int planes,
                      const uint8_t *codes, uint32_t n_blocks, uint8_t *cells)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
#pragma GCC unroll 32
        for (int i = 0; i < 16 * planes; i++) {
            _mm256_store_si256(
                (__m256i *)cells,
                read_codes(format, codes, i / 16, i % 16 / 2, i % 2));
            cells += sizeof(__m256i);
        }
        codes += code_bytes(format);
    }
}

void ph_unpack_codes_avx2(ph_product product, const uint8_t *codes,
                          uint32_t n_blocks, uint8_t *cells)
{
    switch (product) {
    case PH_PRODUCT_5:
    case PH_PRODUCT_5_MIN:
        unpack(CODES_5, 1, codes, n_blocks, cells);
        break;
    case PH_PRODUCT_6:
        unpack(CODES_6, 1, codes, n_blocks, cells);
        break;
    case PH_PRODUCT_8:
        unpack(CODES_8, 2, codes, n_blocks, cells);
        break;
    case PH_PRODUCT_IQ4:
        unpack(CODES_IQ4, 2, codes, n_blocks, cells);
        break;
    default:
        unpack(CODES_4, 1, codes, n_blocks, cells);
    }
}
