/* SPDX-License-Identifier: MIT
 * super_generic.h - blocks of 256 in spans of 16 or 32, each with a scale, or
 * a scale and a minimum, that are themselves small integers. The spans are
 * fitted, their scales rounded to integers of what the largest allows, each
 * then moved to the neighbour with the least error, and what all of a block
 * share is fitted anew to the codes. That is done once or twice. Private to
 * lib/quantize. */
#ifndef PH_SUPER_GENERIC_H
#define PH_SUPER_GENERIC_H

#include "quantize/fit_generic.h"

enum { SUPER = 256, SUPER_SPANS = 16 };

typedef struct super_shape {
    uint32_t span;
    code_range c;
    code_range scales; /* of minimums too, but for the lowest */
    bool affine;
    peak_codes peaks; /* if not */
    int rounds;       /* of moving and refitting: what they find of few codes
                         with a sign is next to nothing */
} super_shape;

/* One block, or two of which each has eight lanes. */
typedef struct search {
    const super_shape *shape;
    uint32_t n_blocks;
    int per_block; /* lanes */
    fit f;
    lanes scale, min; /* integers */
    lanes d, dmin;    /* half precision holds them */
    lanes error;
} search;

typedef struct super_block {
    float d, dmin;
    int scale[SUPER_SPANS];
    int min[SUPER_SPANS];
    uint8_t codes[SUPER]; /* counted from the lowest */
} super_block;

static inline vec within(vec v, float lowest, float highest)
{
    return nearest(v, (code_range){lowest, highest, false});
}

static inline vec step_of(const search *s, int l, vec scale)
{
    return vec_load(s->d + l) * scale;
}

static inline vec offset_of(const search *s, int l, vec min)
{
    return -(vec_load(s->dmin + l) * min);
}

static void set_errors(search *s)
{
    for (int l = 0; l < LANES; l += VEC)
        vec_store(s->error + l,
                  fit_error(&s->f, l, s->shape->c,
                            step_of(s, l, vec_load(s->scale + l)),
                            offset_of(s, l, vec_load(s->min + l))));
}

/* Moves the integers of each span to the best of their neighbours. */
static inline void settle(search *s, int l, int reach)
{
    const code_range c = s->shape->scales;
    const vec old_scale = vec_load(s->scale + l),
              old_min = vec_load(s->min + l);
    vec best = vec_load(s->error + l);

    for (int i = -1; i <= 1; i++)
        for (int j = -reach; j <= reach; j++) {
            const vec scale = within(old_scale + (float)i, c.lowest, c.highest);
            const vec min = within(old_min + (float)j, 0, c.highest);
            vec error;
            vec_bits better;

            if (!i && !j)
                continue;
            error = fit_error(&s->f, l, s->shape->c, step_of(s, l, scale),
                              offset_of(s, l, min));
            better = error < best;
            best = vec_select(better, error, best);
            vec_store(s->scale + l,
                      vec_select(better, scale, vec_load(s->scale + l)));
            vec_store(s->min + l,
                      vec_select(better, min, vec_load(s->min + l)));
        }
    vec_store(s->error + l, best);
}

/* Weighted sums over each span with its nearest codes. */
typedef struct span_sums {
    lanes q, qq, xq;
} span_sums;

static void sum_spans(const search *s, span_sums *out)
{
    const fit *f = &s->f;

    for (int l = 0; l < LANES; l += VEC) {
        const vec inverse = vec_inverse(step_of(s, l, vec_load(s->scale + l)));
        const vec offset = offset_of(s, l, vec_load(s->min + l));
        sums t = {vec_set(0), vec_set(0), vec_set(0)};

        for (uint32_t i = 0; i < f->n; i++) {
            const vec x = vec_load(f->x[i] + l);
            const vec q = nearest((x - offset) * inverse, s->shape->c);
            const vec wq = vec_load(f->w[i] + l) * q;

            t.q += wq;
            t.qq += wq * q;
            t.xq += wq * x;
        }
        vec_store(out->q + l, t.q);
        vec_store(out->qq + l, t.qq);
        vec_store(out->xq + l, t.xq);
    }
}

static void set_block(const search *s, lanes to, uint32_t block, float v)
{
    for (int l = 0; l < s->per_block; l++)
        to[(int)block * s->per_block + l] = v;
}

static float block_error(const search *s, uint32_t block)
{
    float sum = 0;

    for (int l = 0; l < s->per_block; l++)
        sum += s->error[(int)block * s->per_block + l];
    return sum;
}

/* The best d, and dmin, of a block for the codes that there are. u is scale *
 * code and v min. */
