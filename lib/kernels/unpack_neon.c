/* SPDX-License-Identifier: MIT
 * A span of a packed panel as what the tiles multiply with: codes as signed
 * bytes, scales and minimums as float or as 32-bit factors. */
#include "kernels/matmul_neon.h"

#include <arm_neon.h>

/* Spans ahead whose memory is asked for while one is unpacked. */
enum { AHEAD = 2 };

static float32x4_t quarter_of_halves(const uint8_t *halves, int q)
{
    const uint16x4_t h = vreinterpret_u16_u8(vld1_u8(halves + 8 * q));

    return vcvt_f32_f16(vreinterpret_f16_u16(h));
}

/* Bytes 4 q .. 4 q + 3. */
static int32x4_t quarter_of_bytes(int8x16_t bytes, int q)
{
    const int8x8_t half = q < 2 ? vget_low_s8(bytes) : vget_high_s8(bytes);
    const int16x8_t wide = vmovl_s8(half);

    return vmovl_s16(q % 2 ? vget_high_s16(wide) : vget_low_s16(wide));
}

/* Sixteen float16s. */
static void put_halves(float out[PH_PANEL_ROWS], const uint8_t *halves)
{
    for (int q = 0; q < PH_QUARTER; q++)
        vst1q_f32(out + 4 * q, quarter_of_halves(halves, q));
}

/* The float16s times integers. */
static void put_products(float out[PH_PANEL_ROWS], const uint8_t *halves,
                         uint8x16_t bytes)
{
    const int8x16_t integers = vreinterpretq_s8_u8(bytes);

    for (int q = 0; q < PH_QUARTER; q++)
        vst1q_f32(out + 4 * q,
                  vmulq_f32(quarter_of_halves(halves, q),
                            vcvtq_f32_s32(quarter_of_bytes(integers, q))));
}

static void put_integers(int32_t out[PH_PANEL_ROWS], uint8x16_t bytes)
{
    for (int q = 0; q < PH_QUARTER; q++)
        vst1q_s32(out + 4 * q, quarter_of_bytes(vreinterpretq_s8_u8(bytes), q));
}

/* Of each byte of v, bits first .. first + n - 1. */
static uint8x16_t bits_of(uint8x16_t v, int first, int n)
{
    return vandq_u8(vshlq_u8(v, vdupq_n_s8((int8_t)-first)),
                    vdupq_n_u8((uint8_t)((1 << n) - 1)));
}

static uint8x16_t join(uint8x16_t low_four_bits, uint8x16_t high_two_bits)
{
    return vorrq_u8(low_four_bits, vshlq_n_u8(high_two_bits, 4));
}

static void scales_4_k(const uint8_t *record, int b, ph_span_neon *out)
{
    const uint8x16_t low = vld1q_u8(record + 64 + 16 * b);
    const uint8x16_t high = vld1q_u8(record + 192 + 16 * (b % 4));
    const int shift = 4 * (b / 4);

    put_products(out->scale[b], record,
                 join(bits_of(low, 0, 4), bits_of(high, shift, 2)));
    put_products(out->min[b], record + 32,
                 join(bits_of(low, 4, 4), bits_of(high, shift + 2, 2)));
}

static void scales_iq4_xs(const uint8_t *record, int b, ph_span_neon *out)
{
    const uint8x16_t low = vld1q_u8(record + 32 + 16 * (b % 4));
    const uint8x16_t high = vld1q_u8(record + 96 + 16 * (b % 2));
    const uint8x16_t sum =
        join(bits_of(low, 4 * (b / 4), 4), bits_of(high, 2 * (b / 2), 2));

    put_products(out->scale[b], record, vsubq_u8(sum, vdupq_n_u8(32)));
}

static void scales_6(const uint8_t *side, const uint8_t *record, int b,
                     ph_span_neon *out)
{
    put_halves(out->scale[b], side);
    for (int h = 0; h < 2; h++)
        put_integers(out->factor[b][h], vld1q_u8(record + 32 * b + 16 * h));
}

static void scales_2(const uint8_t *record, int b, ph_span_neon *out)
{
    put_halves(out->scale[b], record);
    put_halves(out->min[b], record + 32);
    for (int h = 0; h < 2; h++) {
        const uint8x16_t v = vld1q_u8(record + 64 + 32 * b + 16 * h);

        put_integers(out->factor[b][h], bits_of(v, 0, 4));
        put_integers(out->min_factor[b][h], bits_of(v, 4, 4));
    }
}

static void unpack_scales(ph_dtype type, const uint8_t *side,
                          const uint8_t *record, int b, ph_span_neon *out)
{
    switch (type) {
    case PH_Q4_K:
    case PH_Q5_K:
        scales_4_k(record, b, out);
        break;
    case PH_IQ4_XS:
        scales_iq4_xs(record, b, out);
        break;
    case PH_Q6_K:
    case PH_Q3_K:
        scales_6(side, record, b, out);
        break;
    case PH_Q2_K:
        scales_2(record, b, out);
        break;
    case PH_Q4_1:
    case PH_Q5_1:
        put_halves(out->min[b], side + 32);
        for (int q = 0; q < PH_PANEL_ROWS; q += 4)
            vst1q_f32(out->min[b] + q, vnegq_f32(vld1q_f32(out->min[b] + q)));
        /* fallthrough */
    default:
        put_halves(out->scale[b], side);
    }
}

