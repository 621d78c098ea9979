/* SPDX-License-Identifier: MIT
 * elementwise_generic.h - root mean square norm (Zhang and Sennrich 2019),
 * SwiGLU (Shazeer 2020), the residual sum, and rotation by position (Su et al.
 * 2021) in the order of roundings of transformers' modeling_phi3.py. Private to
 * lib/kernels; see tier.h. */
#ifndef PH_ELEMENTWISE_GENERIC_H
#define PH_ELEMENTWISE_GENERIC_H

#include "kernels/arith.h"
#include "kernels/kernels.h"

static float sum_of_squares(const float *x, size_t n)
{
    float lanes[PH_LANES] = {0};
    size_t whole = n - n % PH_LANES;

    for (size_t i = 0; i < whole; i += PH_LANES)
        for (size_t l = 0; l < PH_LANES; l++)
            lanes[l] = ph_fmaf(x[i + l], x[i + l], lanes[l]);
    for (size_t i = whole; i < n; i++)
        lanes[i - whole] = ph_fmaf(x[i], x[i], lanes[i - whole]);
    return ph_reduce(lanes);
}

static void rms_norm(const float *x, const float *weight, float eps, size_t n,
                     float *y)
{
    float mean = sum_of_squares(x, n) / (float)n;
    float r = 1.0f / sqrtf(mean + eps);

    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * r * weight[i];
}

static void add_to(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

static void swiglu(const float *gate, const float *up, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = gate[i] / (1.0f + ph_exp_inline(-gate[i])) * up[i];
}

static void rope(float *head, const float *cos_in, const float *sin_in,
                 uint32_t n_rot)
{
    uint32_t half = n_rot / 2;

    for (uint32_t i = 0; i < half; i++) {
        float a = head[i];
        float b = head[i + half];

        head[i] = a * cos_in[i] - b * sin_in[i];
        head[i + half] = b * cos_in[i] + a * sin_in[i];
    }
}

#endif /* PH_ELEMENTWISE_GENERIC_H */
