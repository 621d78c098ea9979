/* SPDX-License-Identifier: MIT
 * Blocks of 256: the spans are fitted, their scales rounded to integers of what
 * the largest allows, each then moved to the neighbour with the least error,
 * and what all share is fitted anew to the codes. That is done twice. */
#include "quantize/fit.h"

#include <math.h>

enum { GROUPS = PH_SUPER_SPANS / PH_FIT_LANES, ROUNDS = 2 };

/* The spans of a block, in groups of lanes. */
typedef struct search {
    const ph_super_shape *shape;
    int n_groups;
    bool affine;
    ph_fit fit[GROUPS];
    ph_lanes scale[GROUPS], min[GROUPS]; /* integers */
    float d, dmin;
} search;

static inline float integer(float v, float lowest, float highest)
{
    v = v < lowest ? lowest : v;
    v = v > highest ? highest : v;
    return (v + 0x1.8p23f) - 0x1.8p23f;
}

static float ratio(float a, float b)
{
    return b > 0 || b < 0 ? a / b : 0;
}

static void load(search *s, const ph_super_shape *shape, const float *src)
{
    const uint32_t group = PH_FIT_LANES * shape->span;

    s->shape = shape;
    s->n_groups = (int)(PH_SUPER / group);
    for (int g = 0; g < s->n_groups; g++)
        ph_fit_load(&s->fit[g], src + (uint32_t)g * group, shape->span,
                    PH_FIT_LANES);
}

/* What codes are multiplied with, and what is added. */
static void factors(const search *s, const ph_lanes scale, const ph_lanes min,
                    ph_lanes by, ph_lanes offset)
{
    for (int l = 0; l < PH_FIT_LANES; l++) {
        by[l] = s->d * scale[l];
        offset[l] = -(s->dmin * min[l]);
    }
}

/* Moves the integers of each span of a group to the best of their neighbours.
 */
static void settle(search *s, int g)
{
    const ph_super_shape *shape = s->shape;
    const int reach = s->affine ? 1 : 0;
    ph_lanes best, scale, min, by, offset, error, old_scale, old_min;

    memcpy(old_scale, s->scale[g], sizeof old_scale);
    memcpy(old_min, s->min[g], sizeof old_min);
    factors(s, old_scale, old_min, by, offset);
    ph_fit_error(&s->fit[g], shape->codes, by, offset, best);
    for (int i = -1; i <= 1; i++)
        for (int j = -reach; j <= reach; j++) {
            if (!i && !j)
                continue;
            for (int l = 0; l < PH_FIT_LANES; l++) {
                scale[l] = integer(old_scale[l] + (float)i, shape->scale_lowest,
                                   shape->scale_highest);
                min[l] =
                    integer(old_min[l] + (float)j, 0, shape->scale_highest);
            }
            factors(s, scale, min, by, offset);
            ph_fit_error(&s->fit[g], shape->codes, by, offset, error);
            for (int l = 0; l < PH_FIT_LANES; l++)
                if (error[l] < best[l]) {
                    best[l] = error[l];
                    s->scale[g][l] = scale[l];
                    s->min[g][l] = min[l];
                }
        }
}

static float total_error(const search *s)
{
    float sum = 0;

    for (int g = 0; g < s->n_groups; g++) {
        ph_lanes by, offset, error;

        factors(s, s->scale[g], s->min[g], by, offset);
        ph_fit_error(&s->fit[g], s->shape->codes, by, offset, error);
        for (int l = 0; l < PH_FIT_LANES; l++)
            sum += error[l];
    }
    return sum;
}

/* Weighted sums of products of u = scale * code, v = min, and x. */
typedef struct moments {
    double uu, uv, vv, ux, vx;
} moments;

