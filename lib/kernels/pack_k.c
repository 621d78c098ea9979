/* SPDX-License-Identifier: MIT
 * Packing the types of 256-element blocks. blocks_k.c says how they lie in the
 * file, packing.h how in a panel. */
#include "kernels/pack.h"

enum { CODES_4 = 256, CODES_5 = 320, CODES_6 = 384 }; /* bytes, of 32 columns */

/* Six bits of eight scales and minimums. */
static inline void put_scales(uint8_t *to, const uint8_t *src)
{
    const uint32_t a = ph_load32(src), b = ph_load32(src + 4);
    const uint32_t low = (a & 0x0f0f0f0f) | (b & 0x0f0f0f0f) << 4;
    const uint32_t high = (a >> 4 & 0x03030303) | (b >> 2 & 0x0c0c0c0c) |
                          (a >> 2 & 0x30303030) | (b & 0xc0c0c0c0);

    ph_put_bytes(to, low | (uint64_t)ph_load32(src + 8) << 32, 8);
    ph_put_bytes(to + 128, high, 4);
}

static void pack_q4_k(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    (void)side;
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        uint8_t *codes = record + 256 + 4 * r;

        ph_put_half(record + 2 * r, src);
        ph_put_half(record + 32 + 2 * r, src + 2);
        put_scales(record + 64 + r, src + 4);
        for (int j = 0; j < 4; j++) {
            uint64_t q[4];

            ph_load_32(src + 16 + 32 * j, q);
            ph_put_low(codes + 2 * j * CODES_4, q);
            ph_put_high(codes + (2 * j + 1) * CODES_4, q);
        }
    }
}

/* Bit b of each byte of word g becomes bit g of that byte of word b. */
static inline void transpose_bits(uint32_t w[8])
{
    for (int i = 0; i < 4; i++) {
        const uint32_t t = (w[i] >> 4 ^ w[i + 4]) & 0x0f0f0f0f;

        w[i] ^= t << 4;
        w[i + 4] ^= t;
    }
    for (int k = 0; k < 4; k++) {
        const int i = k / 2 * 4 + k % 2;
        const uint32_t t = (w[i] >> 2 ^ w[i + 2]) & 0x33333333;

        w[i] ^= t << 2;
        w[i + 2] ^= t;
    }
    for (int i = 0; i < 8; i += 2) {
        const uint32_t t = (w[i] >> 1 ^ w[i + 1]) & 0x55555555;

        w[i] ^= t << 1;
        w[i + 1] ^= t;
    }
}

static void pack_q5_k(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    (void)side;
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        uint8_t *codes = record + 256 + 4 * r;
        uint32_t planes[8];

        ph_put_half(record + 2 * r, src);
        ph_put_half(record + 32 + 2 * r, src + 2);
        put_scales(record + 64 + r, src + 4);
        for (int g = 0; g < 8; g++)
            planes[g] = ph_load32(src + 16 + 4 * g);
        transpose_bits(planes);
        for (int j = 0; j < 4; j++) {
            uint64_t q[4];

            ph_load_32(src + 48 + 32 * j, q);
            ph_put_low(codes + 2 * j * CODES_5, q);
            ph_put_high(codes + (2 * j + 1) * CODES_5, q);
        }
        for (int b = 0; b < 8; b++)
            ph_store32(codes + b * CODES_5 + 256, planes[b]);
    }
}

/* Field t of two bits of each byte of word g becomes field g of word t. */
static inline void transpose_pairs(uint64_t w[4])
{
    for (int i = 0; i < 2; i++) {
        const uint64_t t = (w[i] >> 4 ^ w[i + 2]) & ph_nibbles;

        w[i] ^= t << 4;
        w[i + 2] ^= t;
    }
    for (int i = 0; i < 4; i += 2) {
        const uint64_t t = (w[i] >> 2 ^ w[i + 1]) & 0x3333333333333333u;

        w[i] ^= t << 2;
        w[i + 1] ^= t;
    }
}

static inline void put_planes(uint8_t *codes, uint64_t planes)
{
    ph_store32(codes + 256, (uint32_t)planes);
    ph_store32(codes + 320, (uint32_t)(planes >> 32));
}

/* 128 columns: the codes of four blocks of 32. */
static inline void pack_q6_k_half(const uint8_t *low, const uint8_t *high,
                                  uint8_t *codes)
{
    uint64_t q[4], planes[4];

    for (int i = 0; i < 2; i++) {
        ph_load_32(low + 32 * i, q);
        ph_put_low(codes + i * CODES_6, q);
        ph_put_high(codes + (i + 2) * CODES_6, q);
    }
    for (int g = 0; g < 4; g++)
        planes[g] = ph_load32(high + 4 * g) |
                    (uint64_t)ph_load32(high + 16 + 4 * g) << 32;
    transpose_pairs(planes);
    for (int b = 0; b < 4; b++)
        put_planes(codes + b * CODES_6, planes[b]);
}

