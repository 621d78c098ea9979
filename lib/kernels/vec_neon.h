/* SPDX-License-Identifier: MIT
 * vec_neon.h - what the kernels that are written once for all instruction
 * sets need of one: vectors of VEC floats. Private to lib/kernels. */
#ifndef PH_VEC_NEON_H
#define PH_VEC_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

enum { VEC = 4 };

/* Sums that stay in registers: TILE_ROWS rows of TILE_VECS vectors. Six rows
 * would fit, but GCC 12 loads their elements all at once. */
#define TILE_ROWS 5
enum { TILE_VECS = 4, STREAM_ROWS = 8 };

typedef float32x4_t vec;

static inline vec vec_set(float x)
{
    return vdupq_n_f32(x);
}

static inline vec vec_load(const float *p)
{
    return vld1q_f32(p);
}

static inline vec vec_load_half(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

static inline vec vec_load_codes(const int8_t *p)
{
    uint32_t four;

    memcpy(&four, p, sizeof four);
    return vcvtq_f32_s32(vmovl_s16(
        vget_low_s16(vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four))))));
}

static inline void vec_store(float *p, vec x)
{
    vst1q_f32(p, x);
}

/* a * b + c, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}

/* The larger of each two; b where a is NaN. */
static inline vec vec_max(vec a, vec b)
{
    return vmaxnmq_f32(a, b);
}

static inline vec vec_add(vec a, vec b)
{
    return vaddq_f32(a, b);
}

/* The largest element of a vector without NaN. */
static inline float vec_largest(vec x)
{
    return vmaxnmvq_f32(x);
}

/* The sum of 16 lanes, as ph_reduce does it. */
static inline float vec_sum_lanes(const vec lanes[4])
{
    const vec x4 =
        vaddq_f32(vaddq_f32(lanes[0], lanes[2]), vaddq_f32(lanes[1], lanes[3]));
    const float32x2_t x2 = vadd_f32(vget_low_f32(x4), vget_high_f32(x4));

    return vget_lane_f32(x2, 0) + vget_lane_f32(x2, 1);
}

#endif /* PH_VEC_NEON_H */
