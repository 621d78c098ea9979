/* SPDX-License-Identifier: MIT
 * blocks_k_generic.h - blocks of 256 to bytes. The layouts are ggml's (ggml-
 * common.h: block_q2_K .. block_q6_K): eight spans of 32 codes, whose bit
 * planes share bytes. Private to lib/quantize. */
#ifndef PH_BLOCKS_K_GENERIC_H
#define PH_BLOCKS_K_GENERIC_H

#include "quantize/super_generic.h"

enum { SPAN = 32 };

/* bits of the codes from bit `from` on, `per` spans of 32 to 32 bytes each: the
 * codes of span j lie at shift (j % per) * (8 / per). */
static inline void put_plane(const uint8_t *codes, int from, int bits, int per,
                             uint8_t *dst)
{
    const int mask = (1 << bits) - 1;

    memset(dst, 0, (size_t)(SUPER / per));
    for (int j = 0; j < SUPER / SPAN; j++) {
        uint8_t *to = dst + j / per * SPAN;

        for (int i = 0; i < SPAN; i++)
            to[i] = (uint8_t)(to[i] | (codes[j * SPAN + i] >> from & mask)
                                          << j % per * bits);
    }
}

/* Eight scales and eight minimums of six bits in twelve bytes. */
static void put_six_bits(const super_block *s, uint8_t *dst)
{
    for (int j = 0; j < 4; j++) {
        const int scale = s->scale[j + 4], min = s->min[j + 4];

        dst[j] = (uint8_t)(s->scale[j] | (scale >> 4) << 6);
        dst[j + 4] = (uint8_t)(s->min[j] | (min >> 4) << 6);
        dst[j + 8] = (uint8_t)((scale & 15) | (min & 15) << 4);
    }
}

/* scales[16], codes[64], d, dmin */
static void put_q2_k(const super_block *s, uint8_t *dst)
{
    for (int j = 0; j < SUPER_SPANS; j++)
        dst[j] = (uint8_t)(s->scale[j] | s->min[j] << 4);
    put_plane(s->codes, 0, 2, 4, dst + 16);
    put_half(dst + 80, s->d);
    put_half(dst + 82, s->dmin);
}

/* high bits[32], low codes[64], scales[12], d */
static void put_q3_k(const super_block *s, uint8_t *dst)
{
    uint8_t *scales = dst + 96;

    put_plane(s->codes, 2, 1, 8, dst);
    put_plane(s->codes, 0, 2, 4, dst + 32);
    memset(scales, 0, 12);
    for (int j = 0; j < SUPER_SPANS; j++) {
        const int scale = s->scale[j] + 32;

        scales[j % 8] = (uint8_t)(scales[j % 8] | (scale & 15) << 4 * (j / 8));
        scales[8 + j % 4] =
            (uint8_t)(scales[8 + j % 4] | (scale >> 4) << 2 * (j / 4));
    }
    put_half(dst + 108, s->d);
}

/* d, dmin, scales[12], codes[128] */
static void put_q4_k(const super_block *s, uint8_t *dst)
{
    put_half(dst, s->d);
    put_half(dst + 2, s->dmin);
    put_six_bits(s, dst + 4);
    put_plane(s->codes, 0, 4, 2, dst + 16);
}

/* d, dmin, scales[12], high bits[32], low codes[128] */
static void put_q5_k(const super_block *s, uint8_t *dst)
{
    put_half(dst, s->d);
    put_half(dst + 2, s->dmin);
    put_six_bits(s, dst + 4);
    put_plane(s->codes, 4, 1, 8, dst + 16);
    put_plane(s->codes, 0, 4, 2, dst + 48);
}

/* The low four bits: spans 0 and 2, and 1 and 3, of each half share bytes. */
static void put_low_of_six(const uint8_t *codes, uint8_t *dst)
{
    for (int half = 0; half < 2; half++)
        for (int i = 0; i < 2 * SPAN; i++) {
            const uint8_t *from = codes + half * 4 * SPAN + i;

            dst[half * 2 * SPAN + i] =
                (uint8_t)((from[0] & 15) | (from[2 * SPAN] & 15) << 4);
        }
}

/* low codes[128], high codes[64], signed scales[16], d */
static void put_q6_k(const super_block *s, uint8_t *dst)
{
    put_low_of_six(s->codes, dst);
    put_plane(s->codes, 4, 2, 4, dst + 128);
    for (int j = 0; j < SUPER_SPANS; j++)
        dst[192 + j] = (uint8_t)(int8_t)s->scale[j];
    put_half(dst + 208, s->d);
}

/* d, high bits of scales, low bits of scales[4], codes[128]: element i of a
 * span shares a byte with element i + 16. */
static void put_iq4_xs(const super_block *s, uint8_t *dst)
{
    uint32_t high = 0;

    put_half(dst, s->d);
    memset(dst + 4, 0, 4);
    for (int j = 0; j < SUPER / SPAN; j++) {
        const uint32_t scale = (uint32_t)(s->scale[j] + 32);
        const uint8_t *codes = s->codes + j * SPAN;

        high |= (scale >> 4) << 2 * j;
        dst[4 + j / 2] = (uint8_t)(dst[4 + j / 2] | (scale & 15) << j % 2 * 4);
        for (int i = 0; i < SPAN / 2; i++)
            dst[8 + j * SPAN / 2 + i] =
                (uint8_t)(codes[i] | codes[i + SPAN / 2] << 4);
    }
    dst[2] = (uint8_t)high;
    dst[3] = (uint8_t)(high >> 8);
}

typedef struct super_type {
    ph_dtype type;
    uint32_t bytes;
    super_shape shape;
    void (*put)(const super_block *s, uint8_t *dst);
} super_type;

static const super_type super_types[] = {
    {PH_Q2_K,
     84,
     {16, {0, 3, false}, {0, 15, false}, true, {0, 0, 0, false}, 2},
     put_q2_k},
    {PH_Q3_K,
     110,
     {16, {-4, 3, false}, {-32, 31, false}, false, {-5.0f, 0.4f, 5, false}, 1},
     put_q3_k},
    {PH_Q4_K,
     144,
     {32, {0, 15, false}, {0, 63, false}, true, {0, 0, 0, false}, 2},
     put_q4_k},
    {PH_Q5_K,
     176,
     {32, {0, 31, false}, {0, 63, false}, true, {0, 0, 0, false}, 2},
     put_q5_k},
    {PH_Q6_K,
     210,
     {16,
      {-32, 31, false},
      {-128, 127, false},
      false,
      {-32.6f, 0.3f, 10, false},
      2},
     put_q6_k},
    {PH_IQ4_XS,
     136,
     {32, {-127, 113, true}, {-32, 31, false}, false, {-146, 6.5f, 7, true}, 2},
     put_iq4_xs},
};

static void encode_supers(const super_type *type, const float *src,
                          const float *importance, uint8_t *dst, size_t n)
{
    const size_t most = LANES * type->shape.span / SUPER;

    while (n) {
        const size_t now = n < most ? n : most;
        super_block blocks[2];

        encode_super(&type->shape, src, importance, (uint32_t)now, blocks);
        for (size_t b = 0; b < now; b++)
            type->put(&blocks[b], dst + b * type->bytes);
        src += now * SUPER;
        if (importance)
            importance += now * SUPER;
        dst += now * type->bytes;
        n -= now;
    }
}

#endif /* PH_BLOCKS_K_GENERIC_H */
