/* SPDX-License-Identifier: MIT
 * Rotary position embedding (Su et al. 2021) in the order of roundings of the
 * reference, transformers' modeling_phi3.py: frequencies, angles and products
 * in float. Only the transcendental functions are evaluated more precisely and
 * rounded once. */
#include "kernels/functions.h"
#include "kernels/kernels.h"

void ph_rope_frequencies(float theta, uint32_t n_rot, const float *factors,
                         float *freqs)
{
    double ln_theta = ph_ln(theta);

    for (uint32_t i = 0; i < n_rot / 2; i++) {
        float exponent = (float)(2 * i) / (float)n_rot;
        float power = (float)ph_exp((double)exponent * ln_theta);

        if (factors)
            power = factors[i] * power;
        freqs[i] = 1.0f / power;
    }
}

void ph_rope_angles(const float *freqs, uint32_t n_rot, uint32_t pos,
                    float scale, float *cos_out, float *sin_out)
{
    for (uint32_t i = 0; i < n_rot / 2; i++) {
        float angle = freqs[i] * (float)pos;
        double s, c;

        ph_sincos(angle, &s, &c);
        cos_out[i] = (float)c * scale;
        sin_out[i] = (float)s * scale;
    }
}
