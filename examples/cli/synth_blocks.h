/* SPDX-License-Identifier: MIT
 * synth_blocks.h - random weights in the formats of GGUF files. */
#ifndef SYNTH_BLOCKS_H
#define SYNTH_BLOCKS_H

#include "cli.h"

typedef enum block_format {
    BLOCK_F32,
    BLOCK_F16,
    BLOCK_BF16,
    BLOCK_Q4_0,
    BLOCK_Q8_0,
    BLOCK_Q4_K,
    BLOCK_Q5_K,
    BLOCK_Q6_K,
    BLOCK_IQ4_XS
} block_format;

uint32_t block_gguf_type(block_format format);
size_t block_elements(block_format format);
size_t block_bytes(block_format format);

/* Counter i of the random sequence that key names. */
uint64_t random_word(uint64_t key, uint64_t i);

/* Writes n blocks, beginning with block number first of a tensor; the same
 * bytes for a key however the tensor is cut. Values have mean 0 and about the
 * standard deviation std; none is NaN or infinite. At p there must be room for
 * a multiple of 8 bytes. Not for BLOCK_F32. */
void blocks_fill(block_format format, uint8_t *p, size_t n, uint64_t first,
                 double std, uint64_t key);

#endif /* SYNTH_BLOCKS_H */
