/* SPDX-License-Identifier: MIT
 * matmul_neon.h - the matrix product of AArch64 over packed weights. A span of
 * up to 256 columns of a panel is unpacked once, into signed bytes, and
 * multiplied by tiles of up to eight rows of activations; the tiles exist for
 * the base instruction set, for SDOT and for SMMLA. Private to the files *_neon
 * and *_neon_* of lib/kernels. */
#ifndef PH_MATMUL_NEON_H
#define PH_MATMUL_NEON_H

#include "kernels/packing.h"

#define INLINE static inline __attribute__((always_inline))

/* Before a loop over registers, whose count is a constant once its function is
 * inlined. GCC's form makes clang unroll too late for arrays to become
 * registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { PH_TILE_TOKENS = 8, PH_QUARTER = 4 };

/* What follows the integer sums of the halves of a block. */
typedef enum ph_sum_neon {
    PH_SUM_PLAIN,      /* one scale */
    PH_SUM_MIN,        /* and a minimum */
    PH_SUM_HALVES,     /* an integer scale for each half */
    PH_SUM_HALVES_MIN, /* and a minimum for each half */
    PH_N_SUMS
} ph_sum_neon;

/* Up to 256 columns of a panel. codes[b][q][g] has columns 4 g .. 4 g + 3 of
 * rows 4 q .. 4 q + 3 of block b, the operand of SDOT; or, where pairs of
 * groups are interleaved for SMMLA, codes[b][q][2 j + h] has columns 8 j .. 8 j
 * + 7 of rows 4 q + 2 h and 4 q + 2 h + 1. */
typedef struct ph_span_neon {
    int8_t codes[PH_SPAN_BLOCKS][PH_QUARTER][8][16];
    float scale[PH_SPAN_BLOCKS][PH_PANEL_ROWS];
    float min[PH_SPAN_BLOCKS][PH_PANEL_ROWS];
    int32_t factor[PH_SPAN_BLOCKS][2][PH_PANEL_ROWS];
    int32_t min_factor[PH_SPAN_BLOCKS][2][PH_PANEL_ROWS];
} ph_span_neon;

/* Continues the chains of n_tokens <= PH_TILE_TOKENS, acc[token][row], by
 * n_blocks blocks. Returns how many tokens it did, the first ones. */
typedef uint32_t (*ph_tile_fn)(const ph_span_neon *w, uint32_t n_blocks,
                               const ph_tile_acts *x, uint32_t n_tokens,
                               float acc[][PH_PANEL_ROWS]);

typedef struct ph_tiles_neon {
    bool pairs; /* groups interleaved */
    ph_tile_fn tile[PH_N_SUMS];
} ph_tiles_neon;

extern const ph_tiles_neon ph_tiles_neon_base;
extern const ph_tiles_neon ph_tiles_neon_dotprod; /* PH_CPU_DOTPROD */
extern const ph_tiles_neon ph_tiles_neon_i8mm;    /* PH_CPU_I8MM */

/* Unpacks columns k .. k + 32 n_blocks - 1 of a panel; k is a multiple of
 * PH_SPAN. */
void ph_unpack_neon(const ph_packing *how, const uint8_t *panel, uint32_t cols,
                    uint32_t k, uint32_t n_blocks, bool pairs,
                    ph_span_neon *out);

/* As matmul of ph_kernels, for packed weights: quantised ones, */
void ph_matmul_neon(const ph_tiles_neon *tiles, const ph_matrix *weights,
                    const ph_acts *acts, uint32_t begin, uint32_t end, float *y,
                    size_t y_stride);

/* and floats. */
void ph_matmul_floats_neon(const ph_matrix *weights, const ph_acts *acts,
                           uint32_t begin, uint32_t end, float *y,
                           size_t y_stride);

#endif /* PH_MATMUL_NEON_H */
