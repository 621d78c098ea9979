/* SPDX-License-Identifier: MIT
 * pack.h - packing the blocks of rows: bit steps that work on the codes of
 * eight columns or more at a time, in 64-bit words of little-endian order.
 * Compilers make single instructions of the loads and stores. Private to
 * pack*.c. */
#ifndef PH_PACK_H
#define PH_PACK_H

#include "kernels/arith.h"
#include "kernels/packing.h"

/* Packs one block of the file, stride bytes apart, of each of n_rows rows into
 * the side data and the record of that block. */
typedef void (*ph_pack_fn)(const uint8_t *restrict src, size_t stride,
                           uint32_t n_rows, uint8_t *restrict side,
                           uint8_t *restrict record);

/* For 256-element blocks; NULL for other types. */
ph_pack_fn ph_pack_k_of(ph_dtype type);

void ph_pack_floats(const ph_packing *how, const uint8_t *src, size_t row_bytes,
                    uint32_t n_rows, uint32_t cols, uint8_t *panel);

static const uint64_t ph_nibbles = 0x0f0f0f0f0f0f0f0fu;
static const uint64_t ph_twos = 0x0303030303030303u;

static inline uint64_t ph_load64(const uint8_t *p)
{
    return ph_load32(p) | (uint64_t)ph_load32(p + 4) << 32;
}

static inline void ph_store32(uint8_t *p, uint32_t word)
{
    p[0] = (uint8_t)word;
    p[1] = (uint8_t)(word >> 8);
    p[2] = (uint8_t)(word >> 16);
    p[3] = (uint8_t)(word >> 24);
}

static inline void ph_store64(uint8_t *p, uint64_t word)
{
    ph_store32(p, (uint32_t)word);
    ph_store32(p + 4, (uint32_t)(word >> 32));
}

/* Sixteen bytes of a row: four to each line. */
static inline void ph_put_lines(uint8_t *to, uint64_t a, uint64_t b)
{
    ph_store32(to, (uint32_t)a);
    ph_store32(to + 64, (uint32_t)(a >> 32));
    ph_store32(to + 128, (uint32_t)b);
    ph_store32(to + 192, (uint32_t)(b >> 32));
}

/* The low halves of 32 bytes as 4-bit codes. */
static inline void ph_put_low(uint8_t *to, const uint64_t q[4])
{
    ph_put_lines(to, (q[0] & ph_nibbles) | (q[2] & ph_nibbles) << 4,
                 (q[1] & ph_nibbles) | (q[3] & ph_nibbles) << 4);
}

/* The high halves. */
static inline void ph_put_high(uint8_t *to, const uint64_t q[4])
{
    ph_put_lines(to, (q[0] >> 4 & ph_nibbles) | (q[2] & ~ph_nibbles),
                 (q[1] >> 4 & ph_nibbles) | (q[3] & ~ph_nibbles));
}

static inline void ph_load_32(const uint8_t *src, uint64_t q[4])
{
    for (int i = 0; i < 4; i++)
        q[i] = ph_load64(src + 8 * i);
}

/* Bytes that lie sixteen apart: of a row, in an array [..][16] of rows. */
static inline void ph_put_bytes(uint8_t *to, uint64_t bytes, int n)
{
    for (int i = 0; i < n; i++)
        to[16 * i] = (uint8_t)(bytes >> 8 * i);
}

/* A float16, whatever its bits. */
static inline void ph_put_half(uint8_t *to, const uint8_t *src)
{
    memcpy(to, src, 2);
}

#endif /* PH_PACK_H */
