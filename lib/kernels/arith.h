/* SPDX-License-Identifier: MIT
 * arith.h - the scalar steps that several kernels share, inline so that their
 * loops vectorise: fused multiply-add, exp, the 16-lane reduction, unaligned
 * little-endian loads. Private to lib/kernels. */
#ifndef PH_ARITH_H
#define PH_ARITH_H

#include "base/base.h"

#include <float.h>
#include <math.h>

#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "float expressions must be evaluated in float (x87 is not supported)"
#endif

enum { PH_LANES = 16 }; /* of every reduction to a scalar */

/* 2^-100 and infinity. The magnitudes of activations are compared as integers,
 * so that the maximum does not depend on the order and sees NaN as the
 * largest. */
enum { PH_TINY_BITS = 0x0d800000, PH_INFINITE_BITS = 0x7f800000 };

static inline uint32_t ph_float_bits(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float ph_bits_float(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint64_t ph_double_bits(double d)
{
    uint64_t bits;

    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static inline double ph_bits_double(uint64_t bits)
{
    double d;

    memcpy(&d, &bits, sizeof d);
    return d;
}

/* a * b + c, rounded once. Without the instruction, the C library's function
 * costs a call per element and is not correct in every C library. The product
 * is exact in double; the sum is rounded to odd, after which rounding to float
 * gives the correctly rounded result (Boldo and Melquiond, "Emulation of FMA
 * and correctly rounded sums", 2008). The error term is Knuth's two-sum; it is
 * NaN, and so changes nothing, when the sum is not finite. */
static inline float ph_fmaf(float a, float b, float c)
{
#if defined(__FMA__) || defined(__aarch64__) || defined(FP_FAST_FMAF)
    return fmaf(a, b, c);
#else
    double p = (double)a * b;
    double s = p + c;
    double t = s - p;
    double e = (p - (s - t)) + (c - t);
    uint64_t s_bits = ph_double_bits(s);
    uint64_t towards_zero = (s_bits ^ ph_double_bits(e)) >> 63;
    double odd = ph_bits_double((s_bits - towards_zero) | 1);

    return (float)(fabs(e) > 0 ? odd : s);
#endif
}

/* e^x within 0.88 ulp (over all floats) from -87 to 88.72; below it 0, above
 * infinity. x = n ln2 + r with the high part of ln2 short enough for n * hi to
 * be exact; then 1 + r + r^2 q(r), q minimising the relative error. The cases
 * at the end are masks because a branch would keep loops from vectorising. */
static inline float ph_exp_inline(float x)
{
    const float round = 0x1.8p23f; /* adding it rounds to an integer */
    float n = x * 0x1.715476p+0f + round;
    uint32_t exponent = ph_float_bits(n) << 23;
    uint32_t none = -(uint32_t)(x < -87.0f);
    uint32_t overflow = -(uint32_t)(x > 0x1.62e42ep+6f);
    uint32_t nan = -(uint32_t)(x != x);
    uint32_t bits;
    float r, q;

    n -= round;
    r = ph_fmaf(n, -0x1.62e4p-1f, x);
    r = ph_fmaf(n, -0x1.7f7d1cp-20f, r);
    q = 0x1.a2eecp-13f;
    q = ph_fmaf(q, r, 0x1.6d8ba2p-10f);
    q = ph_fmaf(q, r, 0x1.110f7ep-7f);
    q = ph_fmaf(q, r, 0x1.555492p-5f);
    q = ph_fmaf(q, r, 0x1.555556p-3f);
    q = ph_fmaf(q, r, 0.5f);
    q = ph_fmaf(q, r, 1.0f);
    q = ph_fmaf(q, r, 1.0f);
    bits = (ph_float_bits(q) + exponent) & ~(none | overflow | nan);
    return ph_bits_float(bits | (overflow & 0x7f800000u) | (nan & 0x7fc00000u));
}

/* Lane l += lane l + 8, then + 4, + 2, + 1. */
static inline float ph_reduce(float lanes[PH_LANES])
{
    for (int width = PH_LANES / 2; width; width /= 2)
        for (int l = 0; l < width; l++)
            lanes[l] += lanes[l + width];
    return lanes[0];
}

static inline uint16_t ph_load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ph_load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* ph_f16_to_f32 without branches, except that NaNs keep their signalling bit.
 * The multiplication moves the exponent and makes subnormals normal. */
static inline float ph_half(uint16_t h)
{
    uint32_t magnitude = h & 0x7fffu;
    float scaled = ph_bits_float(magnitude << 13) * 0x1p112f;
    uint32_t bits = magnitude >= 0x7c00 ? 0x7f800000u | magnitude << 13
                                        : ph_float_bits(scaled);

    return ph_bits_float(bits | (uint32_t)(h & 0x8000u) << 16);
}

static inline float ph_load_half(const uint8_t *p)
{
    return ph_half(ph_load16(p));
}

#endif /* PH_ARITH_H */
