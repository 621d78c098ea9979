/* SPDX-License-Identifier: MIT
 * codes_avx2.h - reading packed codes as unsigned bytes, as packing.h lays
 * them out: a vector has four columns of eight rows. Private to the files
 * *_avx2 of lib/kernels. */
#ifndef PH_CODES_AVX2_H
#define PH_CODES_AVX2_H

#include "kernels/matmul_avx2.h"

#include <immintrin.h>

#define PH_INLINE static inline __attribute__((always_inline))

/* How codes lie in memory; always a constant. */
typedef enum code_format {
    CODES_4,
    CODES_5,
    CODES_6,
    CODES_8,   /* in two planes, of the low and of the high four bits */
    CODES_IQ4, /* the values plus 128 in such planes */
    CELLS,     /* unpacked */
    CELL_PAIRS /* unpacked, two planes */
} code_format;

/* Bytes of a block of 32 columns. */
PH_INLINE size_t code_bytes(const code_format format)
{
    switch (format) {
    case CODES_5:
        return 320;
    case CODES_6:
        return 384;
    case CODES_8:
    case CELLS:
        return 512;
    case CELL_PAIRS:
        return 1024;
    default:
        return 256;
    }
}

PH_INLINE __m256i load_codes(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* Four bits of each byte. */
PH_INLINE __m256i four_bits(__m256i v, bool high)
{
    return _mm256_and_si256(high ? _mm256_srli_epi16(v, 4) : v,
                            _mm256_set1_epi8(15));
}

/* Bits from .. from + 3 of v as bits to .. to + 3, and of these only mask. */
PH_INLINE __m256i move_bits(__m256i v, int from, int to, char mask)
{
    const __m256i moved = from > to ? _mm256_srli_epi16(v, from - to)
                                    : _mm256_slli_epi16(v, to - from);

    return _mm256_and_si256(moved, _mm256_set1_epi8(mask));
}

PH_INLINE __m256i iq4_values(bool high)
{
    const __m128i values = _mm_loadu_si128((const __m128i *)ph_iq4_values);
    const __m256i twice = _mm256_broadcastsi128_si256(values);

    return four_bits(_mm256_xor_si256(twice, _mm256_set1_epi8(-128)), high);
}

/* Columns 4 g .. 4 g + 3 of rows 8 h .. 8 h + 7. */
PH_INLINE __m256i read_codes(const code_format format, const uint8_t *block,
                             int plane, int g, int h)
{
    const uint8_t *line = block + 32 * h;
    __m256i four;

    if (format == CELLS || format == CELL_PAIRS)
        return load_codes(line + PH_CELL * plane + 64 * g);
    if (format == CODES_8)
        return four_bits(load_codes(line + 64 * g), plane);
    four = four_bits(load_codes(line + 64 * (g % 4)), g >= 4);
    if (format == CODES_5)
        return _mm256_or_si256(four,
                               move_bits(load_codes(line + 256), g, 4, 0x10));
    if (format == CODES_6)
        return _mm256_or_si256(four,
                               move_bits(load_codes(line + 256 + 64 * (g / 4)),
                                         2 * (g % 4), 4, 0x30));
    if (format == CODES_IQ4)
        return _mm256_shuffle_epi8(iq4_values(plane), four);
    return four;
}

#endif /* PH_CODES_AVX2_H */
