/* SPDX-License-Identifier: MIT
 * fit.h - the search for the scale, or scale and offset, with which small
 * integers come nearest to some weights. Private to lib/quantize.
 *
 * Eight spans are searched side by side, one in each lane, so that loops over
 * lanes are independent: they vectorise, and no sum depends on how. */
#ifndef PH_FIT_H
#define PH_FIT_H

#include "base/base.h"

enum { PH_FIT_LANES = 8, PH_FIT_LONGEST = 32 };

typedef float ph_lanes[PH_FIT_LANES];

typedef struct ph_fit {
    uint32_t n; /* elements of each lane: 16 or 32 */
    ph_lanes x[PH_FIT_LONGEST];
    ph_lanes w[PH_FIT_LONGEST]; /* what an error of the element counts */
    ph_lanes least, most;       /* of x */
} ph_fit;

/* The integers that there are. */
typedef struct ph_codes {
    float lowest, highest;
} ph_codes;

/* n_lanes spans of n elements that follow each other; the lanes that are left
 * are zero. An error counts by the size of its weight and of those beside it:
 * large weights are where the model reacts. What is below 2^-40 is taken for
 * zero: no type holds it. */
void ph_fit_load(ph_fit *fit, const float *src, uint32_t n, uint32_t n_lanes);

/* x ~ scale * code. */
void ph_fit_scale(const ph_fit *fit, ph_codes codes, ph_lanes scale);

/* x ~ scale * code + offset; codes begin at 0. If negative, the offset must not
 * be above 0. */
void ph_fit_affine(const ph_fit *fit, float highest, bool negative,
                   ph_lanes scale, ph_lanes offset);

/* The weighted squared error that is left with the nearest codes. */
void ph_fit_error(const ph_fit *fit, ph_codes codes, const ph_lanes scale,
                  const ph_lanes offset, ph_lanes error);

/* The nearest codes, lane after lane. */
void ph_fit_codes(const ph_fit *fit, ph_codes codes, const ph_lanes scale,
                  const ph_lanes offset, int8_t *out);

/* A float that half precision holds. */
static inline float ph_as_half(float f)
{
    return ph_f16_to_f32(ph_f32_to_f16(f));
}

static inline void ph_put_half(uint8_t *dst, float f)
{
    const uint16_t half = ph_f32_to_f16(f);

    dst[0] = (uint8_t)half;
    dst[1] = (uint8_t)(half >> 8);
}

/* ---- super_block.c ------------------------------------------------------ */

enum { PH_SUPER = 256, PH_SUPER_SPANS = 16 };

/* 256 weights in spans of 16 or 32, each with a scale, or a scale and a
 * minimum, that are themselves small integers. */
typedef struct ph_super_shape {
    uint32_t span;
    ph_codes codes;
    float scale_lowest, scale_highest; /* of minimums too */
} ph_super_shape;

typedef struct ph_super {
    float d, dmin; /* half precision holds them */
    int scale[PH_SUPER_SPANS];
    int min[PH_SUPER_SPANS];
    int8_t codes[PH_SUPER];
} ph_super;

/* x ~ d * scale * code */
void ph_super_signed(const ph_super_shape *shape, const float *src,
                     ph_super *out);

/* x ~ d * scale * code - dmin * min */
void ph_super_affine(const ph_super_shape *shape, const float *src,
                     ph_super *out);

/* ---- encode_k.c, encode_small.c ------------------------------------------ */

/* One block of 256. */
void ph_encode_q2_k(const float *src, uint8_t *dst);
void ph_encode_q3_k(const float *src, uint8_t *dst);
void ph_encode_q4_k(const float *src, uint8_t *dst);
void ph_encode_q5_k(const float *src, uint8_t *dst);
void ph_encode_q6_k(const float *src, uint8_t *dst);

/* n_blocks <= PH_FIT_LANES of 32. */
void ph_encode_q4_0(const float *src, uint8_t *dst, uint32_t n_blocks);
void ph_encode_q4_1(const float *src, uint8_t *dst, uint32_t n_blocks);
void ph_encode_q5_0(const float *src, uint8_t *dst, uint32_t n_blocks);
void ph_encode_q5_1(const float *src, uint8_t *dst, uint32_t n_blocks);
void ph_encode_q8_0(const float *src, uint8_t *dst, uint32_t n_blocks);

#endif /* PH_FIT_H */
