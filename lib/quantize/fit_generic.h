/* SPDX-License-Identifier: MIT
 * fit_generic.h - the search for the scale, or scale and offset, with which
 * small integers come nearest to some weights: weighted least squares. For
 * fixed codes the best scale and offset have a closed form, and for a fixed
 * scale and offset the best codes are the nearest ones. Candidates for the
 * range that the codes span are tried; with an offset, the best one is then
 * improved by doing both in turn. What a fit explains of the weighted sum of
 * squares is its gain; the error is what is left. Private to lib/quantize. */
#ifndef PH_FIT_GENERIC_H
#define PH_FIT_GENERIC_H

#include "quantize/lanes.h"

#include <math.h>

enum { LANES = 16, LONGEST = 32, TURNS = 2 };

/* Of weights and of what their errors count, in the search. With codes of at
 * most five bits, or 32, a product w q x has 24, and is exact. */
enum { X_BITS = 11, W_BITS = 8 };

#define NOTHING 0x1p-40f
#define TABLE_STEP 16  /* from value to value, about */
#define SINGULAR 1e-5f /* all codes are about equal */

typedef float lanes[LANES];

/* Sixteen spans of n weights, 16 or 32. */
typedef struct fit {
    uint32_t n;
    lanes x[LONGEST];
    lanes w[LONGEST];   /* what an error of the element counts */
    lanes least, most;  /* of x */
    lanes sum_w, sum_x; /* of w, and of w * x */
} fit;

/* What a scale is multiplied with: the integers of a range, or the values of
 * the sixteen codes of IQ4_NL and IQ4_XS. */
typedef struct code_range {
    float lowest, highest;
    bool table;
} code_range;

enum { N_VALUES = 16 };

static const float values[N_VALUES] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* What is above it is nearer to the value of code + 1. */
static inline float limit_of(int code)
{
    return (values[code] + values[code + 1]) / 2;
}

static inline vec nearest_value(vec v)
{
    vec found = vec_set(values[0]);

    for (int i = 0; i + 1 < N_VALUES; i++)
        found = vec_select(v > limit_of(i), vec_set(values[i + 1]), found);
    return found;
}

static inline vec nearest(vec v, code_range c)
{
    if (c.table)
        return nearest_value(v);
    return vec_min(vec_max(vec_round(v), vec_set(c.lowest)),
                   vec_set(c.highest));
}

/* weighted: f->w has what the columns count. */
static void weigh(fit *f, int l, bool weighted)
{
    const float n = (float)f->n;
    vec squares = vec_set(0), sum_w = squares, sum_x = squares;
    vec least = vec_load(f->x[0] + l), most = least;
    float size[VEC];

    for (uint32_t i = 0; i < f->n; i++) {
        vec x = vec_load(f->x[i] + l);

        x = (vec)((vec_bits)x & (vec_abs(x) >= NOTHING));
        x = vec_shorten(x, X_BITS);
        vec_store(f->x[i] + l, x);
        squares += x * x;
        least = vec_min(x, least);
        most = vec_max(x, most);
    }
    vec_store(size, squares / n);
    for (int i = 0; i < VEC; i++)
        size[i] = sqrtf(size[i]);
    for (uint32_t i = 0; i < f->n; i++) {
        const vec x = vec_load(f->x[i] + l);
        vec w = vec_load(size) + vec_abs(x);

        if (weighted)
            w *= vec_load(f->w[i] + l);
        w = vec_shorten(w, W_BITS);
        vec_store(f->w[i] + l, w);
        sum_w += w;
        sum_x += w * x;
    }
    vec_store(f->least + l, least);
    vec_store(f->most + l, most);
    vec_store(f->sum_w + l, sum_w);
    vec_store(f->sum_x + l, sum_x);
}

/* n_lanes spans of n elements that follow each other, one span in each lane;
 * the lanes that are left are zero. */
static void to_lanes(const float *src, uint32_t n, uint32_t n_lanes, lanes *to)
{
    float all[LANES * LONGEST];

    if (n_lanes < LANES) {
        memcpy(all, src, sizeof *src * n * n_lanes);
        memset(all + n * n_lanes, 0, sizeof *src * n * (LANES - n_lanes));
        src = all;
    }
    for (uint32_t l = 0; l < LANES; l += 4)
        for (uint32_t i = 0; i < n; i += 4)
            transpose_four(src + l * n + i, n, to[i] + l, LANES);
}

