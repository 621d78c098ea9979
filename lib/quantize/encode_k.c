/* SPDX-License-Identifier: MIT
 * Blocks of 256 to bytes. The layouts are ggml's (ggml-common.h: block_q2_K ..
 * block_q6_K): eight spans of 32 codes, whose bit planes share bytes. */
#include "quantize/fit.h"

enum { SPAN = 32 };

/* bits of the codes from bit `from` on, `per` spans of 32 to 32 bytes each: the
 * codes of span j lie at shift (j % per) * (8 / per). */
static void put_plane(const int8_t *codes, int from, int bits, int per,
                      uint8_t *dst)
{
    const int mask = (1 << bits) - 1;

    memset(dst, 0, (size_t)(PH_SUPER / per));
    for (int j = 0; j < PH_SUPER / SPAN; j++) {
        uint8_t *to = dst + j / per * SPAN;

        for (int i = 0; i < SPAN; i++)
            to[i] = (uint8_t)(to[i] | (codes[j * SPAN + i] >> from & mask)
                                          << j % per * bits);
    }
}

static void shift_codes(ph_super *s, int add)
{
    for (int i = 0; i < PH_SUPER; i++)
        s->codes[i] = (int8_t)(s->codes[i] + add);
}

/* Eight scales and eight minimums of six bits in twelve bytes. */
static void put_six_bits(const ph_super *s, uint8_t *dst)
{
    for (int j = 0; j < 4; j++) {
        const int scale = s->scale[j + 4], min = s->min[j + 4];

        dst[j] = (uint8_t)(s->scale[j] | (scale >> 4) << 6);
        dst[j + 4] = (uint8_t)(s->min[j] | (min >> 4) << 6);
        dst[j + 8] = (uint8_t)((scale & 15) | (min & 15) << 4);
    }
}

/* scales[16], codes[64], d, dmin */
void ph_encode_q2_k(const float *src, uint8_t *dst)
{
    static const ph_super_shape shape = {16, {0, 3}, 0, 15};
    ph_super s;

    ph_super_affine(&shape, src, &s);
    for (int j = 0; j < PH_SUPER_SPANS; j++)
        dst[j] = (uint8_t)(s.scale[j] | s.min[j] << 4);
    put_plane(s.codes, 0, 2, 4, dst + 16);
    ph_put_half(dst + 80, s.d);
    ph_put_half(dst + 82, s.dmin);
}

/* high bits[32], low codes[64], scales[12], d */
void ph_encode_q3_k(const float *src, uint8_t *dst)
{
    static const ph_super_shape shape = {16, {-4, 3}, -32, 31};
    uint8_t *scales = dst + 96;
    ph_super s;

    ph_super_signed(&shape, src, &s);
    shift_codes(&s, 4);
    put_plane(s.codes, 2, 1, 8, dst);
    put_plane(s.codes, 0, 2, 4, dst + 32);
    memset(scales, 0, 12);
    for (int j = 0; j < PH_SUPER_SPANS; j++) {
        const int scale = s.scale[j] + 32;

        scales[j % 8] = (uint8_t)(scales[j % 8] | (scale & 15) << 4 * (j / 8));
        scales[8 + j % 4] =
            (uint8_t)(scales[8 + j % 4] | (scale >> 4) << 2 * (j / 4));
    }
    ph_put_half(dst + 108, s.d);
}

/* d, dmin, scales[12], codes[128] */
void ph_encode_q4_k(const float *src, uint8_t *dst)
{
    static const ph_super_shape shape = {32, {0, 15}, 0, 63};
    ph_super s;

    ph_super_affine(&shape, src, &s);
    ph_put_half(dst, s.d);
    ph_put_half(dst + 2, s.dmin);
    put_six_bits(&s, dst + 4);
    put_plane(s.codes, 0, 4, 2, dst + 16);
}

/* d, dmin, scales[12], high bits[32], low codes[128] */
void ph_encode_q5_k(const float *src, uint8_t *dst)
{
    static const ph_super_shape shape = {32, {0, 31}, 0, 63};
    ph_super s;

    ph_super_affine(&shape, src, &s);
    ph_put_half(dst, s.d);
    ph_put_half(dst + 2, s.dmin);
    put_six_bits(&s, dst + 4);
    put_plane(s.codes, 4, 1, 8, dst + 16);
    put_plane(s.codes, 0, 4, 2, dst + 48);
}

/* The low four bits: spans 0 and 2, and 1 and 3, of each half share bytes. */
static void put_low_of_six(const int8_t *codes, uint8_t *dst)
{
    for (int half = 0; half < 2; half++)
        for (int i = 0; i < 2 * SPAN; i++) {
            const int8_t *from = codes + half * 4 * SPAN + i;

            dst[half * 2 * SPAN + i] =
                (uint8_t)((from[0] & 15) | (from[2 * SPAN] & 15) << 4);
        }
}

/* low codes[128], high codes[64], signed scales[16], d */
void ph_encode_q6_k(const float *src, uint8_t *dst)
{
    static const ph_super_shape shape = {16, {-32, 31}, -128, 127};
    ph_super s;

    ph_super_signed(&shape, src, &s);
    shift_codes(&s, 32);
    put_low_of_six(s.codes, dst);
    put_plane(s.codes, 4, 2, 4, dst + 128);
    for (int j = 0; j < PH_SUPER_SPANS; j++)
        dst[192 + j] = (uint8_t)(int8_t)s.scale[j];
    ph_put_half(dst + 208, s.d);
}
