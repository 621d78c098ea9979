/* SPDX-License-Identifier: MIT
 * tile_avx512.h - the operands of a tile of the matrix product with AVX-512
 * VNNI: a chunk of blocks of one panel of weights or two, a few rows of
 * activations. The factors of the weights are prepared once per chunk. Private
 * to lib/kernels. */
#ifndef PH_TILE_AVX512_H
#define PH_TILE_AVX512_H

#include "kernels/packing.h"

#include <immintrin.h>

enum {
    TILE_BLOCKS = 48,      /* of a chunk, at most */
    TILE_PAIR_WIDTH = 6,   /* rows of activations with two panels, at most */
    TILE_ONE_WIDTH = 12,   /* with one */
    TILE_HALVES_WIDTH = 8, /* and if each half block has a scale */
    TILE_SCALES = 256,     /* bytes of those, before the codes of a record */
};

typedef struct tile {
    /* Factors of the panels' rows; see the table in doc/numerics.md. */
    _Alignas(64) float w[TILE_BLOCKS][2][PH_PANEL_ROWS];
    float m[TILE_BLOCKS][2][PH_PANEL_ROWS];
    _Alignas(64)
        uint8_t scales[TILE_SCALES]; /* of a record's half blocks, if moved */

    const ph_packing *how;
    int n_panels;
    const uint8_t *records[2]; /* those that hold the chunk, */
    const uint8_t *sides[2];   /* and its side data */
    const uint8_t *ahead[2];   /* to be brought into the cache meanwhile: */
    uint32_t ahead_lines;      /* this many lines with each block; or, of one */
    const uint8_t *end;        /* panel, what comes next, but not beyond this */
    uint32_t n_blocks;
    const ph_act_block *x; /* of the chunk */
    size_t x_stride;       /* blocks */
    float *y;              /* of the first row of the first panel */
    size_t y_stride;
    __mmask16 rows[2]; /* wanted of each panel */
    bool first;        /* chunk of its panels: y is not yet set */
} tile;

/* The factors of a panel's rows for n_blocks blocks from a record on, whose
 * side data is side; every second row of w and m. */
void ph_factors_avx512(const ph_packing *how, const uint8_t *record,
                       const uint8_t *side, uint32_t n_blocks,
                       float w[][2][PH_PANEL_ROWS],
                       float m[][2][PH_PANEL_ROWS]);

/* Of two panels: adds a chunk to width rows of y; factors are ready. Of one:
 * width rows of y of the whole panel. */
typedef void ph_tile_function(tile *t, uint32_t width);

ph_tile_function *ph_tile_function_avx512(ph_dtype type);

#endif /* PH_TILE_AVX512_H */