static void solve(search *s, const span_sums *t, uint32_t block)
{
    const int first = (int)block * s->per_block;
    double uu = 0, uv = 0, vv = 0, ux = 0, vx = 0, det;

    for (int l = first; l < first + s->per_block; l++) {
        const double a = (double)s->scale[l], b = (double)s->min[l];

        uu += a * a * (double)t->qq[l];
        uv += a * b * (double)t->q[l];
        vv += b * b * (double)s->f.sum_w[l];
        ux += a * (double)t->xq[l];
        vx += b * (double)s->f.sum_x[l];
    }
    det = uu * vv - uv * uv;
    if (det > 0) {
        set_block(s, s->d, block, as_half((float)((ux * vv - vx * uv) / det)));
        set_block(s, s->dmin, block,
                  as_half((float)((ux * uv - vx * uu) / det)));
    } else if (uu > 0) {
        set_block(s, s->d, block, as_half((float)(ux / uu)));
    }
}

/* What all spans of a block share; kept if the nearest codes are then nearer.
 */
static void refit(search *s)
{
    float before[LANES];
    lanes d, dmin, error;
    span_sums t;

    memcpy(d, s->d, sizeof d);
    memcpy(dmin, s->dmin, sizeof dmin);
    memcpy(error, s->error, sizeof error);
    sum_spans(s, &t);
    for (uint32_t b = 0; b < s->n_blocks; b++) {
        before[b] = block_error(s, b);
        solve(s, &t, b);
    }
    set_errors(s);
    for (uint32_t b = 0; b < s->n_blocks; b++) {
        const int first = (int)b * s->per_block;

        if (s->dmin[first] >= 0 && block_error(s, b) < before[b])
            continue;
        set_block(s, s->d, b, d[first]);
        set_block(s, s->dmin, b, dmin[first]);
        memcpy(s->error + first, error + first,
               sizeof *error * (size_t)s->per_block);
    }
}

static void finish(search *s, const float *src, super_block *out)
{
    const uint32_t span = s->shape->span;

    set_errors(s);
    for (int round = 0; round < s->shape->rounds; round++) {
        for (int l = 0; l < LANES; l += VEC)
            settle(s, l, s->shape->affine);
        refit(s);
    }
    for (uint32_t b = 0; b < s->n_blocks; b++) {
        const int first = (int)b * s->per_block;

        out[b].d = s->d[first];
        out[b].dmin = s->dmin[first];
        for (int l = 0; l < s->per_block; l++) {
            const float scale = s->scale[first + l], min = s->min[first + l];

            out[b].scale[l] = (int)scale;
            out[b].min[l] = (int)min;
            fit_codes(src + (uint32_t)(first + l) * span, span, s->shape->c,
                      out[b].d * scale, -(out[b].dmin * min),
                      out[b].codes + (uint32_t)l * span);
        }
    }
}

/* The factors with which a block's largest scale and lowest offset become the
 * most that there is. */
static void set_factors(search *s, const lanes offset)
{
    const code_range c = s->shape->scales;
    const float most = s->shape->affine ? c.highest : c.lowest;

    for (uint32_t b = 0; b < s->n_blocks; b++) {
        const int first = (int)b * s->per_block;
        float largest = 0, lowest = 0;

        for (int l = first; l < first + s->per_block; l++) {
            if (fabsf(s->scale[l]) > fabsf(largest))
                largest = s->scale[l];
            lowest = offset[l] < lowest ? offset[l] : lowest;
        }
        set_block(s, s->d, b, as_half(largest / most));
        set_block(s, s->dmin, b, as_half(-lowest / most));
    }
}

/* n_blocks of 256, as many as have spans in sixteen lanes at most:
 * x ~ d * scale * code - dmin * min */
static void encode_super(const super_shape *shape, const float *src,
                         const float *importance, uint32_t n_blocks,
                         super_block *out)
{
    const code_range c = shape->scales;
    search s = {.shape = shape, .n_blocks = n_blocks};
    lanes offset = {0};

    s.per_block = (int)(SUPER / shape->span);
    fit_load(&s.f, src, importance, shape->span,
             n_blocks * (uint32_t)s.per_block);
    for (int l = 0; l < LANES; l += VEC)
        if (shape->affine) {
            const affine_fit best = fit_affine(&s.f, l, shape->c, true);

            vec_store(s.scale + l, best.scale);
            vec_store(offset + l, best.offset);
        } else {
            vec_store(s.scale + l, fit_scale(&s.f, l, shape->c, shape->peaks));
        }
    set_factors(&s, offset);
    for (int l = 0; l < LANES; l += VEC) {
        const vec by = vec_inverse(vec_load(s.d + l));
        const vec by_min = vec_inverse(vec_load(s.dmin + l));

        vec_store(s.scale + l,
                  within(vec_load(s.scale + l) * by, c.lowest, c.highest));
        vec_store(s.min + l,
                  within(-vec_load(offset + l) * by_min, 0, c.highest));
    }
    finish(&s, src, out);
}

#endif /* PH_SUPER_GENERIC_H */