static void add_moments(const search *s, int g, moments *m)
{
    const ph_fit *fit = &s->fit[g];
    int8_t codes[PH_SUPER];
    ph_lanes by, offset, wqq = {0}, wq = {0}, wqx = {0}, w = {0}, wx = {0};

    factors(s, s->scale[g], s->min[g], by, offset);
    ph_fit_codes(fit, s->shape->codes, by, offset, codes);
    for (uint32_t i = 0; i < fit->n; i++)
        for (uint32_t l = 0; l < PH_FIT_LANES; l++) {
            const float q = (float)codes[l * fit->n + i];

            w[l] += fit->w[i][l];
            wx[l] += fit->w[i][l] * fit->x[i][l];
            wq[l] += fit->w[i][l] * q;
            wqq[l] += fit->w[i][l] * q * q;
            wqx[l] += fit->w[i][l] * q * fit->x[i][l];
        }
    for (int l = 0; l < PH_FIT_LANES; l++) {
        const double a = (double)s->scale[g][l], b = (double)s->min[g][l];

        m->uu += a * a * (double)wqq[l];
        m->uv += a * b * (double)wq[l];
        m->vv += b * b * (double)w[l];
        m->ux += a * (double)wqx[l];
        m->vx += b * (double)wx[l];
    }
}

/* The best d, and dmin, for the codes that there are; kept if the nearest codes
 * then are nearer. */
static void refit(search *s)
{
    const float d = s->d, dmin = s->dmin;
    const float before = total_error(s);
    moments m = {0};
    double det;

    for (int g = 0; g < s->n_groups; g++)
        add_moments(s, g, &m);
    det = m.uu * m.vv - m.uv * m.uv;
    if (det > 0) {
        s->d = ph_as_half((float)((m.ux * m.vv - m.vx * m.uv) / det));
        s->dmin = ph_as_half((float)((m.ux * m.uv - m.vx * m.uu) / det));
    } else if (m.uu > 0) {
        s->d = ph_as_half((float)(m.ux / m.uu));
    }
    if (s->dmin < 0 || !(total_error(s) < before)) {
        s->d = d;
        s->dmin = dmin;
    }
}

static void finish(search *s, ph_super *out)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (int g = 0; g < s->n_groups; g++)
            settle(s, g);
        refit(s);
    }
    out->d = s->d;
    out->dmin = s->dmin;
    for (int g = 0; g < s->n_groups; g++) {
        ph_lanes by, offset;

        factors(s, s->scale[g], s->min[g], by, offset);
        ph_fit_codes(&s->fit[g], s->shape->codes, by, offset,
                     out->codes + g * (PH_SUPER / s->n_groups));
        for (int l = 0; l < PH_FIT_LANES; l++) {
            out->scale[g * PH_FIT_LANES + l] = (int)s->scale[g][l];
            out->min[g * PH_FIT_LANES + l] = (int)s->min[g][l];
        }
    }
}

/* The scale of the largest magnitude. */
static float largest(const search *s)
{
    float best = 0;

    for (int g = 0; g < s->n_groups; g++)
        for (int l = 0; l < PH_FIT_LANES; l++)
            if (fabsf(s->scale[g][l]) > fabsf(best))
                best = s->scale[g][l];
    return best;
}

void ph_super_signed(const ph_super_shape *shape, const float *src,
                     ph_super *out)
{
    search s = {.affine = false};

    load(&s, shape, src);
    for (int g = 0; g < s.n_groups; g++)
        ph_fit_scale(&s.fit[g], shape->codes, s.scale[g]);
    s.d = ph_as_half(largest(&s) / shape->scale_lowest);
    for (int g = 0; g < s.n_groups; g++)
        for (int l = 0; l < PH_FIT_LANES; l++)
            s.scale[g][l] = integer(ratio(s.scale[g][l], s.d),
                                    shape->scale_lowest, shape->scale_highest);
    finish(&s, out);
}

void ph_super_affine(const ph_super_shape *shape, const float *src,
                     ph_super *out)
{
    search s = {.affine = true};
    float lowest = 0;

    load(&s, shape, src);
    for (int g = 0; g < s.n_groups; g++) {
        ph_fit_affine(&s.fit[g], shape->codes.highest, true, s.scale[g],
                      s.min[g]);
        for (int l = 0; l < PH_FIT_LANES; l++)
            lowest = s.min[g][l] < lowest ? s.min[g][l] : lowest;
    }
    s.d = ph_as_half(largest(&s) / shape->scale_highest);
    s.dmin = ph_as_half(-lowest / shape->scale_highest);
    for (int g = 0; g < s.n_groups; g++)
        for (int l = 0; l < PH_FIT_LANES; l++) {
            s.scale[g][l] =
                integer(ratio(s.scale[g][l], s.d), 0, shape->scale_highest);
            s.min[g][l] =
                integer(ratio(-s.min[g][l], s.dmin), 0, shape->scale_highest);
        }
    finish(&s, out);
}
