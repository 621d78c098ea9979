/* SPDX-License-Identifier: MIT
 * Blocks of 32 with a scale, or a scale and an offset, in half precision. The
 * layouts are ggml's (ggml-common.h: block_q4_0 .. block_q8_0); element i
 * shares a byte with element i + 16. */
#include "quantize/fit.h"

#include <math.h>

enum { ELEMS = 32, HALF = 16 };

/* The low four bits of 32 codes. */
static void put_nibbles(const int8_t *codes, int add, uint8_t *dst)
{
    for (int i = 0; i < HALF; i++)
        dst[i] = (uint8_t)(((codes[i] + add) & 15) |
                           ((codes[i + HALF] + add) & 15) << 4);
}

/* The fifth bit of each. */
static void put_fifth(const int8_t *codes, int add, uint8_t *dst)
{
    uint32_t bits = 0;

    for (int i = 0; i < ELEMS; i++)
        bits |= (uint32_t)((codes[i] + add) >> 4 & 1) << i;
    ph_put_le32(dst, bits);
}

/* Codes of n_blocks with a scale in half precision. */
static void fit_signed(const float *src, uint32_t n_blocks, float lowest,
                       ph_lanes scale, int8_t *codes)
{
    const ph_codes range = {lowest, -lowest - 1};
    const ph_lanes none = {0};
    ph_fit fit;

    ph_fit_load(&fit, src, ELEMS, n_blocks);
    ph_fit_scale(&fit, range, scale);
    for (int l = 0; l < PH_FIT_LANES; l++)
        scale[l] = ph_as_half(scale[l]);
    ph_fit_codes(&fit, range, scale, none, codes);
}

static void fit_offset(const float *src, uint32_t n_blocks, float highest,
                       ph_lanes scale, ph_lanes offset, int8_t *codes)
{
    const ph_codes range = {0, highest};
    ph_fit fit;

    ph_fit_load(&fit, src, ELEMS, n_blocks);
    ph_fit_affine(&fit, highest, false, scale, offset);
    for (int l = 0; l < PH_FIT_LANES; l++) {
        scale[l] = ph_as_half(scale[l]);
        offset[l] = ph_as_half(offset[l]);
    }
    ph_fit_codes(&fit, range, scale, offset, codes);
}

/* d, codes[16] */
void ph_encode_q4_0(const float *src, uint8_t *dst, uint32_t n_blocks)
{
    int8_t codes[PH_FIT_LANES * ELEMS];
    ph_lanes scale;

    fit_signed(src, n_blocks, -8, scale, codes);
    for (uint32_t l = 0; l < n_blocks; l++, dst += 18) {
        ph_put_half(dst, scale[l]);
        put_nibbles(codes + l * ELEMS, 8, dst + 2);
    }
}

/* d, offset, codes[16] */
void ph_encode_q4_1(const float *src, uint8_t *dst, uint32_t n_blocks)
{
    int8_t codes[PH_FIT_LANES * ELEMS];
    ph_lanes scale, offset;

    fit_offset(src, n_blocks, 15, scale, offset, codes);
    for (uint32_t l = 0; l < n_blocks; l++, dst += 20) {
        ph_put_half(dst, scale[l]);
        ph_put_half(dst + 2, offset[l]);
        put_nibbles(codes + l * ELEMS, 0, dst + 4);
    }
}

/* d, fifth bits (32), codes[16] */
void ph_encode_q5_0(const float *src, uint8_t *dst, uint32_t n_blocks)
{
    int8_t codes[PH_FIT_LANES * ELEMS];
    ph_lanes scale;

    fit_signed(src, n_blocks, -16, scale, codes);
    for (uint32_t l = 0; l < n_blocks; l++, dst += 22) {
        ph_put_half(dst, scale[l]);
        put_fifth(codes + l * ELEMS, 16, dst + 2);
        put_nibbles(codes + l * ELEMS, 16, dst + 6);
    }
}

/* d, offset, fifth bits (32), codes[16] */
void ph_encode_q5_1(const float *src, uint8_t *dst, uint32_t n_blocks)
{
    int8_t codes[PH_FIT_LANES * ELEMS];
    ph_lanes scale, offset;

    fit_offset(src, n_blocks, 31, scale, offset, codes);
    for (uint32_t l = 0; l < n_blocks; l++, dst += 24) {
        ph_put_half(dst, scale[l]);
        ph_put_half(dst + 2, offset[l]);
        put_fifth(codes + l * ELEMS, 0, dst + 4);
        put_nibbles(codes + l * ELEMS, 0, dst + 8);
    }
}

/* d, codes[32]. Eight bits are so many that a search finds next to nothing: the
 * largest magnitude is 127. */
void ph_encode_q8_0(const float *src, uint8_t *dst, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++, src += ELEMS, dst += 34) {
        float most = 0, scale, inverse;

        for (int i = 0; i < ELEMS; i++)
            most = fabsf(src[i]) > most ? fabsf(src[i]) : most;
        scale = ph_as_half(most / 127);
        inverse = scale > 0 ? 1 / scale : 0;
        ph_put_half(dst, scale);
        for (int i = 0; i < ELEMS; i++) {
            float v = src[i] * inverse;

            v = v < -127 ? -127 : v;
            v = v > 127 ? 127 : v;
            v = (v + 0x1.8p23f) - 0x1.8p23f;
            dst[2 + i] = (uint8_t)(int8_t)v;
        }
    }
}
