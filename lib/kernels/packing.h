/* SPDX-License-Identifier: MIT
 * packing.h - how weights lie in memory for the matrix products: panels of
 * PH_PANEL_ROWS rows, interleaved so that one load gives four consecutive
 * elements of each of sixteen rows. That is the operand of the int8 dot product
 * of AVX-512 as a whole, of AVX2 by halves, of NEON by quarters.
 *
 * A panel is side data for all its records, rounded up to 64 bytes, then the
 * records, each a multiple of 64 bytes: 16 rows x 32 columns, or x 256 for the
 * types that come in such blocks. Row r is r = 0..15, b = 0..7 a block of 32
 * columns in a record of 256. Integers are as in the file (with the offset that
 * makes codes unsigned) and floats are its float16s: packing loses nothing.
 *
 *   codes of 32 columns
 *     4 bits   256 bytes: byte 64 g + 4 r + i has column 4 g + i in its low and
 *              16 + 4 g + i in its high half, g = 0..3
 *     5 bits   that, and 64 bytes: byte 4 r + i has the fifth bits, of column
 *              4 g + i in bit g, of 16 + 4 g + i in bit 4 + g
 *     6 bits   the 4-bit codes, and 2 x 64 bytes: byte 4 r + i of the first has
 *              bits 4 and 5 of column 4 g + i in bits 2 g and 2 g + 1, the
 *              second those of column 16 + 4 g + i
 *     8 bits   512 bytes: byte 64 g + 4 r + i has column 4 g + i, g = 0..7
 *
 *   type           side data     record
 *   Q4_0, IQ4_NL   d[16]         4-bit codes
 *   Q4_1           d[16] m[16]   4-bit codes
 *   Q5_0           d[16]         5-bit codes
 *   Q5_1           d[16] m[16]   5-bit codes
 *   Q8_0           d[16]         8-bit codes
 *   Q4_K, Q5_K                   d[16], dmin[16], low[8][16], high[4][16], then
 *                                8 times 4-bit or 5-bit codes
 *   IQ4_XS                       d[16], low[4][16], high[2][16], then 8 times
 *                                4-bit codes
 *   Q6_K, Q3_K     d[16]         scale[8][2][16], then 8 times 6-bit codes
 *   Q2_K                         d[16], dmin[16], scale[8][2][16], then 8 times
 *                                4-bit codes
 *   F16, BF16, F32               one column: 16 floats (no rounding to 64)
 *
 *   Q4_K, Q5_K   low[b][r]: low four bits of scale, of minimum << 4;
 *                high[b % 4][r]: high two bits of scale, of minimum << 2, all
 *                << 4 (b / 4)
 *   IQ4_XS       low[b % 4][r]: low four bits of scale + 32, << 4 (b / 4);
 *                high[b % 2][r]: high two bits, << 2 (b / 2)
 *   Q6_K, Q3_K   scale[b][h][r]: int8, of the half h of 16 columns
 *   Q2_K         scale[b][h][r]: scale, minimum << 4
 *
 * Private to lib/kernels, but for what kernels.h says. */
#ifndef PH_PACKING_H
#define PH_PACKING_H

#include "kernels/blocks.h"

enum {
    PH_SPAN = 256, /* columns that a kernel takes at a time */
    PH_SPAN_BLOCKS = PH_SPAN / PH_QK,
    /* Bytes between what is multiplied and what is asked for where memory sets
     * the pace: what comes from there in some 2 us. */
    PH_READ_AHEAD = 16384
};

/* Rows of activations from a block of columns on, stride blocks from row to
 * row. */
typedef struct ph_tile_acts {
    const ph_act_block *blocks;
    size_t stride;
} ph_tile_acts;

typedef struct ph_packing {
    ph_dtype type;
    uint8_t code_bits; /* 4, 5, 6, 8; 0: floats */
    uint8_t offset;    /* added to codes to make them unsigned; IQ4: codes are
                          indices of ph_iq4_values */
    uint16_t columns;  /* of a record */
    uint16_t side;     /* bytes of side data per record */
    uint16_t head;     /* bytes of a record before its codes */
    uint16_t record;   /* bytes of a record */
} ph_packing;

/* NULL for a type that is not packed. */
const ph_packing *ph_packing_of(ph_dtype type);

/* Bytes of side data at the start of a panel, rounded up. */
static inline size_t ph_side_bytes(const ph_packing *how, uint32_t cols)
{
    return ((size_t)cols / how->columns * how->side + 63) / 64 * 64;
}

/* Columns 32 block .. 32 block + 31 of a row of quantised weights, packed or
 * not. */
void ph_matrix_block(const ph_matrix *weights, uint32_t row, uint32_t block,
                     ph_block *out);

/* Columns k0 .. k0 + n - 1 of a row as float; for quantised weights whole
 * blocks of PH_QK. */
void ph_matrix_floats(const ph_matrix *weights, uint32_t row, uint32_t k0,
                      uint32_t n, float *out);

#endif /* PH_PACKING_H */
