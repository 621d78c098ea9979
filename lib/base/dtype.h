/* SPDX-License-Identifier: MIT
 * dtype.h - the element and block types of tensors. The ids are GGUF's
 * (ggml docs/gguf.md), so that a file's numbers need no translation. */
#ifndef PH_DTYPE_H
#define PH_DTYPE_H

#include "base/base.h"

typedef enum ph_dtype {
    PH_F32 = 0,
    PH_F16 = 1,
    PH_Q4_0 = 2,
    PH_Q4_1 = 3,
    PH_Q5_0 = 6,
    PH_Q5_1 = 7,
    PH_Q8_0 = 8,
    PH_Q2_K = 10,
    PH_Q3_K = 11,
    PH_Q4_K = 12,
    PH_Q5_K = 13,
    PH_Q6_K = 14,
    PH_IQ4_NL = 20,
    PH_IQ4_XS = 23,
    PH_BF16 = 30
} ph_dtype;

typedef struct ph_dtype_info {
    const char *name;     /* as in GGUF tools: "Q4_K" */
    uint32_t block_elems; /* elements per block; 0: a type we do not run */
    uint32_t block_bytes;
} ph_dtype_info;

/* Also names the types that we refuse; NULL for an id that nobody assigned. */
const ph_dtype_info *ph_dtype_get(uint32_t id);

/* Bytes of n elements; false if n is not whole blocks or on overflow. */
bool ph_dtype_bytes(ph_dtype type, uint64_t n, uint64_t *bytes);

#endif /* PH_DTYPE_H */
