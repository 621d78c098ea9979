/* SPDX-License-Identifier: MIT
 * encoders.h - the encoders of each instruction set. The portable ones are the
 * definition of the bytes; the others are the same source compiled for wider
 * vectors. Private to lib/quantize. */
#ifndef PH_ENCODERS_H
#define PH_ENCODERS_H

#include "base/base.h"
#include "base/dtype.h"

typedef struct ph_encoders {
    /* n elements, whole blocks of a type that can be written. */
    void (*encode)(ph_dtype type, const float *src, const float *importance,
                   uint8_t *dst, size_t n);

    /* n elements, whole blocks of any type, as float. Returns the bits of the
     * largest magnitude; a NaN is above infinity. */
    uint32_t (*load)(ph_dtype type, const uint8_t *src, float *dst, size_t n);
} ph_encoders;

extern const ph_encoders ph_encoders_portable;
#if defined(__x86_64__)
extern const ph_encoders ph_encoders_avx2;
extern const ph_encoders ph_encoders_avx512;
#endif

#endif /* PH_ENCODERS_H */
