/* SPDX-License-Identifier: MIT
 * Readers of 256-element blocks. The layouts are ggml's (ggml-common.h:
 * block_q2_K .. block_q6_K, block_iq4_xs); each holds eight 32-element blocks,
 * and bit planes of several of them share a byte. */
#include "kernels/arith.h"
#include "kernels/blocks.h"

/* The shifts are constants in each case, which lets compilers work on bytes. */
static inline void take(const uint8_t *src, int shift, int mask, int8_t *codes)
{
    for (int i = 0; i < PH_QK; i++)
        codes[i] = (int8_t)(src[i] >> shift & mask);
}

/* Bits 2 k and 2 k + 1 of each byte. */
static void take_two_bits(const uint8_t *src, uint32_t k, int8_t *codes)
{
    switch (k) {
    case 0:
        take(src, 0, 3, codes);
        break;
    case 1:
        take(src, 2, 3, codes);
        break;
    case 2:
        take(src, 4, 3, codes);
        break;
    default:
        take(src, 6, 3, codes);
    }
}

static void take_four_bits(const uint8_t *src, uint32_t k, int8_t *codes)
{
    if (k)
        take(src, 4, 15, codes);
    else
        take(src, 0, 15, codes);
}

/* Adds value where bit k of the byte is set. */
static void add_bit(const uint8_t *src, uint32_t k, int value, int8_t *codes)
{
    uint8_t bit = (uint8_t)(1 << k);

    for (int i = 0; i < PH_QK; i++)
        codes[i] = (int8_t)(codes[i] + (src[i] & bit ? value : 0));
}

/* Scale and minimum of 32-block j of Q4_K and Q5_K: six bits each, packed in
 * twelve bytes. */
static void read_six_bits(const uint8_t *s, uint32_t j, ph_block *out)
{
    int scale, min;

    if (j < 4) {
        scale = s[j] & 63;
        min = s[j + 4] & 63;
    } else {
        scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
        min = s[j + 4] >> 4 | (s[j] >> 6) << 4;
    }
    out->scale[0] = out->scale[1] = scale;
    out->min[0] = out->min[1] = min;
}

/* scales[16], codes[64], d, dmin */
void ph_read_q2_k(const uint8_t *src, uint32_t j, ph_block *out)
{
    take_two_bits(src + 16 + 32 * (j / 4), j % 4, out->codes);
    for (uint32_t h = 0; h < 2; h++) {
        out->scale[h] = src[2 * j + h] & 15;
        out->min[h] = src[2 * j + h] >> 4;
    }
    out->d = ph_load_half(src + 80);
    out->dmin = ph_load_half(src + 82);
}

/* Scale of 16-block k < 16 of Q3_K: the low four bits lie in bytes 0..7 (k and
 * k + 8 share one), the high two in bytes 8..11. */
static int q3_k_scale(const uint8_t *scales, uint32_t k)
{
    int low = scales[k % 8] >> 4 * (k / 8) & 15;
    int high = scales[8 + k % 4] >> 2 * (k / 4) & 3;

    return (low | high << 4) - 32;
}

/* high bits[32], low codes[64], scales[12], d */
void ph_read_q3_k(const uint8_t *src, uint32_t j, ph_block *out)
{
    take_two_bits(src + 32 + 32 * (j / 4), j % 4, out->codes);
    add_bit(src, j, 4, out->codes);
    for (uint32_t i = 0; i < PH_QK; i++)
        out->codes[i] = (int8_t)(out->codes[i] - 4);
    for (uint32_t h = 0; h < 2; h++)
        out->scale[h] = q3_k_scale(src + 96, 2 * j + h);
    out->d = ph_load_half(src + 108);
}

/* d, dmin, scales[12], codes[128] */
void ph_read_q4_k(const uint8_t *src, uint32_t j, ph_block *out)
{
    take_four_bits(src + 16 + 32 * (j / 2), j % 2, out->codes);
    read_six_bits(src + 4, j, out);
    out->d = ph_load_half(src);
    out->dmin = ph_load_half(src + 2);
}

/* d, dmin, scales[12], high bits[32], low codes[128] */
void ph_read_q5_k(const uint8_t *src, uint32_t j, ph_block *out)
{
    take_four_bits(src + 48 + 32 * (j / 2), j % 2, out->codes);
    add_bit(src + 16, j, 16, out->codes);
    read_six_bits(src + 4, j, out);
    out->d = ph_load_half(src);
    out->dmin = ph_load_half(src + 2);
}

/* low codes[128], high codes[64], signed scales[16], d */
void ph_read_q6_k(const uint8_t *src, uint32_t j, ph_block *out)
{
    int8_t high[PH_QK];

    take_four_bits(src + 64 * (j / 4) + 32 * (j % 2), j % 4 / 2, out->codes);
    take_two_bits(src + 128 + 32 * (j / 4), j % 4, high);
    for (uint32_t i = 0; i < PH_QK; i++)
        out->codes[i] = (int8_t)(out->codes[i] + high[i] * 16 - 32);
    for (uint32_t h = 0; h < 2; h++)
        out->scale[h] = (int8_t)src[192 + 2 * j + h];
    out->d = ph_load_half(src + 208);
}

/* d, high scale bits (16), low scale bits[4], codes[128] */
void ph_read_iq4_xs(const uint8_t *src, uint32_t j, ph_block *out)
{
    const uint8_t *codes = src + 8 + 16 * j;
    int low = src[4 + j / 2] >> 4 * (j % 2) & 15;
    int high = ph_load16(src + 2) >> 2 * j & 3;

    for (uint32_t i = 0; i < 16; i++) {
        out->codes[i] = ph_iq4_values[codes[i] & 15];
        out->codes[i + 16] = ph_iq4_values[codes[i] >> 4];
    }
    out->scale[0] = out->scale[1] = (low | high << 4) - 32;
    out->d = ph_load_half(src);
}
