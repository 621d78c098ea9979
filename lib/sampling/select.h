/* SPDX-License-Identifier: MIT
 * select.h - order among tokens, and linear-time selection by it. A rank
 * orders tokens by logit, equal logits by ascending id; ranks are distinct. */
#ifndef PH_SELECT_H
#define PH_SELECT_H

#include "base/base.h"

/* Keys of floats as int32: order-preserving for everything but NaN, which is
 * below PH_KEY_MINUS_INF or above PH_KEY_INF. Zero must not be negative. */
#define PH_KEY_INF INT32_C(0x7f800000)
#define PH_KEY_MINUS_INF (-PH_KEY_INF - 1)

static inline int32_t ph_float_key(float x)
{
    int32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits >= 0 ? bits : bits ^ INT32_MAX;
}

static inline uint64_t ph_rank(float logit, uint32_t id)
{
    uint32_t high = (uint32_t)ph_float_key(logit) ^ UINT32_C(0x80000000);

    return (uint64_t)high << 32 | (uint32_t)~id;
}

/* The key in a rank, and the float of a key. */
static inline int32_t ph_rank_key(uint64_t rank)
{
    return (int32_t)((uint32_t)(rank >> 32) ^ UINT32_C(0x80000000));
}

static inline float ph_key_float(int32_t key)
{
    int32_t bits = key >= 0 ? key : key ^ INT32_MAX;
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A token that may be drawn; mass is its share in fixed point. */
typedef struct ph_candidate {
    uint32_t id;
    float weight; /* in units of 2^-43 of the likeliest token's */
} ph_candidate;

/* Weights are at most 2^43 and there are at most 2^20 tokens: sums of masses
 * are exact in 64 bits, so no result depends on the order of summation. */
static inline uint64_t ph_mass(float weight)
{
    return (uint64_t)(int64_t)weight;
}

enum { PH_RADIX_BITS = 11, PH_RADIX = 1 << PH_RADIX_BITS };

/* Moves the k largest of n distinct ranks to the front, in any order, and
 * returns the least of them; 1 <= k <= n. histogram: PH_RADIX words of work
 * space. */
uint64_t ph_keep_ranks(uint64_t *ranks, size_t n, size_t k,
                       uint64_t *histogram);

/* The largest rank for which the masses of all candidates of this rank or
 * above sum to need or more; 1 <= need <= the sum of all. logits[id] gives the
 * ranks; scratch has room for n. */
uint64_t ph_select_mass(const ph_candidate *candidates, size_t n,
                        const float *logits, uint64_t need,
                        ph_candidate *scratch, uint64_t *histogram);

#endif /* PH_SELECT_H */
