/* SPDX-License-Identifier: MIT
 * tile_avx512.h - the operands of a tile of the matrix product with AVX-512
 * VNNI: two panels of weights, a chunk of blocks, a few rows of activations.
 * What both panels' tiles share is prepared once per chunk. Private to
 * lib/kernels. */
#ifndef PH_TILE_AVX512_H
#define PH_TILE_AVX512_H

#include "kernels/packing.h"

#include <immintrin.h>

enum {
    TILE_BLOCKS = 48, /* of a chunk, at most */
    TILE_WIDTH = 6,   /* rows of activations */
    COPY_BLOCKS = 24, /* of a chunk whose activations are copied */
    COPY_STRIDE = COPY_BLOCKS * PH_QK + 64
};

typedef struct tile {
    /* Factors of the panels' rows; see the table in doc/numerics.md. */
    _Alignas(64) float w[TILE_BLOCKS][2][PH_PANEL_ROWS];
    float m[TILE_BLOCKS][2][PH_PANEL_ROWS];
    /* Of the activations: the scale; where the integer sums of the block, or
     * of its first half, start, so that codes may be unsigned; and, as the
     * type needs, where those of the second half start, what minimums are
     * multiplied with, or for Q2_K the sums of the halves. */
    float dx[TILE_WIDTH][TILE_BLOCKS];
    int32_t start[TILE_WIDTH][TILE_BLOCKS];
    union {
        int32_t second_start[TILE_WIDTH][TILE_BLOCKS];
        float wsum[TILE_WIDTH][TILE_BLOCKS];
        int32_t sums[TILE_WIDTH][TILE_BLOCKS];
    };

    /* The activations' codes, if their rows are whole pages apart: as they
     * lie, the loads of several rows would meet in few lines of the cache. */
    _Alignas(64) int8_t copy[TILE_WIDTH][COPY_STRIDE];

    const ph_packing *how;
    const uint8_t *records[2]; /* those that hold the chunk */
    const uint8_t *ahead[2];   /* to be brought into the cache meanwhile: */
    uint32_t ahead_lines;      /* this many lines with each block */
    uint32_t n_blocks;
    const int8_t *x; /* codes of the chunk */
    size_t x_stride;
    float *y; /* of the first row of the first panel */
    size_t y_stride;
    __mmask16 rows[2]; /* wanted of each panel */
    bool first;        /* chunk of its panels: y is not yet set */
} tile;

/* Fills w and m from block first on. sides: the panels' side data. */
void ph_tile_factors_avx512(tile *t, const uint8_t *const sides[2],
                            uint32_t first);

/* Adds the chunk to width rows of y. */
typedef void ph_tile_function(const tile *t, uint32_t width);

ph_tile_function *ph_tile_function_avx512(ph_dtype type);

#endif /* PH_TILE_AVX512_H */
