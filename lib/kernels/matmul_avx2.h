/* SPDX-License-Identifier: MIT
 * matmul_avx2.h - the matrix product of AVX2 over packed weights. Spans of up
 * to 256 columns of a panel are multiplied by tiles of up to four rows of
 * activations; for more than a few rows the codes are unpacked first. Private
 * to the files *_avx2 of lib/kernels. */
#ifndef PH_MATMUL_AVX2_H
#define PH_MATMUL_AVX2_H

#include "kernels/packing.h"

enum {
    PH_CELL = 512, /* bytes of a plane of unpacked codes of 32 columns */
    PH_TILE_TOKENS = 4
};

/* How weights are multiplied. */
typedef enum ph_product {
    PH_PRODUCT_4,     /* 4-bit codes less 8 */
    PH_PRODUCT_4_MIN, /* 4-bit codes and a minimum */
    PH_PRODUCT_5,     /* 5-bit codes less 16 */
    PH_PRODUCT_5_MIN, /* 5-bit codes and a minimum */
    PH_PRODUCT_8,     /* 8-bit codes less 128 */
    PH_PRODUCT_IQ4,   /* the same, 4-bit indices of the codes */
    PH_PRODUCT_6,     /* 6-bit codes less 32, each half with its scale */
    PH_PRODUCT_2,     /* 2-bit codes, each half with its scale and minimum */
    PH_N_PRODUCTS
} ph_product;

/* What scales the codes of up to 256 columns of a panel. */
typedef struct ph_span_scales {
    _Alignas(64) float scale[PH_SPAN_BLOCKS][PH_PANEL_ROWS];
    float min[PH_SPAN_BLOCKS][PH_PANEL_ROWS];
    /* The integer scale of a half, twice. */
    int16_t factor[PH_SPAN_BLOCKS][2][PH_PANEL_ROWS][2];
    /* What the sums of the activations' halves are multiplied with: 32 times
     * the scales of 6-bit codes, or the minimums. */
    int16_t pair[PH_SPAN_BLOCKS][PH_PANEL_ROWS][2];
} ph_span_scales;

/* Continues the chains of a tile, acc[token][row], by n_blocks blocks. */
typedef void (*ph_tile_fn)(const uint8_t *codes, const ph_span_scales *scales,
                           uint32_t n_blocks, const ph_tile_acts *x,
                           float *acc);

/* For n_tokens 1 .. PH_TILE_TOKENS, on packed codes. */
ph_tile_fn ph_tile_avx2(ph_product product, uint32_t n_tokens);

/* For PH_TILE_TOKENS, on unpacked codes. */
ph_tile_fn ph_tile_cells_avx2(ph_product product);

/* Byte 64 g + 4 r + i of a cell has the code of row r and column 4 g + i; codes
 * of 8 bits take two cells, the low and the high four bits. */
void ph_unpack_codes_avx2(ph_product product, const uint8_t *codes,
                          uint32_t n_blocks, uint8_t *cells);

/* Of columns k .. k + 32 n_blocks - 1; k is a multiple of PH_SPAN. */
void ph_unpack_scales_avx2(const ph_packing *how, const uint8_t *panel,
                           uint32_t cols, uint32_t k, uint32_t n_blocks,
                           ph_span_scales *out);

/* As matmul of ph_kernels: of packed F32, F16 and BF16 weights, */
void ph_matmul_float_avx2(const ph_matrix *weights, const ph_acts *acts,
                          uint32_t begin, uint32_t end, float *y,
                          size_t y_stride);

/* and of any. */
void ph_matmul_avx2(const ph_matrix *weights, const ph_acts *acts,
                    uint32_t begin, uint32_t end, float *y, size_t y_stride);

#endif /* PH_MATMUL_AVX2_H */
