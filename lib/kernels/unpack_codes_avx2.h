/* SPDX-License-Identifier: MIT
 * unpack_codes_avx2.h - packed codes of 16 rows and 32 columns as a cell of
 * unsigned bytes (or two). Private to the files *_avx2 of lib/kernels. */
#ifndef PH_UNPACK_CODES_AVX2_H
#define PH_UNPACK_CODES_AVX2_H

#include "kernels/matmul_avx2.h"

#include <immintrin.h>

static inline __m256i low_four(__m256i v)
{
    return _mm256_and_si256(v, _mm256_set1_epi8(15));
}

static inline __m256i high_four(__m256i v)
{
    return low_four(_mm256_srli_epi16(v, 4));
}

static inline __m256i load_codes(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline void store_codes(uint8_t *p, __m256i v)
{
    _mm256_store_si256((__m256i *)p, v);
}

/* In the next three, group g is in the low and 4 + g in the high four bits. */
static inline void unpack_4_bits(const uint8_t *src, uint8_t *cell)
{
    for (int i = 0; i < 256; i += 32) {
        const __m256i v = load_codes(src + i);

        store_codes(cell + i, low_four(v));
        store_codes(cell + 256 + i, high_four(v));
    }
}

static inline void unpack_5_bits(const uint8_t *src, uint8_t *cell)
{
    const __m256i bit = _mm256_set1_epi8(16);

    for (int h = 0; h < 64; h += 32) {
        const __m256i fifth = load_codes(src + 256 + h);

        for (int g = 0; g < 4; g++) {
            const __m256i v = load_codes(src + 64 * g + h);
            const __m256i low = _mm256_slli_epi16(fifth, 4 - g);
            const __m256i high = _mm256_srli_epi16(fifth, g);

            store_codes(
                cell + 64 * g + h,
                _mm256_or_si256(low_four(v), _mm256_and_si256(low, bit)));
            store_codes(
                cell + 256 + 64 * g + h,
                _mm256_or_si256(high_four(v), _mm256_and_si256(high, bit)));
        }
    }
}

/* Bits 2 g and 2 g + 1 of v as bits 4 and 5. */
static inline __m256i upper_two(__m256i v, int g)
{
    const __m256i moved = g < 2 ? _mm256_slli_epi16(v, 4 - 2 * g)
                                : _mm256_srli_epi16(v, 2 * g - 4);

    return _mm256_and_si256(moved, _mm256_set1_epi8(0x30));
}

static inline void unpack_6_bits(const uint8_t *src, uint8_t *cell)
{
    for (int h = 0; h < 64; h += 32) {
        const __m256i low = load_codes(src + 256 + h);
        const __m256i high = load_codes(src + 320 + h);

        for (int g = 0; g < 4; g++) {
            const __m256i v = load_codes(src + 64 * g + h);

            store_codes(cell + 64 * g + h,
                        _mm256_or_si256(low_four(v), upper_two(low, g)));
            store_codes(cell + 256 + 64 * g + h,
                        _mm256_or_si256(high_four(v), upper_two(high, g)));
        }
    }
}

static inline void unpack_8_bits(const uint8_t *src, uint8_t *cell)
{
    for (int i = 0; i < 512; i += 32) {
        const __m256i v = load_codes(src + i);

        store_codes(cell + i, low_four(v));
        store_codes(cell + PH_CELL + i, high_four(v));
    }
}

/* The values of the codes plus 128, as codes of 8 bits. */
static inline void unpack_iq4(const uint8_t *src, uint8_t *cell)
{
    const __m256i values =
        _mm256_xor_si256(_mm256_broadcastsi128_si256(
                             _mm_loadu_si128((const __m128i *)ph_iq4_values)),
                         _mm256_set1_epi8(-128));
    const __m256i low = low_four(values), high = high_four(values);

    for (int i = 0; i < 256; i += 32) {
        const __m256i v = load_codes(src + i);
        const __m256i first = low_four(v), second = high_four(v);

        store_codes(cell + i, _mm256_shuffle_epi8(low, first));
        store_codes(cell + 256 + i, _mm256_shuffle_epi8(low, second));
        store_codes(cell + PH_CELL + i, _mm256_shuffle_epi8(high, first));
        store_codes(cell + PH_CELL + 256 + i,
                    _mm256_shuffle_epi8(high, second));
    }
}

#endif /* PH_UNPACK_CODES_AVX2_H */
