/* SPDX-License-Identifier: MIT
 * Root mean square norm (Zhang and Sennrich 2019), SwiGLU (Shazeer 2020) and
 * the residual sum. */
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

void ph_rms_norm(const float *x, const float *weight, float eps, size_t n,
                 float *y)
{
    float mean = sum_of_squares(x, n) / (float)n;
    float r = 1.0f / sqrtf(mean + eps);

    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * r * weight[i];
}

void ph_add_to(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

void ph_swiglu(const float *gate, const float *up, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = gate[i] / (1.0f + ph_exp_inline(-gate[i])) * up[i];
}
