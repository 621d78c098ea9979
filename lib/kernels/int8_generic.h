/* SPDX-License-Identifier: MIT
 * int8_generic.h - floats to int8 with one scale: activations, and keys and
 * values of a Q8 cache. Private to lib/kernels. */
#ifndef PH_INT8_GENERIC_H
#define PH_INT8_GENERIC_H

#include "kernels/arith.h"

/* Returns scale = a / 127, a = max |x|; code = round-half-even(x * (127 / a)).
 * If a is below 2^-100 all is zero; with NaN or infinity codes are zero and the
 * scale is NaN. */
static inline float ph_to_int8(const float *x, size_t n, int8_t *codes)
{
    const float round = 0x1.8p23f; /* adding it rounds to an integer */
    uint32_t max = 0;
    float largest, inverse;

    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = ph_float_bits(x[i]) & 0x7fffffffu;

        max = magnitude > max ? magnitude : max;
    }
    if (max < PH_TINY_BITS || max >= PH_INFINITE_BITS) {
        memset(codes, 0, n);
        return max < PH_TINY_BITS ? 0.0f : NAN;
    }
    largest = ph_bits_float(max);
    inverse = 127.0f / largest;
    for (size_t i = 0; i < n; i++)
        codes[i] = (int8_t)((x[i] * inverse + round) - round);
    return largest / 127.0f;
}

#endif /* PH_INT8_GENERIC_H */
