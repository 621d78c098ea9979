/* SPDX-License-Identifier: MIT
 * kernels_testing.h - random operands, an element-by-element reader of
 * quantised blocks that shares no code with the library's, and comparison. */
#ifndef PH_KERNELS_TESTING_H
#define PH_KERNELS_TESTING_H

#include "check_main.h"
#include "kernels/kernels.h"

#include <math.h>

/* The table under test: of the instruction set that PHIAL_TEST_ISA names
 * (avx2, avx512, neon), else the portable one. */
extern const ph_kernels *kernels;

/* SplitMix64 (Steele et al. 2014). */
uint64_t random_bits(uint64_t *state);
double random_unit(uint64_t *state);  /* 0 <= u < 1 */
float random_normal(uint64_t *state); /* about normal, from four uniforms */
uint32_t random_below(uint64_t *state, uint32_t n);

static inline uint32_t float_bits(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* The same bits, or both NaN. */
bool same_float(float a, float b);

/* Fails unless n floats are the same. */
void check_same(const float *a, const float *b, size_t n);

/* sum (a - b)^2 / sum b^2 */
double error_of(const float *a, const double *b, size_t n);

enum { N_TYPES = 15, N_BLOCK_TYPES = 12 };

extern const ph_dtype all_types[N_TYPES]; /* the quantised ones first */

uint32_t type_elems(ph_dtype type);
uint32_t type_bytes(ph_dtype type);

/* What element i of a quantised block is made of: d * scale * code - dmin *
 * min, with dmin = -m for Q4_1 and Q5_1. */
typedef struct element {
    float d, dmin;
    int scale, code, min;
    bool has_min;
} element;

element read_element(ph_dtype type, const uint8_t *block, uint32_t i);

/* Where the float scales of a block lie; -1: there is only one. */
void scale_places(ph_dtype type, int places[2]);

/* n random elements of a type: any bits in the codes and integer scales; float
 * scales near size (finite), or any bits at all. */
void random_blocks(uint64_t *state, ph_dtype type, uint8_t *dst, size_t n,
                   float size);
void any_blocks(uint64_t *state, ph_dtype type, uint8_t *dst, size_t n);

/* Activations of x (which stays the caller's) with room for the blocks, all
 * zero; freed by drop_acts. */
ph_acts new_acts(const float *x, uint32_t n, uint32_t cols);
void quantize_all(const ph_kernels *with, const ph_acts *acts);
void drop_acts(ph_acts *acts);
/* Those of row t alone. */
ph_acts row_of_acts(const ph_acts *acts, uint32_t t);

/* kernels->attend for one token, which sees keys first..last; q and out are
 * [n_heads][head_dim]. */
void attend_keys(const ph_cache_view *cache, uint32_t n_heads, const float *q,
                 uint32_t first, uint32_t last, float *out);

TCase *functions_tests(void);
TCase *dequantize_tests(void);
TCase *packing_tests(void);
TCase *matmul_tests(void);
TCase *matmul_tiers_tests(void);
TCase *elementwise_tests(void);
TCase *rope_tests(void);
TCase *hadamard_tests(void);
TCase *attention_tests(void);
TCase *attention_tiers_tests(void);
TCase *golden_tests(void);

#endif /* PH_KERNELS_TESTING_H */
