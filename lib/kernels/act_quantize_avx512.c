/* SPDX-License-Identifier: MIT
 * Activations from float to int8 with AVX-512: a block of 32 is two registers.
 * The rule and its special cases are those of act_quantize_generic.h. */
#include "kernels/act_quantize_avx512.h"
#include "kernels/arith.h"

#include <immintrin.h>
#include <math.h>

static inline int32_t largest_magnitude(__m512 low, __m512 high)
{
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);

    return _mm512_reduce_max_epi32(_mm512_max_epi32(
        _mm512_and_si512(_mm512_castps_si512(low), magnitude),
        _mm512_and_si512(_mm512_castps_si512(high), magnitude)));
}

/* Sixteen codes: conversion rounds half to even. */
static inline __m128i sixteen_codes(__m512 x, __m512 inverse)
{
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(x, inverse)));
}

/* The sum of the low and of the high half of 32 codes, in elements 0 and 4. */
static inline __m256i sums_of_halves(__m256i codes)
{
    const __m256i four =
        _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), codes);
    const __m256i two =
        _mm256_add_epi32(four, _mm256_shuffle_epi32(four, 0x4e));

    return _mm256_add_epi32(two, _mm256_shuffle_epi32(two, 0xb1));
}

static inline void quantize_block(const float *x, ph_act_block *out)
{
    const __m512 low = _mm512_loadu_ps(x);
    const __m512 high = _mm512_loadu_ps(x + 16);
    const int32_t bits = largest_magnitude(low, high);
    __m256i codes = _mm256_setzero_si256(), sums = codes;
    float scale = bits < PH_TINY_BITS ? 0 : NAN;
    int first, second;

    if (bits >= PH_TINY_BITS && bits < PH_INFINITE_BITS) {
        const float largest =
            _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(bits)));
        const __m512 inverse = _mm512_set1_ps(127.0f / largest);

        scale = largest / 127.0f;
        codes = _mm256_set_m128i(sixteen_codes(high, inverse),
                                 sixteen_codes(low, inverse));
        sums = sums_of_halves(codes);
    }
    first = _mm256_cvtsi256_si32(sums);
    second = _mm256_extract_epi32(sums, 4);
    _mm256_storeu_si256((__m256i *)out->codes, codes);
    out->scale = scale;
    out->wsum = scale * (float)(first + second);
    out->sums[0] = (int16_t)first;
    out->sums[1] = (int16_t)second;
}

void ph_quantize_acts_avx512(const float *x, size_t n, ph_act_block *blocks)
{
    for (size_t b = 0; b < n; b++)
        quantize_block(x + b * PH_ACT_BLOCK, &blocks[b]);
}
