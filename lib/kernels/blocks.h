/* SPDX-License-Identifier: MIT
 * blocks.h - the one reader of quantised blocks, for dequantisation and for the
 * integer matrix product: every type comes as blocks of 32 exact integers with
 * what scales them. Private to lib/kernels. */
#ifndef PH_BLOCKS_H
#define PH_BLOCKS_H

#include "kernels/kernels.h"

enum { PH_QK = 32, PH_QKK = 256 }; /* elements of the two sizes of block */

/* Element i is d * scale[i / 16] * codes[i] - dmin * min[i / 16]. */
typedef struct ph_block {
    int8_t codes[PH_QK]; /* offset applied: -8 .. 7 for Q4_0 */
    float d;
    float dmin; /* minus the minimum for Q4_1 and Q5_1 */
    int scale[2];
    int min[2];
} ph_block;

typedef struct ph_block_type {
    uint32_t elems; /* of the block in the file: PH_QK or PH_QKK */
    uint32_t bytes;
    bool halves;  /* scale[0] and scale[1] differ */
    bool has_min; /* if not, dmin and min are not set */
    /* Reads elements 32 j .. 32 j + 31 of a block. */
    void (*read)(const uint8_t *src, uint32_t j, ph_block *out);
} ph_block_type;

/* The elements of a block as float. */
void ph_block_floats(const ph_block_type *how, const ph_block *block,
                     float *dst);

/* NULL for a type that is not quantised. */
const ph_block_type *ph_block_type_of(ph_dtype type);

/* Readers of 256-element blocks; the others are private to block_types.c. */
void ph_read_q2_k(const uint8_t *src, uint32_t j, ph_block *out);
void ph_read_q3_k(const uint8_t *src, uint32_t j, ph_block *out);
void ph_read_q4_k(const uint8_t *src, uint32_t j, ph_block *out);
void ph_read_q5_k(const uint8_t *src, uint32_t j, ph_block *out);
void ph_read_q6_k(const uint8_t *src, uint32_t j, ph_block *out);
void ph_read_iq4_xs(const uint8_t *src, uint32_t j, ph_block *out);

/* The values of the sixteen codes of IQ4_NL and IQ4_XS. */
extern const int8_t ph_iq4_values[16];

#endif /* PH_BLOCKS_H */
