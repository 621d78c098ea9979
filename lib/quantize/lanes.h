/* SPDX-License-Identifier: MIT
 * lanes.h - vectors of VEC floats of the instruction set that a file is
 * compiled for. Sixteen spans are searched side by side, one in each lane; no
 * sum crosses lanes, so that VEC is not visible in any result. Private to
 * lib/quantize. */
#ifndef PH_LANES_H
#define PH_LANES_H

#include "base/base.h"
#include "base/dtype.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { VEC = 16 };
#elif defined(__AVX2__)
enum { VEC = 8 };
#else
enum { VEC = 4 };
#endif

typedef float vec __attribute__((vector_size(VEC * 4)));
typedef int32_t vec_bits __attribute__((vector_size(VEC * 4)));

static inline vec vec_load(const float *from)
{
    vec v;

    memcpy(&v, from, sizeof v);
    return v;
}

static inline void vec_store(float *to, vec v)
{
    memcpy(to, &v, sizeof v);
}

static inline vec vec_set(float f)
{
    return f - (vec){0};
}

/* mask is all ones or all zeros in each lane. */
static inline vec vec_select(vec_bits mask, vec a, vec b)
{
    return (vec)((mask & (vec_bits)a) | (~mask & (vec_bits)b));
}

/* b where both are equal: zeros may differ in sign. */
static inline vec vec_max(vec a, vec b)
{
#if defined(__AVX512F__)
    return _mm512_max_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_max_ps(a, b);
#elif defined(__x86_64__)
    return _mm_max_ps(a, b);
#else
    return vec_select(a > b, a, b);
#endif
}

static inline vec vec_min(vec a, vec b)
{
#if defined(__AVX512F__)
    return _mm512_min_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_min_ps(a, b);
#elif defined(__x86_64__)
    return _mm_min_ps(a, b);
#else
    return vec_select(a < b, a, b);
#endif
}

static inline vec vec_abs(vec a)
{
    return (vec)((vec_bits)a & 0x7fffffff);
}

/* a * b + c where the product is exact: then it does not matter whether it is
 * rounded before the sum. */
static inline vec vec_exact_fma(vec a, vec b, vec c)
{
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}

/* The leading bits of a, 8 at least, towards zero. */
static inline vec vec_shorten(vec a, int bits)
{
    vec_bits mask;

    for (int i = 0; i < VEC; i++)
        mask[i] = -(1 << (24 - bits));
    return (vec)((vec_bits)a & mask);
}

/* To the nearest integer, ties to even; of magnitudes below 2^22. */
static inline vec vec_round(vec a)
{
    return (a + 0x1.8p23f) - 0x1.8p23f;
}

/* 1 / a; 0 of 0. */
static inline vec vec_inverse(vec a)
{
    return (vec)((vec_bits)(1 / a) & (a != 0));
}

/* Rounds VEC floats to half precision: the bits, and what they stand for. */
static inline void vec_to_halves(vec v, uint16_t *bits, float *back)
{
#if defined(__AVX512F__)
    const __m256i half = _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);

    _mm256_storeu_si256((__m256i *)bits, half);
    vec_store(back, _mm512_cvtph_ps(half));
#elif defined(__AVX2__)
    const __m128i half = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);

    _mm_storeu_si128((__m128i *)bits, half);
    vec_store(back, _mm256_cvtph_ps(half));
#else
    for (int i = 0; i < VEC; i++) {
        bits[i] = ph_f32_to_f16(v[i]);
        back[i] = ph_f16_to_f32(bits[i]);
    }
#endif
}

/* n numbers in half precision as float. */
static inline void load_halves(const uint8_t *src, float *dst, size_t n)
{
    size_t i = 0;

#if defined(__AVX2__)
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(dst + i, _mm256_cvtph_ps(_mm_loadu_si128(
                                      (const __m128i *)(src + 2 * i))));
#endif
    for (; i < n; i++)
        dst[i] = ph_f16_to_f32((uint16_t)(src[2 * i] | src[2 * i + 1] << 8));
}

/* Four rows of four floats, stride apart, as columns. */
static inline void transpose_four(const float *from, size_t stride, float *to,
                                  size_t to_stride)
{
#if defined(__x86_64__)
    __m128 a = _mm_loadu_ps(from), b = _mm_loadu_ps(from + stride);
    __m128 c = _mm_loadu_ps(from + 2 * stride);
    __m128 d = _mm_loadu_ps(from + 3 * stride);

    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(to, a);
    _mm_storeu_ps(to + to_stride, b);
    _mm_storeu_ps(to + 2 * to_stride, c);
    _mm_storeu_ps(to + 3 * to_stride, d);
#else
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            to[j * to_stride + i] = from[i * stride + j];
#endif
}

#endif /* PH_LANES_H */