/* Groups g and 4 + g of the four low bits of codes. */
INLINE void four_bits(const uint8_t *src, int g, uint8x16_t w[8])
{
    const uint8x16_t v = vld1q_u8(src + 64 * g);

    w[g] = vandq_u8(v, vdupq_n_u8(15));
    w[4 + g] = vshrq_n_u8(v, 4);
}

/* The bits of mask from v, which is shifted left if by is positive. */
INLINE uint8x16_t insert(uint8x16_t w, uint8x16_t v, int by, int mask)
{
    return vbslq_u8(vdupq_n_u8((uint8_t)mask),
                    vshlq_u8(v, vdupq_n_s8((int8_t)by)), w);
}

/* Codes of 32 columns of four rows. */
INLINE void unpack_quarter(const int bits, const uint8_t *src, uint8x16_t w[8])
{
    if (bits == 8) {
        UNROLL
        for (int g = 0; g < 8; g++)
            w[g] = vld1q_u8(src + 64 * g);
        return;
    }
    UNROLL
    for (int g = 0; g < 4; g++)
        four_bits(src, g, w);
    if (bits == 5) {
        const uint8x16_t fifth = vld1q_u8(src + 256);

        UNROLL
        for (int g = 0; g < 8; g++)
            w[g] = insert(w[g], fifth, 4 - g, 16);
    } else if (bits == 6) {
        UNROLL
        for (int g = 0; g < 8; g++)
            w[g] = insert(w[g], vld1q_u8(src + 256 + 64 * (g / 4)),
                          4 - 2 * (g % 4), 48);
    }
}

/* Codes of a block; offset < 0: indices of ph_iq4_values. */
INLINE void unpack_cell(const int bits, const int offset, const uint8_t *src,
                        bool pairs, int8_t out[PH_QUARTER][8][16])
{
    const int8x16_t iq4 = vld1q_s8(ph_iq4_values);

    for (int q = 0; q < PH_QUARTER; q++) {
        uint8x16_t u[8];
        int8x16_t w[8];

        unpack_quarter(bits, src + 16 * q, u);
        UNROLL
        for (int g = 0; g < 8; g++)
            w[g] = offset < 0 ? vqtbl1q_s8(iq4, u[g])
                              : vreinterpretq_s8_u8(vsubq_u8(
                                    u[g], vdupq_n_u8((uint8_t)offset)));
        UNROLL
        for (int j = 0; j < 4; j++) {
            const int32x4_t a = vreinterpretq_s32_s8(w[2 * j]);
            const int32x4_t b = vreinterpretq_s32_s8(w[2 * j + 1]);
            const int32x4_t first = pairs ? vzip1q_s32(a, b) : a;
            const int32x4_t second = pairs ? vzip2q_s32(a, b) : b;

            vst1q_s8(out[q][2 * j], vreinterpretq_s8_s32(first));
            vst1q_s8(out[q][2 * j + 1], vreinterpretq_s8_s32(second));
        }
    }
}

static void unpack_codes(const ph_packing *how, const uint8_t *src, bool pairs,
                         int8_t out[PH_QUARTER][8][16])
{
    if (how->type == PH_IQ4_NL || how->type == PH_IQ4_XS)
        unpack_cell(4, -1, src, pairs, out);
    else if (how->code_bits == 8)
        unpack_cell(8, 128, src, pairs, out);
    else if (how->code_bits == 6)
        unpack_cell(6, 32, src, pairs, out);
    else if (how->code_bits == 5 && how->offset)
        unpack_cell(5, 16, src, pairs, out);
    else if (how->code_bits == 5)
        unpack_cell(5, 0, src, pairs, out);
    else if (how->offset)
        unpack_cell(4, 8, src, pairs, out);
    else
        unpack_cell(4, 0, src, pairs, out);
}

void ph_unpack_neon(const ph_packing *how, const uint8_t *panel, uint32_t cols,
                    uint32_t k, uint32_t n_blocks, bool pairs,
                    ph_span_neon *out)
{
    const uint32_t per_record = how->columns / PH_QK;
    const size_t cell = (size_t)64 * how->code_bits;
    const size_t n = k / how->columns;
    const uint8_t *side = panel + n * how->side;
    const uint8_t *record = panel + ph_side_bytes(how, cols) + n * how->record;

    for (uint32_t b = 0; b < n_blocks; b++) {
        const size_t i = b / per_record;
        const uint8_t *at = record + i * how->record;
        const uint8_t *codes = at + how->head + b % per_record * cell;

        for (size_t line = 0; line < cell; line += 64)
            __builtin_prefetch(codes + AHEAD * PH_SPAN_BLOCKS * cell + line);
        unpack_scales(how->type, side + i * how->side, at, (int)b, out);
        unpack_codes(how, codes, pairs, out->codes[b]);
    }
}
