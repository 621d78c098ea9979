/* SPDX-License-Identifier: MIT
 * Weighted least squares. For fixed codes the best scale and offset have a
 * closed form, and for a fixed scale and offset the best codes are the nearest
 * ones. Candidates for the range that the codes span are tried, the best one is
 * then improved by doing both in turn. What a fit explains of the weighted sum
 * of squares is its gain; the error is what is left. */
#include "quantize/fit.h"

#include <math.h>

enum { TURNS = 2 };

#define ROUND 0x1.8p23f /* adding it rounds to an integer */
#define NOTHING 0x1p-40f
#define SINGULAR 1e-5f /* all codes are about equal */

static inline float nearest(float v, float lowest, float highest)
{
    v = v < lowest ? lowest : v;
    v = v > highest ? highest : v;
    return (v + ROUND) - ROUND;
}

/* Four lanes at once: compilers do not find this by themselves in the loops
 * that take nearly all of the time. */
enum { FOUR = 4 };

typedef float four __attribute__((vector_size(16)));
typedef int32_t four_masks __attribute__((vector_size(16)));

static inline four load4(const float *from)
{
    four v;

    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store4(float *to, four v)
{
    memcpy(to, &v, sizeof v);
}

static inline four all4(float f)
{
    return (four){f, f, f, f};
}

static inline four select4(four_masks mask, four a, four b)
{
    return (four)((mask & (four_masks)a) | (~mask & (four_masks)b));
}

static inline four nearest4(four v, four lowest, four highest)
{
    v = select4(v < lowest, lowest, v);
    v = select4(v > highest, highest, v);
    return (v + ROUND) - ROUND;
}

static inline float reciprocal(float v)
{
    return v > 0 || v < 0 ? 1 / v : 0;
}

static void load_values(ph_fit *fit, const float *src, uint32_t n_lanes)
{
    for (uint32_t l = 0; l < n_lanes; l++)
        for (uint32_t i = 0; i < fit->n; i++) {
            const float x = src[l * fit->n + i];

            fit->x[i][l] = fabsf(x) < NOTHING ? 0 : x;
        }
    for (uint32_t l = n_lanes; l < PH_FIT_LANES; l++)
        for (uint32_t i = 0; i < fit->n; i++)
            fit->x[i][l] = 0;
}

void ph_fit_load(ph_fit *fit, const float *src, uint32_t n, uint32_t n_lanes)
{
    ph_lanes squares = {0};

    fit->n = n;
    load_values(fit, src, n_lanes);
    memcpy(fit->least, fit->x[0], sizeof fit->least);
    memcpy(fit->most, fit->x[0], sizeof fit->most);
    for (uint32_t i = 0; i < n; i++)
        for (int l = 0; l < PH_FIT_LANES; l++) {
            const float x = fit->x[i][l];

            squares[l] += x * x;
            fit->least[l] = x < fit->least[l] ? x : fit->least[l];
            fit->most[l] = x > fit->most[l] ? x : fit->most[l];
        }
    for (int l = 0; l < PH_FIT_LANES; l++)
        squares[l] = sqrtf(squares[l] / (float)n);
    for (uint32_t i = 0; i < n; i++)
        for (int l = 0; l < PH_FIT_LANES; l++)
            fit->w[i][l] = squares[l] + fabsf(fit->x[i][l]);
}

/* ---- x ~ scale * code --------------------------------------------------- */

typedef struct scale_fit {
    ph_lanes scale, gain;
} scale_fit;

/* Codes by these inverse scales, the best scale for them, and its gain; better
 * ones replace what is in best. */
static void try_scale(const ph_fit *fit, ph_codes codes, const ph_lanes inverse,
                      scale_fit *best)
{
    const four lowest = all4(codes.lowest), highest = all4(codes.highest);
    ph_lanes xq, qq;

    for (int l = 0; l < PH_FIT_LANES; l += FOUR) {
        const four by = load4(inverse + l);
        four xq4 = all4(0), qq4 = all4(0);

        for (uint32_t i = 0; i < fit->n; i++) {
            const four x = load4(fit->x[i] + l);
            const four q = nearest4(x * by, lowest, highest);
            const four wq = load4(fit->w[i] + l) * q;

            xq4 += wq * x;
            qq4 += wq * q;
        }
        store4(xq + l, xq4);
        store4(qq + l, qq4);
    }
    for (int l = 0; l < PH_FIT_LANES; l++) {
        const float scale = xq[l] * reciprocal(qq[l]);
        const float gain = xq[l] * scale;

        best->scale[l] = gain > best->gain[l] ? scale : best->scale[l];
        best->gain[l] = gain > best->gain[l] ? gain : best->gain[l];
    }
}

/* Of the element of largest magnitude. */
static void peaks(const ph_fit *fit, ph_lanes peak)
{
    for (int l = 0; l < PH_FIT_LANES; l++)
        peak[l] = -fit->least[l] > fit->most[l] ? fit->least[l] : fit->most[l];
}

/* The peak gets about the lowest code, of which there is one more than on the
 * other side; or the highest. */
void ph_fit_scale(const ph_fit *fit, ph_codes codes, ph_lanes scale)
{
    static const float spans[] = {-0.8f, -0.4f, -0.1f, 0,   0.2f,
                                  0.4f,  0.7f,  1.1f,  1.5f};
    const int n = sizeof spans / sizeof *spans;
    scale_fit best = {0};
    ph_lanes peak, inverse;

    peaks(fit, peak);
    for (int l = 0; l < PH_FIT_LANES; l++)
        peak[l] = reciprocal(peak[l]);
    for (int i = 0; i < 2 * n; i++) {
        const float span = i < n ? codes.lowest - spans[i]
                                 : codes.highest + spans[i - n] * 0.5f;

        for (int l = 0; l < PH_FIT_LANES; l++)
            inverse[l] = span * peak[l];
        try_scale(fit, codes, inverse, &best);
    }
    for (int turn = 0; turn < TURNS; turn++) {
        for (int l = 0; l < PH_FIT_LANES; l++)
            inverse[l] = reciprocal(best.scale[l]);
        try_scale(fit, codes, inverse, &best);
    }
    memcpy(scale, best.scale, sizeof best.scale);
}

/* ---- x ~ scale * code + offset ------------------------------------------ */

typedef struct affine_fit {
    ph_lanes w, x; /* weighted sums of 1 and of x */
    ph_lanes scale, offset, gain;
    bool negative;
} affine_fit;

/* With all codes equal. */
static void begin_affine(const ph_fit *fit, affine_fit *best)
{
    for (uint32_t i = 0; i < fit->n; i++)
        for (int l = 0; l < PH_FIT_LANES; l++) {
            best->w[l] += fit->w[i][l];
            best->x[l] += fit->w[i][l] * fit->x[i][l];
        }
    for (int l = 0; l < PH_FIT_LANES; l++) {
        const float mean = best->x[l] * reciprocal(best->w[l]);

        best->offset[l] = best->negative && mean > 0 ? 0 : mean;
        best->gain[l] = best->offset[l] * best->x[l];
    }
}

/* Solves the normal equations of each lane. */
static void take_affine(const ph_lanes q, const ph_lanes qq, const ph_lanes xq,
                        affine_fit *best)
{
    for (int l = 0; l < PH_FIT_LANES; l++) {
        const float square = best->w[l] * qq[l];
        const float det = square - q[l] * q[l];
        const bool solved = det > SINGULAR * square;
        const float by = reciprocal(det);
        float scale = (best->w[l] * xq[l] - best->x[l] * q[l]) * by;
        float offset = (qq[l] * best->x[l] - q[l] * xq[l]) * by;
        const bool above = best->negative && (offset > 0 || !solved);
        float gain;

        scale = above ? xq[l] * reciprocal(qq[l]) : scale;
        offset = above ? 0 : offset;
        gain = scale * xq[l] + offset * best->x[l];
        gain = (solved || above) && scale > 0 ? gain : -1;
        best->scale[l] = gain > best->gain[l] ? scale : best->scale[l];
        best->offset[l] = gain > best->gain[l] ? offset : best->offset[l];
        best->gain[l] = gain > best->gain[l] ? gain : best->gain[l];
    }
}

static void try_affine(const ph_fit *fit, float highest, const ph_lanes inverse,
                       const ph_lanes offset, affine_fit *best)
{
    const four lowest = all4(0), top = all4(highest);
    ph_lanes q_sum, qq, xq;

    for (int l = 0; l < PH_FIT_LANES; l += FOUR) {
        const four by = load4(inverse + l), from = load4(offset + l);
        four q4 = all4(0), qq4 = all4(0), xq4 = all4(0);

        for (uint32_t i = 0; i < fit->n; i++) {
            const four x = load4(fit->x[i] + l);
            const four q = nearest4((x - from) * by, lowest, top);
            const four wq = load4(fit->w[i] + l) * q;

            q4 += wq;
            qq4 += wq * q;
            xq4 += wq * x;
        }
        store4(q_sum + l, q4);
        store4(qq + l, qq4);
        store4(xq + l, xq4);
    }
    take_affine(q_sum, qq, xq, best);
}

void ph_fit_affine(const ph_fit *fit, float highest, bool negative,
                   ph_lanes scale, ph_lanes offset)
{
    static const float spans[] = {-0.9f, -0.5f, -0.2f, 0,    0.2f,
                                  0.4f,  0.6f,  0.9f,  1.3f, 1.8f};
    affine_fit best = {.negative = negative};
    ph_lanes least, inverse, from;

    begin_affine(fit, &best);
    for (int l = 0; l < PH_FIT_LANES; l++) {
        least[l] = negative && fit->least[l] > 0 ? 0 : fit->least[l];
        inverse[l] = reciprocal(fit->most[l] - least[l]);
    }
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        ph_lanes by;

        for (int l = 0; l < PH_FIT_LANES; l++)
            by[l] = (highest + spans[i]) * inverse[l];
        try_affine(fit, highest, by, least, &best);
    }
    for (int turn = 0; turn < TURNS; turn++) {
        for (int l = 0; l < PH_FIT_LANES; l++)
            inverse[l] = reciprocal(best.scale[l]);
        memcpy(from, best.offset, sizeof from);
        try_affine(fit, highest, inverse, from, &best);
    }
    memcpy(scale, best.scale, sizeof best.scale);
    memcpy(offset, best.offset, sizeof best.offset);
}

