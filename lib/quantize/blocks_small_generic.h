/* SPDX-License-Identifier: MIT
 * blocks_small_generic.h - blocks of 32 with a scale, or a scale and an
 * offset, in half precision. The layouts are ggml's (ggml-common.h: block_q4_0
 * .. block_q8_0); element i shares a byte with element i + 16. Private to
 * lib/quantize. */
#ifndef PH_BLOCKS_SMALL_GENERIC_H
#define PH_BLOCKS_SMALL_GENERIC_H

#include "quantize/fit_generic.h"

enum { ELEMS = 32, HALF = 16 };

typedef struct small_type {
    ph_dtype type;
    uint32_t bytes;
    code_range c;
    bool offset, fifth; /* what a block has beside the scale and codes */
    peak_codes peaks;   /* without an offset */
} small_type;

static const small_type small_types[] = {
    {PH_Q4_0, 18, {-8, 7, false}, false, false, {-8.6f, 0.5f, 4, false}},
    {PH_Q4_1, 20, {0, 15, false}, true, false, {0, 0, 0, false}},
    {PH_Q5_0, 22, {-16, 15, false}, false, true, {-16.6f, 0.3f, 10, false}},
    {PH_Q5_1, 24, {0, 31, false}, true, true, {0, 0, 0, false}},
    {PH_IQ4_NL, 18, {-127, 113, true}, false, false, {-146, 6.5f, 7, true}},
};

/* What the spans of sixteen lanes are multiplied with, and what is added, in
 * half precision. */
typedef struct factors {
    uint16_t scale_bits[LANES], offset_bits[LANES];
    lanes scale, offset;
} factors;

/* Scale, offset, fifth bits (32), low four bits [16]. */
static inline void put_small(const small_type *type, const float *src,
                             const factors *f, uint32_t lane, uint8_t *dst)
{
    uint8_t codes[ELEMS];
    uint32_t fifth = 0;

    put_bits(dst, f->scale_bits[lane]);
    dst += 2;
    if (type->offset) {
        put_bits(dst, f->offset_bits[lane]);
        dst += 2;
    }
    fit_codes(src, ELEMS, type->c, f->scale[lane], f->offset[lane], codes);
    if (type->fifth) {
        for (int i = 0; i < ELEMS; i++)
            fifth |= (uint32_t)(codes[i] >> 4) << i;
        ph_put_le32(dst, fifth);
        dst += 4;
    }
    for (int i = 0; i < HALF; i++)
        dst[i] = (uint8_t)((codes[i] & 15) | codes[i + HALF] << 4);
}

static void encode_small(const small_type *type, const float *src,
                         const float *importance, uint8_t *dst, uint32_t n)
{
    affine_fit best = {.offset = vec_set(0)};
    factors found;
    fit f;

    fit_load(&f, src, importance, ELEMS, n);
    for (int l = 0; l < LANES; l += VEC) {
        if (type->offset)
            best = fit_affine(&f, l, type->c, false);
        else
            best.scale = fit_scale(&f, l, type->c, type->peaks);
        vec_to_halves(best.scale, found.scale_bits + l, found.scale + l);
        vec_to_halves(best.offset, found.offset_bits + l, found.offset + l);
    }
    for (uint32_t b = 0; b < n; b++)
        put_small(type, src + b * ELEMS, &found, b, dst + b * type->bytes);
}

static void encode_smalls(const small_type *type, const float *src,
                          const float *importance, uint8_t *dst, size_t n)
{
    while (n) {
        const size_t now = n < LANES ? n : LANES;

        encode_small(type, src, importance, dst, (uint32_t)now);
        src += now * ELEMS;
        if (importance)
            importance += now * ELEMS;
        dst += now * type->bytes;
        n -= now;
    }
}

static inline float peak_of(const float *src)
{
    int32_t bits[ELEMS], most = 0;
    float peak;

    memcpy(bits, src, sizeof bits);
    for (int i = 0; i < ELEMS; i++) {
        const int32_t magnitude = bits[i] & 0x7fffffff;

        most = magnitude > most ? magnitude : most;
    }
    memcpy(&peak, &most, sizeof peak);
    return peak;
}

/* d, codes[32]. Eight bits are so many that a search finds next to nothing: the
 * largest magnitude is 127. */
static void encode_q8_0(const float *src, uint8_t *dst, uint32_t n)
{
    uint16_t bits[LANES];
    lanes scale = {0};

    for (uint32_t b = 0; b < n; b++)
        scale[b] = peak_of(src + b * ELEMS) / 127;
    for (int l = 0; l < LANES; l += VEC)
        vec_to_halves(vec_load(scale + l), bits + l, scale + l);
    for (uint32_t b = 0; b < n; b++, src += ELEMS, dst += 34) {
        const float inverse = scale[b] > 0 ? 1 / scale[b] : 0;

        put_bits(dst, bits[b]);
        for (int i = 0; i < ELEMS; i++) {
            float v = (src[i] * inverse + 0x1.8p23f) - 0x1.8p23f;

            v = v > -127 ? v : -127;
            v = v < 127 ? v : 127;
            dst[2 + i] = (uint8_t)(int8_t)(int32_t)v;
        }
    }
}

static void encode_q8_0s(const float *src, uint8_t *dst, size_t n)
{
    while (n) {
        const size_t now = n < LANES ? n : LANES;

        encode_q8_0(src, dst, (uint32_t)now);
        src += now * ELEMS;
        dst += now * 34;
        n -= now;
    }
}

#endif /* PH_BLOCKS_SMALL_GENERIC_H */
