/* SPDX-License-Identifier: MIT
 * From floats to blocks of any type that can be written. */
#include "quantize/fit.h"
#include "quantize/quantize.h"

#include <float.h>

typedef struct encoder {
    ph_dtype type;
    uint32_t elems, bytes; /* of a block */
    void (*few)(const float *src, uint8_t *dst, uint32_t n_blocks);
    void (*one)(const float *src, uint8_t *dst);
} encoder;

static const encoder encoders[] = {
    {PH_Q4_0, 32, 18, ph_encode_q4_0, NULL},
    {PH_Q4_1, 32, 20, ph_encode_q4_1, NULL},
    {PH_Q5_0, 32, 22, ph_encode_q5_0, NULL},
    {PH_Q5_1, 32, 24, ph_encode_q5_1, NULL},
    {PH_Q8_0, 32, 34, ph_encode_q8_0, NULL},
    {PH_Q2_K, PH_SUPER, 84, NULL, ph_encode_q2_k},
    {PH_Q3_K, PH_SUPER, 110, NULL, ph_encode_q3_k},
    {PH_Q4_K, PH_SUPER, 144, NULL, ph_encode_q4_k},
    {PH_Q5_K, PH_SUPER, 176, NULL, ph_encode_q5_k},
    {PH_Q6_K, PH_SUPER, 210, NULL, ph_encode_q6_k},
};

static const encoder *encoder_of(ph_dtype type)
{
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        if (encoders[i].type == type)
            return &encoders[i];
    return NULL;
}

bool ph_can_encode(ph_dtype type)
{
    return type == PH_F32 || type == PH_F16 || type == PH_BF16 ||
           encoder_of(type);
}

/* Scales and offsets are in half precision, and none is above the largest
 * element. */
float ph_encode_limit(ph_dtype type)
{
    return type == PH_F32 ? FLT_MAX : type == PH_BF16 ? 0x1.fep127f : 65504.0f;
}

static void encode_blocks(const encoder *e, const float *src, uint8_t *dst,
                          size_t n)
{
    const size_t n_blocks = n / e->elems;

    if (e->one) {
        for (size_t b = 0; b < n_blocks; b++)
            e->one(src + b * e->elems, dst + b * e->bytes);
        return;
    }
    for (size_t b = 0; b < n_blocks; b += PH_FIT_LANES)
        e->few(src + b * e->elems, dst + b * e->bytes,
               (uint32_t)ph_min(n_blocks - b, PH_FIT_LANES));
}

static uint32_t bits_of(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* Rounds to nearest, ties to even. */
static void put_bfloat(uint8_t *dst, float f)
{
    uint32_t bits = bits_of(f);

    bits += 0x7fff + (bits >> 16 & 1);
    dst[0] = (uint8_t)(bits >> 16);
    dst[1] = (uint8_t)(bits >> 24);
}

void ph_encode(ph_dtype type, const float *src, uint8_t *dst, size_t n)
{
    const encoder *e = encoder_of(type);

    if (e) {
        encode_blocks(e, src, dst, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (type == PH_F32)
            ph_put_le32(dst + 4 * i, bits_of(src[i]));
        else if (type == PH_F16)
            ph_put_half(dst + 2 * i, src[i]);
        else
            put_bfloat(dst + 2 * i, src[i]);
    }
}