static void pack_q6_k(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        uint8_t *codes = record + 256 + 4 * r;

        ph_put_half(side + 2 * r, src + 208);
        ph_put_bytes(record + r, ph_load64(src + 192), 8);
        ph_put_bytes(record + r + 128, ph_load64(src + 200), 8);
        pack_q6_k_half(src, src + 128, codes);
        pack_q6_k_half(src + 64, src + 160, codes + 4 * CODES_6);
    }
}

/* v - 32 of bytes below 64. */
static inline uint64_t less_32(uint64_t bytes)
{
    const uint64_t x = bytes ^ 0x2020202020202020u;
    const uint64_t sign = x & 0x2020202020202020u;

    return x | sign << 1 | sign << 2;
}

static inline void put_q3_k_scales(uint8_t *to, const uint8_t *src)
{
    const uint64_t low = ph_load64(src), high = ph_load32(src + 8);
    const uint64_t first = high | high >> 2 << 32, last = first >> 4;

    ph_put_bytes(to, less_32((low & ph_nibbles) | (first & ph_twos) << 4), 8);
    ph_put_bytes(to + 128,
                 less_32((low >> 4 & ph_nibbles) | (last & ph_twos) << 4), 8);
}

/* The codes are 3 bits, less 4: with the offset of 6-bit codes 28 to 35. */
static void pack_q3_k(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        ph_put_half(side + 2 * r, src + 108);
        put_q3_k_scales(record + r, src + 96);
        for (int b = 0; b < 8; b++) {
            uint8_t *codes = record + 256 + b * CODES_6 + 4 * r;
            uint64_t q[4], high[4], planes;

            ph_load_32(src + 32 + b / 4 * 32, q);
            ph_load_32(src, high);
            for (int i = 0; i < 4; i++)
                q[i] = (q[i] >> b % 4 * 2 & ph_twos) +
                       (high[i] >> b << 2 & 0x0404040404040404u) +
                       0x1c1c1c1c1c1c1c1cu;
            ph_put_low(codes, q);
            for (int i = 0; i < 4; i++)
                q[i] = q[i] >> 4 & ph_twos;
            planes = (q[0] & 0xffffffffu) | q[0] >> 32 << 2 | q[2] << 32;
            planes |= q[2] >> 32 << 34;
            planes |= (q[1] & 0xffffffffu) << 4 | q[1] >> 32 << 6;
            planes |= q[3] << 36 | q[3] >> 32 << 38;
            put_planes(codes, planes);
        }
    }
}

static void pack_q2_k(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    (void)side;
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        ph_put_half(record + 2 * r, src + 80);
        ph_put_half(record + 32 + 2 * r, src + 82);
        ph_put_bytes(record + 64 + r, ph_load64(src), 8);
        ph_put_bytes(record + 192 + r, ph_load64(src + 8), 8);
        for (int b = 0; b < 8; b++) {
            uint64_t q[4];

            ph_load_32(src + 16 + b / 4 * 32, q);
            for (int i = 0; i < 4; i++)
                q[i] = q[i] >> b % 4 * 2 & ph_twos;
            ph_put_low(record + 320 + b * CODES_4 + 4 * r, q);
        }
    }
}

/* Bits 4 f and 4 f + 1 of sixteen to bits 2 f and 2 f + 1 of eight. */
static inline uint8_t every_other_pair(uint32_t bits)
{
    bits &= 0x3333;
    bits = (bits | bits >> 2) & 0x0f0f;
    return (uint8_t)(bits | bits >> 4);
}

static void pack_iq4_xs(const uint8_t *restrict src, size_t stride,
                        uint32_t n_rows, uint8_t *restrict side,
                        uint8_t *restrict record)
{
    (void)side;
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        const uint32_t high = ph_load16(src + 2);
        uint8_t *head = record + 32 + r;

        ph_put_half(record + 2 * r, src);
        for (int i = 0; i < 2; i++) {
            const uint8_t a = src[4 + i], b = src[6 + i];

            head[32 * i] = (uint8_t)((a & 15) | b << 4);
            head[32 * i + 16] = (uint8_t)(a >> 4 | (b & 0xf0));
            head[64 + 16 * i] = every_other_pair(high >> 2 * i);
        }
        for (int b = 0; b < 8; b++)
            ph_put_lines(record + 128 + b * CODES_4 + 4 * r,
                         ph_load64(src + 8 + 16 * b),
                         ph_load64(src + 16 + 16 * b));
    }
}

ph_pack_fn ph_pack_k_of(ph_dtype type)
{
    switch (type) {
    case PH_Q2_K:
        return pack_q2_k;
    case PH_Q3_K:
        return pack_q3_k;
    case PH_Q4_K:
        return pack_q4_k;
    case PH_Q5_K:
        return pack_q5_k;
    case PH_Q6_K:
        return pack_q6_k;
    case PH_IQ4_XS:
        return pack_iq4_xs;
    default:
        return NULL;
    }
}
