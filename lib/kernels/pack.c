/* SPDX-License-Identifier: MIT
 * Rows of a file's blocks into a panel, and the types of 32-element blocks:
 * their codes are already paired as the panel wants them. */
#include "kernels/pack.h"

static void pack_q4_0(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        ph_put_half(side + 2 * r, src);
        ph_put_lines(record + 4 * r, ph_load64(src + 2), ph_load64(src + 10));
    }
}

static void pack_q4_1(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        ph_put_half(side + 2 * r, src);
        ph_put_half(side + 32 + 2 * r, src + 2);
        ph_put_lines(record + 4 * r, ph_load64(src + 4), ph_load64(src + 12));
    }
}

/* Bits that differ in two positions shift apart change places. */
static inline uint32_t exchange(uint32_t x, int shift, uint32_t mask)
{
    const uint32_t t = (x ^ x >> shift) & mask;

    return x ^ t ^ t << shift;
}

/* Bit 4 g + i to bit 8 i + g: the five bits of the position are rotated by two,
 * which takes four exchanges of two of them. */
static inline uint32_t plane_of(uint32_t bits)
{
    bits = exchange(bits, 3, 0x0a0a0a0a);
    bits = exchange(bits, 6, 0x00cc00cc);
    bits = exchange(bits, 8, 0x0000ff00);
    return exchange(bits, 4, 0x00f000f0);
}

static void pack_q5_0(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        ph_put_half(side + 2 * r, src);
        ph_put_lines(record + 4 * r, ph_load64(src + 6), ph_load64(src + 14));
        ph_store32(record + 256 + 4 * r, plane_of(ph_load32(src + 2)));
    }
}

static void pack_q5_1(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        ph_put_half(side + 2 * r, src);
        ph_put_half(side + 32 + 2 * r, src + 2);
        ph_put_lines(record + 4 * r, ph_load64(src + 8), ph_load64(src + 16));
        ph_store32(record + 256 + 4 * r, plane_of(ph_load32(src + 4)));
    }
}

static void pack_q8_0(const uint8_t *restrict src, size_t stride,
                      uint32_t n_rows, uint8_t *restrict side,
                      uint8_t *restrict record)
{
    const uint64_t offsets = 0x8080808080808080u;

    for (uint32_t r = 0; r < n_rows; r++, src += stride) {
        ph_put_half(side + 2 * r, src);
        ph_put_lines(record + 4 * r, ph_load64(src + 2) ^ offsets,
                     ph_load64(src + 10) ^ offsets);
        ph_put_lines(record + 256 + 4 * r, ph_load64(src + 18) ^ offsets,
                     ph_load64(src + 26) ^ offsets);
    }
}

static ph_pack_fn pack_of(ph_dtype type)
{
    switch (type) {
    case PH_Q4_0:
    case PH_IQ4_NL:
        return pack_q4_0;
    case PH_Q4_1:
        return pack_q4_1;
    case PH_Q5_0:
        return pack_q5_0;
    case PH_Q5_1:
        return pack_q5_1;
    case PH_Q8_0:
        return pack_q8_0;
    default:
        return ph_pack_k_of(type);
    }
}

void ph_pack_panel(ph_dtype type, const uint8_t *src, size_t row_bytes,
                   uint32_t n_rows, uint32_t cols, uint8_t *panel)
{
    const ph_packing *how = ph_packing_of(type);
    const size_t n = cols / how->columns, side = ph_side_bytes(how, cols);
    const size_t bytes = ph_panel_bytes(type, cols);
    const size_t end = side + n * how->record;
    const ph_pack_fn pack = pack_of(type);
    size_t block;

    if (n_rows < PH_PANEL_ROWS)
        memset(panel, 0, bytes);
    memset(panel + n * how->side, 0, side - n * how->side);
    memset(panel + end, 0, bytes - end);
    if (!pack) {
        ph_pack_floats(how, src, row_bytes, n_rows, cols, panel);
        return;
    }
    block = ph_block_type_of(type)->bytes;
    for (size_t i = 0; i < n; i++)
        pack(src + i * block, row_bytes, n_rows, panel + i * how->side,
             panel + side + i * how->record);
}
