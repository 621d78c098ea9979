/* SPDX-License-Identifier: MIT
 * quantize.h - writes a model again with weights in other types: which type
 * each tensor gets, the search for the best blocks, and the file. */
#ifndef PH_QUANTIZE_H
#define PH_QUANTIZE_H

#include "base/base.h"
#include "base/dtype.h"
#include "pool/pool.h"

typedef struct ph_quantize_config {
    const ph_heap *heap;
    ph_pool *pool;
    int32_t weights;              /* PHIAL_WEIGHTS_* */
    const char *const *overrides; /* "PATTERN=TYPE" */
    size_t n_overrides;
    phial_progress_fn progress; /* may be NULL; called by this thread */
    void *progress_user;
} ph_quantize_config;

/* What phial_quantize() promises. */
phial_status ph_quantize(const char *in, const char *out,
                         const ph_quantize_config *config);

/* The types that ph_encode() writes, as a list for messages. */
bool ph_can_encode(ph_dtype type);
#define PH_ENCODED_TYPES                                                       \
    "F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q5_1, Q5_0, Q4_K, Q4_1, Q4_0, Q3_K, "   \
    "Q2_K"

/* The largest magnitude that the type can hold whatever its neighbours are. */
float ph_encode_limit(ph_dtype type);

/* n elements, whole blocks, as blocks of type. They are finite and within the
 * limit. The bytes depend on nothing but the elements of the block, or, of
 * types with blocks of 256, of the same block. In the floating-point
 * environment of ph_fp_enter(). */
void ph_encode(ph_dtype type, const float *src, uint8_t *dst, size_t n);

#endif /* PH_QUANTIZE_H */
