/* SPDX-License-Identifier: MIT
 * sampler.h - what the files of this module share about a sampler. */
#ifndef PH_SAMPLER_H
#define PH_SAMPLER_H

#include "sampling/sampling.h"
#include "sampling/select.h"

/* Logits are looked at in blocks; the largest key of each lets later passes
 * skip blocks without a token of interest. One word of the banned bits. */
enum { PH_BLOCK = 64 };

struct ph_sampler {
    const ph_heap *heap;
    const uint64_t *banned;
    phial_sampling params; /* the pointers in it are the copies below */
    phial_token *bias_tokens;
    float *bias_values;
    uint64_t seed;
    uint32_t n_vocab;
    uint32_t n_blocks;
    float *work;        /* adjusted logits */
    int32_t *block_max; /* largest key of each block of work */
    ph_candidate *candidates;
    ph_candidate *scratch; /* n_vocab entries of 8 bytes, any use */
    uint64_t *histogram;
};

/* Fills work and block_max: checks and copies the logits, bans, adds the
 * biases, applies the penalties. */
phial_status ph_sampler_adjust(ph_sampler *s, const float *logits,
                               const phial_token *history, size_t n_history,
                               size_t n_input);

/* The lowest id among the largest of work; all of them may be -infinity. */
uint32_t ph_sampler_argmax(const ph_sampler *s);

#endif /* PH_SAMPLER_H */