/* ---- What is left ------------------------------------------------------- */

void ph_fit_error(const ph_fit *fit, ph_codes codes, const ph_lanes scale,
                  const ph_lanes offset, ph_lanes error)
{
    const four lowest = all4(codes.lowest), highest = all4(codes.highest);
    ph_lanes inverse;

    for (int l = 0; l < PH_FIT_LANES; l++)
        inverse[l] = reciprocal(scale[l]);
    for (int l = 0; l < PH_FIT_LANES; l += FOUR) {
        const four by = load4(inverse + l), step = load4(scale + l);
        const four from = load4(offset + l);
        four sum = all4(0);

        for (uint32_t i = 0; i < fit->n; i++) {
            const four x = load4(fit->x[i] + l) - from;
            const four e = x - nearest4(x * by, lowest, highest) * step;

            sum += load4(fit->w[i] + l) * (e * e);
        }
        store4(error + l, sum);
    }
}

void ph_fit_codes(const ph_fit *fit, ph_codes codes, const ph_lanes scale,
                  const ph_lanes offset, int8_t *out)
{
    ph_lanes inverse;

    for (int l = 0; l < PH_FIT_LANES; l++)
        inverse[l] = reciprocal(scale[l]);
    for (uint32_t i = 0; i < fit->n; i++)
        for (uint32_t l = 0; l < PH_FIT_LANES; l++) {
            const float x = (fit->x[i][l] - offset[l]) * inverse[l];

            out[l * fit->n + i] =
                (int8_t)nearest(x, codes.lowest, codes.highest);
        }
}