/* An error counts by the size of its weight and of those beside it: large
 * weights are where the model reacts; and, if it is told, by how much the
 * element's column counts: from 2^-20 to 2^20, so that sums stay in the range
 * of floats and products exact. What is below 2^-40 is taken for zero: no type
 * holds it. */
static void fit_load(fit *f, const float *src, const float *importance,
                     uint32_t n, uint32_t n_lanes)
{
    f->n = n;
    to_lanes(src, n, n_lanes, f->x);
    if (importance)
        to_lanes(importance, n, n_lanes, f->w);
    for (int l = 0; l < LANES; l += VEC)
        weigh(f, l, importance);
}

/* ---- x ~ scale * code --------------------------------------------------- */

typedef struct scale_fit {
    vec scale, gain;
} scale_fit;

/* Codes by these inverse scales, the best scale for them, and its gain; better
 * ones replace what is in best. */
static inline void try_scale(const fit *f, int l, code_range c, vec inverse,
                             scale_fit *best)
{
    vec xq = vec_set(0), qq = xq, scale, gain;
    vec_bits better;

    for (uint32_t i = 0; i < f->n; i++) {
        const vec x = vec_load(f->x[i] + l);
        const vec q = nearest(x * inverse, c);
        const vec wq = vec_load(f->w[i] + l) * q;

        xq = c.table ? xq + wq * x : vec_exact_fma(wq, x, xq);
        qq = c.table ? qq + wq * q : vec_exact_fma(wq, q, qq);
    }
    scale = xq * vec_inverse(qq);
    gain = xq * scale;
    better = gain > best->gain;
    best->scale = vec_select(better, scale, best->scale);
    best->gain = vec_select(better, gain, best->gain);
}

/* Codes that the element of largest magnitude is tried at: n of them, step
 * apart, below zero. Of integers there is one more on that side; where sides
 * differ otherwise, as much of the other side is tried too. */
typedef struct peak_codes {
    float first, step;
    int n;
    bool both;
} peak_codes;

/* x ~ scale * code. */
static inline vec fit_scale(const fit *f, int l, code_range c, peak_codes p)
{
    const vec least = vec_load(f->least + l), most = vec_load(f->most + l);
    const vec peak = vec_inverse(vec_select(-least > most, least, most));
    const float other = c.highest / c.lowest;
    scale_fit best = {vec_set(0), vec_set(0)};

    for (int i = 0; i < p.n; i++) {
        const float code = p.first + (float)i * p.step;

        try_scale(f, l, c, code * peak, &best);
        if (p.both)
            try_scale(f, l, c, code * other * peak, &best);
    }
    return best.scale;
}

/* ---- x ~ scale * code + offset ------------------------------------------ */

typedef struct affine_fit {
    vec scale, offset, gain;
} affine_fit;

/* Weighted sums of codes, their squares, and products with x. */
typedef struct sums {
    vec q, qq, xq;
} sums;

/* Solves the normal equations of each lane. */
static inline void take_affine(const fit *f, int l, bool negative,
                               const sums *s, affine_fit *best)
{
    const vec w = vec_load(f->sum_w + l), x = vec_load(f->sum_x + l);
    const vec square = w * s->qq;
    const vec det = square - s->q * s->q;
    const vec by = vec_inverse(det);
    vec_bits solved = det > SINGULAR * square, better;
    vec scale = (w * s->xq - x * s->q) * by;
    vec offset = (s->qq * x - s->q * s->xq) * by;
    vec gain;

    if (negative) {
        const vec_bits above = (offset > 0) | ~solved;

        scale = vec_select(above, s->xq * vec_inverse(s->qq), scale);
        offset = (vec)((vec_bits)offset & ~above);
        solved |= above;
    }
    gain = scale * s->xq + offset * x;
    better = solved & (scale > 0) & (gain > best->gain);
    best->scale = vec_select(better, scale, best->scale);
    best->offset = vec_select(better, offset, best->offset);
    best->gain = vec_select(better, gain, best->gain);
}

