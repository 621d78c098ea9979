/* SPDX-License-Identifier: MIT
 * vec_avx2.h - what the kernels that are written once for all instruction
 * sets need of one: vectors of VEC floats. Private to lib/kernels. */
#ifndef PH_VEC_AVX2_H
#define PH_VEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>

enum { VEC = 8 };

/* Sums that stay in registers: TILE_ROWS rows of TILE_VECS vectors. */
#define TILE_ROWS 6
enum { TILE_VECS = 2, STREAM_ROWS = 8 };

typedef __m256 vec;

static inline vec vec_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline vec vec_load_half(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

static inline vec vec_load_codes(const int8_t *p)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)));
}

static inline void vec_store(float *p, vec x)
{
    _mm256_storeu_ps(p, x);
}

/* a * b + c, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* The larger of each two; b where a is NaN. */
static inline vec vec_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

static inline vec vec_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

/* The largest element of a vector without NaN. */
static inline float vec_largest(vec x)
{
    const __m128 x4 =
        _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 x2 = _mm_max_ps(x4, _mm_movehl_ps(x4, x4));

    return _mm_cvtss_f32(_mm_max_ss(x2, _mm_movehdup_ps(x2)));
}

/* The sum of 16 lanes, as ph_reduce does it. */
static inline float vec_sum_lanes(const vec lanes[2])
{
    const __m256 x8 = _mm256_add_ps(lanes[0], lanes[1]);
    const __m128 x4 =
        _mm_add_ps(_mm256_castps256_ps128(x8), _mm256_extractf128_ps(x8, 1));
    const __m128 x2 = _mm_add_ps(x4, _mm_movehl_ps(x4, x4));

    return _mm_cvtss_f32(_mm_add_ss(x2, _mm_movehdup_ps(x2)));
}

#endif /* PH_VEC_AVX2_H */
