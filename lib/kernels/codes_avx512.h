/* SPDX-License-Identifier: MIT
 * codes_avx512.h - four columns of packed codes of sixteen rows as unsigned
 * bytes, in the layouts of packing.h. Everything about the kind of codes is
 * known when this is inlined. Private to lib/kernels. */
#ifndef PH_CODES_AVX512_H
#define PH_CODES_AVX512_H

#include "kernels/packing.h"

#include <immintrin.h>

/* The number of bits, but for the indices of IQ4. */
typedef enum codes_kind {
    CODES_IQ4,
    CODES_4 = 4,
    CODES_5 = 5,
    CODES_6 = 6,
    CODES_8 = 8
} codes_kind;

static inline __m512i load_512(const void *p)
{
    return _mm512_loadu_si512(p);
}

/* Shifted left by n, or right by -n. */
static inline __m512i shift(__m512i v, int n)
{
    return n > 0   ? _mm512_slli_epi32(v, (unsigned)n)
           : n < 0 ? _mm512_srli_epi32(v, (unsigned)-n)
                   : v;
}

/* The low four bits of low and the other ones of high, as many as in mask. */
static inline __m512i join(__m512i low, __m512i high, char mask)
{
    const __m512i fifteen = _mm512_set1_epi8(15);

    return _mm512_and_si512(_mm512_ternarylogic_epi64(fifteen, low, high, 0xca),
                            _mm512_set1_epi8(mask));
}

/* IQ4's values by index, + 128 to be unsigned. */
static inline __m512i iq4_codes(__m512i index)
{
    const __m128i values = _mm_loadu_si128((const __m128i *)ph_iq4_values);
    const __m512i table =
        _mm512_broadcast_i32x4(_mm_xor_si128(values, _mm_set1_epi8(-128)));

    return _mm512_shuffle_epi8(table, index);
}

/* Columns 4 g .. 4 g + 3 of half h (0, 1) of a block; g = 0..3. nibbles: what
 * lies at codes + 64 g, of which less than eight bits may be needed. */
static inline __attribute__((always_inline)) __m512i
four_columns_of(codes_kind kind, __m512i nibbles, const uint8_t *codes, int g,
                int h)
{
    const __m512i fifteen = _mm512_set1_epi8(15);
    __m512i low;

    if (kind == CODES_8)
        return load_512(codes + 64 * (g + 4 * h));
    low = shift(nibbles, -4 * h);
    if (kind == CODES_5)
        return join(low, shift(load_512(codes + 256), 4 - g - 4 * h), 31);
    if (kind == CODES_6)
        return join(low, shift(load_512(codes + 256 + 64 * h), 4 - 2 * g), 63);
    low = _mm512_and_si512(low, fifteen);
    return kind == CODES_IQ4 ? iq4_codes(low) : low;
}

static inline __attribute__((always_inline)) __m512i
four_columns(codes_kind kind, const uint8_t *codes, int g, int h)
{
    return four_columns_of(kind, load_512(codes + 64 * g), codes, g, h);
}

/* Asks for n lines: into the second-level cache, and from there into the
 * first. Always inlined: GCC takes a function that does nothing else for one
 * without effect, and drops its calls. */
static inline __attribute__((always_inline)) void
read_lines(const uint8_t *first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        _mm_prefetch((const char *)first + 64 * i, _MM_HINT_T1);
}

static inline __attribute__((always_inline)) void
read_lines_again(const uint8_t *first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        _mm_prefetch((const char *)first + 64 * i, _MM_HINT_T0);
}

#endif /* PH_CODES_AVX512_H */
