/* SPDX-License-Identifier: MIT
 * encoders_generic.h - the encoders of all types, for the instruction set that
 * the including file is compiled for. Private to lib/quantize. */
#ifndef PH_ENCODERS_GENERIC_H
#define PH_ENCODERS_GENERIC_H

#include "quantize/blocks_k_generic.h"
#include "quantize/blocks_small_generic.h"
#include "quantize/encoders.h"

#include "kernels/kernels.h"

/* Rounds to nearest, ties to even. */
static inline uint32_t to_bfloat(uint32_t bits)
{
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static void encode_floats(ph_dtype type, const float *src, uint8_t *dst,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, src + i, sizeof bits);
        if (type == PH_F32)
            ph_put_le32(dst + 4 * i, bits);
        else
            put_bits(dst + 2 * i, (uint16_t)to_bfloat(bits));
    }
}

static void encode_halves(const float *src, uint8_t *dst, size_t n)
{
    size_t i = 0;

    for (; i + VEC <= n; i += VEC) {
        uint16_t bits[VEC];
        float back[VEC];

        vec_to_halves(vec_load(src + i), bits, back);
        for (size_t k = 0; k < VEC; k++)
            put_bits(dst + 2 * (i + k), bits[k]);
    }
    for (; i < n; i++)
        put_half(dst + 2 * i, src[i]);
}

static void encode_blocks(ph_dtype type, const float *src,
                          const float *importance, uint8_t *dst, size_t n)
{
    for (size_t i = 0; i < sizeof small_types / sizeof *small_types; i++)
        if (small_types[i].type == type)
            encode_smalls(&small_types[i], src, importance, dst, n / ELEMS);
    for (size_t i = 0; i < sizeof super_types / sizeof *super_types; i++)
        if (super_types[i].type == type)
            encode_supers(&super_types[i], src, importance, dst, n / SUPER);
    if (type == PH_F32 || type == PH_BF16)
        encode_floats(type, src, dst, n);
    if (type == PH_F16)
        encode_halves(src, dst, n);
    if (type == PH_Q8_0)
        encode_q8_0s(src, dst, n / ELEMS);
}

/* Their largest magnitude, as bits: NaN is above infinity. */
static uint32_t load_floats(ph_dtype type, const uint8_t *src, float *dst,
                            size_t n)
{
    uint32_t most = 0;

    if (type == PH_F16)
        load_halves(src, dst, n);
    else
        ph_dequantize(type, src, dst, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, dst + i, sizeof bits);
        bits &= 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    return most;
}

#endif /* PH_ENCODERS_GENERIC_H */