static inline void try_affine(const fit *f, int l, code_range c, bool negative,
                              vec inverse, vec offset, affine_fit *best)
{
    sums s = {vec_set(0), vec_set(0), vec_set(0)};

    for (uint32_t i = 0; i < f->n; i++) {
        const vec x = vec_load(f->x[i] + l);
        const vec q = nearest((x - offset) * inverse, c);
        const vec wq = vec_load(f->w[i] + l) * q;

        s.q += wq;
        s.qq = vec_exact_fma(wq, q, s.qq);
        s.xq = vec_exact_fma(wq, x, s.xq);
    }
    take_affine(f, l, negative, &s, best);
}

/* x ~ scale * code + offset; codes begin at 0. If negative, the offset must not
 * be above 0. */
static inline affine_fit fit_affine(const fit *f, int l, code_range c,
                                    bool negative)
{
    static const float spans[] = {-0.9f, -0.5f, -0.2f, 0,    0.2f,
                                  0.4f,  0.6f,  0.9f,  1.3f, 1.8f};
    const int n = sizeof spans / sizeof *spans;
    const vec x = vec_load(f->sum_x + l);
    vec least = vec_load(f->least + l), inverse;
    affine_fit best = {.scale = vec_set(0)};

    /* With all codes equal. */
    best.offset = x * vec_inverse(vec_load(f->sum_w + l));
    if (negative) {
        best.offset = vec_min(best.offset, vec_set(0));
        least = vec_min(least, vec_set(0));
    }
    best.gain = best.offset * x;
    inverse = vec_inverse(vec_load(f->most + l) - least);
    for (int i = 0; i < n; i++)
        try_affine(f, l, c, negative, (c.highest + spans[i]) * inverse, least,
                   &best);
    for (int turn = 0; turn < TURNS; turn++)
        try_affine(f, l, c, negative, vec_inverse(best.scale), best.offset,
                   &best);
    return best;
}

/* ---- What is left ------------------------------------------------------- */

/* The weighted squared error that is left with the nearest codes. scale is half
 * precision times an integer of at most seven bits and a sign, so that its
 * products with codes are exact. */
static inline vec fit_error(const fit *f, int l, code_range c, vec scale,
                            vec offset)
{
    const vec inverse = vec_inverse(scale);
    vec sum = vec_set(0);

    for (uint32_t i = 0; i < f->n; i++) {
        const vec x = vec_load(f->x[i] + l) - offset;
        const vec e = vec_exact_fma(-nearest(x * inverse, c), scale, x);

        sum += vec_load(f->w[i] + l) * (e * e);
    }
    return sum;
}

static inline void fit_values(const float *src, uint32_t n, float inverse,
                              uint8_t *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const float v = src[i] * inverse;
        int code = 0;

        for (int k = 0; k + 1 < N_VALUES; k++)
            code += v > limit_of(k);
        out[i] = (uint8_t)code;
    }
}

/* The nearest codes of one span, counted from the lowest. */
static inline void fit_codes(const float *src, uint32_t n, code_range c,
                             float scale, float offset, uint8_t *out)
{
    const float inverse = scale > 0 || scale < 0 ? 1 / scale : 0;

    if (c.table) {
        fit_values(src, n, inverse, out);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        float v = ((src[i] - offset) * inverse + 0x1.8p23f) - 0x1.8p23f;

        v = v > c.lowest ? v : c.lowest;
        v = v < c.highest ? v : c.highest;
        out[i] = (uint8_t)(int32_t)(v - c.lowest);
    }
}

/* A float that half precision holds. */
static inline float as_half(float f)
{
    return ph_f16_to_f32(ph_f32_to_f16(f));
}

static inline void put_bits(uint8_t *dst, uint16_t half)
{
    dst[0] = (uint8_t)half;
    dst[1] = (uint8_t)(half >> 8);
}

static inline void put_half(uint8_t *dst, float f)
{
    put_bits(dst, ph_f32_to_f16(f));
}

#endif /* PH_FIT_GENERIC_H */
