/* SPDX-License-Identifier: MIT
 * cache_generic.h - storing keys and values, and the rotation that makes them
 * fit for eight bits. Private to lib/kernels; see tier.h. */
#ifndef PH_CACHE_GENERIC_H
#define PH_CACHE_GENERIC_H

#include "kernels/int8_generic.h"
#include "kernels/kernels.h"

#if defined(__F16C__)
#include <immintrin.h>
#endif

/* n is a power of two. Every step takes pairs half the length apart and leaves
 * them side by side, so that all steps are the same code: after as many as n
 * has bits, everything is where it was (Pease 1968). */
static void hadamard_block(float *x, uint32_t n)
{
    const float scale = 1 / sqrtf((float)n);
    float other[PH_MAX_HEAD_DIM];
    float *from = x, *to = other;

    for (uint32_t step = 1; step < n; step *= 2) {
        float *swap = from;

        for (uint32_t i = 0; i < n / 2; i++) {
            const float a = from[i], b = from[i + n / 2];

            to[2 * i] = a + b;
            to[2 * i + 1] = a - b;
        }
        from = to;
        to = swap;
    }
    for (uint32_t i = 0; i < n; i++)
        x[i] = from[i] * scale;
}

static void hadamard(float *head, uint32_t n)
{
    const uint32_t block = n & -n;

    for (uint32_t i = 0; i < n; i += block)
        hadamard_block(head + i, block);
}

/* step elements from one to the next. The instruction rounds as ph_f32_to_f16
 * does. */
static void store_halves(uint16_t *dst, size_t step, const float *src, size_t n)
{
    size_t i = 0;

#if defined(__F16C__)
    for (; i + 8 <= n; i += 8) {
        uint16_t halves[8];

        _mm_storeu_si128((__m128i *)(void *)halves,
                         _mm256_cvtps_ph(_mm256_loadu_ps(src + i),
                                         _MM_FROUND_TO_NEAREST_INT));
        for (size_t k = 0; k < 8; k++)
            dst[(i + k) * step] = halves[k];
    }
#endif
    for (; i < n; i++)
        dst[i * step] = ph_f32_to_f16(src[i]);
}

static void store_floats(float *dst, size_t step, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i * step] = src[i];
}

static void store_codes(int8_t *dst, size_t step, float *scale,
                        const float *src, size_t n)
{
    int8_t codes[PH_MAX_HEAD_DIM];

    *scale = ph_to_int8(src, n, codes);
    for (size_t i = 0; i < n; i++)
        dst[i * step] = codes[i];
}

static void cache_put(const ph_cache_view *cache, uint32_t pos,
                      const float *key, const float *value)
{
    const size_t n = cache->head_dim, slot = pos % PH_PAGE;
    uint8_t *page = cache->pages[pos / PH_PAGE];
    void *keys = page + cache->k_offset;
    void *values = page + cache->v_offset;

    switch (cache->format) {
    case PHIAL_CACHE_Q8:
        store_codes((int8_t *)keys + slot, PH_PAGE,
                    ph_cache_scales(keys, n) + slot, key, n);
        store_codes((int8_t *)values + slot * n, 1,
                    ph_cache_scales(values, n) + slot, value, n);
        break;
    case PHIAL_CACHE_F16:
        store_halves((uint16_t *)keys + slot, PH_PAGE, key, n);
        store_halves((uint16_t *)values + slot * n, 1, value, n);
        break;
    default:
        store_floats((float *)keys + slot, PH_PAGE, key, n);
        store_floats((float *)values + slot * n, 1, value, n);
    }
}

#endif /* PH_CACHE_GENERIC_H */
