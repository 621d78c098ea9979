/* SPDX-License-Identifier: MIT
 * matmul_avx2.h - the matrix product of AVX2 over packed weights. A span of up
 * to 256 columns of a panel is unpacked once, into unsigned bytes that
 * vpmaddubsw takes, and multiplied by tiles of up to four rows of activations.
 * Private to the files *_avx2 of lib/kernels. */
#ifndef PH_MATMUL_AVX2_H
#define PH_MATMUL_AVX2_H

#include "kernels/packing.h"

enum {
    PH_SPAN_BLOCKS = PH_SPAN / PH_QK,
    PH_CELL = 512, /* bytes of a plane of unpacked codes of 32 columns */
    PH_TILE_TOKENS = 4
};

/* How the integer sum of 32 products comes about. */
typedef enum ph_sum_avx2 {
    PH_SUM_4,     /* 4-bit codes less 8 */
    PH_SUM_4_MIN, /* 4-bit codes and a minimum */
    PH_SUM_5,     /* 5-bit codes less 16 */
    PH_SUM_5_MIN, /* 5-bit codes and a minimum */
    PH_SUM_8,     /* 8-bit codes less 128 */
    PH_SUM_6,     /* 6-bit codes less 32, each half with its scale */
    PH_SUM_2,     /* 2-bit codes, each half with its scale and minimum */
    PH_N_SUMS
} ph_sum_avx2;

/* Up to 256 columns of a panel. Byte 64 g + 4 r + i of a cell has the code of
 * row r and column 4 g + i; codes of 8 bits take two cells, one with the low
 * and one with the high four bits. */
typedef struct ph_span_avx2 {
    _Alignas(64) uint8_t codes[2 * PH_SPAN_BLOCKS * PH_CELL];
    float scale[PH_SPAN_BLOCKS][PH_PANEL_ROWS];
    float min[PH_SPAN_BLOCKS][PH_PANEL_ROWS];
    /* Of a half's integer scale, twice. */
    int16_t factor[PH_SPAN_BLOCKS][2][PH_PANEL_ROWS][2];
    /* What the sums of the activations' halves are multiplied with: 32 times
     * the scales of 6-bit codes, or the minimums. */
    int16_t pair[PH_SPAN_BLOCKS][PH_PANEL_ROWS][2];
} ph_span_avx2;

/* Rows of activations from a block of columns on; the strides between rows are
 * cols and cols / PH_ACT_BLOCK. */
typedef struct ph_tile_acts {
    const int8_t *codes;
    const float *scales;
    const float *wsums;
    const int16_t *sums;
    size_t cols;
} ph_tile_acts;

/* Continues the chains of a tile, acc[token][row], by n_blocks blocks. */
typedef void (*ph_tile_fn)(const ph_span_avx2 *w, uint32_t n_blocks,
                           const ph_tile_acts *x, float *acc);

/* For n_tokens 1 .. PH_TILE_TOKENS. */
ph_tile_fn ph_tile_avx2(ph_sum_avx2 sum, uint32_t n_tokens);

ph_sum_avx2 ph_sum_avx2_of(ph_dtype type);

/* Unpacks columns k .. k + 32 n_blocks - 1 of a panel; k is a multiple of
 * PH_SPAN. */
void ph_unpack_avx2(const ph_packing *how, const uint8_t *panel, uint32_t cols,
                    uint32_t k, uint32_t n_blocks, ph_span_avx2 *out);

/* As matmul of ph_kernels. */
void ph_matmul_avx2(const ph_matrix *weights, const ph_acts *acts,
                    uint32_t begin, uint32_t end, float *y, size_t y_stride);

#endif /* PH_MATMUL_AVX2_H */
