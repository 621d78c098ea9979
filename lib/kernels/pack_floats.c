/* SPDX-License-Identifier: MIT
 * Rows of floats into a panel: a transposition. Done in squares of one 64-bit
 * word's width, and by tiles of a cache line of each row, since rows may lie a
 * power of two apart, where few lines stay in the cache. */
#include "kernels/pack.h"

enum { LINE = 64 };

static void pack_one_by_one(size_t size, const uint8_t *restrict src,
                            size_t row_bytes, uint32_t n_rows, size_t n,
                            uint8_t *restrict to)
{
    for (size_t r = 0; r < n_rows; r++)
        for (size_t k = 0; k < n; k++)
            memcpy(to + (k * PH_PANEL_ROWS + r) * size,
                   src + r * row_bytes + k * size, size);
}

/* Four columns of four rows. */
static inline void pack_16_bits(const uint8_t *restrict src, size_t row_bytes,
                                uint8_t *restrict to)
{
    const uint64_t even = 0x0000ffff0000ffffu, low = 0xffffffffu;
    uint64_t a[4], t[4];

    for (int r = 0; r < 4; r++)
        a[r] = ph_load64(src + (size_t)r * row_bytes);
    for (int r = 0; r < 4; r += 2) {
        t[r] = (a[r] & even) | (a[r + 1] & even) << 16;
        t[r + 1] = (a[r] >> 16 & even) | (a[r + 1] & ~even);
    }
    ph_store64(to, (t[0] & low) | t[2] << 32);
    ph_store64(to + 32, (t[1] & low) | t[3] << 32);
    ph_store64(to + 64, t[0] >> 32 | (t[2] & ~low));
    ph_store64(to + 96, t[1] >> 32 | (t[3] & ~low));
}

/* Two columns of two rows. */
static inline void pack_32_bits(const uint8_t *restrict src, size_t row_bytes,
                                uint8_t *restrict to)
{
    const uint64_t a = ph_load64(src), b = ph_load64(src + row_bytes);

    ph_store64(to, (a & 0xffffffffu) | b << 32);
    ph_store64(to + 64, a >> 32 | (b & ~(uint64_t)0xffffffffu));
}

static void pack_tile(size_t size, const uint8_t *restrict src,
                      size_t row_bytes, uint8_t *restrict to)
{
    if (size == 2) {
        for (size_t r = 0; r < PH_PANEL_ROWS; r += 4)
            for (size_t k = 0; k < LINE / 2; k += 4)
                pack_16_bits(src + r * row_bytes + 2 * k, row_bytes,
                             to + 32 * k + 2 * r);
        return;
    }
    for (size_t r = 0; r < PH_PANEL_ROWS; r += 2)
        for (size_t k = 0; k < LINE / 4; k += 2)
            pack_32_bits(src + r * row_bytes + 4 * k, row_bytes,
                         to + 64 * k + 4 * r);
}

void ph_pack_floats(const ph_packing *how, const uint8_t *src, size_t row_bytes,
                    uint32_t n_rows, uint32_t cols, uint8_t *panel)
{
    const size_t size = how->record / PH_PANEL_ROWS, step = LINE / size;
    size_t k = 0;

    for (; n_rows == PH_PANEL_ROWS && k + step <= cols; k += step)
        pack_tile(size, src + k * size, row_bytes, panel + k * how->record);
    pack_one_by_one(size, src + k * size, row_bytes, n_rows, cols - k,
                    panel + k * how->record);
}
