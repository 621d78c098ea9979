/* SPDX-License-Identifier: MIT
 * Log probabilities, and the likeliest tokens of raw logits. */
#include "sampling/exp_down.h"
#include "sampling/sampling.h"
#include "sampling/select.h"

#include <math.h>

enum { LANES = 16 };

/* 2^20 terms below e^-60 do not change a double. */
#define LOWEST (-60.0)

double ph_log_sum_exp(const float *logits, size_t n)
{
    double sum[LANES] = {0};
    float max = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        if (isnan(logits[i]))
            return (double)logits[i];
        max = logits[i] > max ? logits[i] : max;
    }
    if (isinf(max))
        return (double)max;
    for (size_t i = 0; i < n; i++) {
        double z = (double)logits[i] - (double)max;

        sum[i % LANES] += z < LOWEST ? 0 : ph_exp_down(z);
    }
    for (size_t half = LANES / 2; half; half /= 2) {
        for (size_t lane = 0; lane < half; lane++)
            sum[lane] += sum[lane + half];
    }
    return (double)max + ph_ln(sum[0]);
}

/* True if a ranks above b. NaN ranks below everything. */
static bool above(float a, phial_token a_id, float b, phial_token b_id)
{
    if (isnan(a) || isnan(b))
        return isnan(a) == isnan(b) ? a_id < b_id : isnan(b);
    return a > b || (a == b && a_id < b_id);
}

/* Puts a token at place i of a heap of n whose top is its lowest. */
static void sift_down(phial_token *tokens, float *values, size_t n, size_t i,
                      phial_token token, float value)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= n)
            break;
        if (child + 1 < n && above(values[child], tokens[child],
                                   values[child + 1], tokens[child + 1]))
            child++;
        if (!above(value, token, values[child], tokens[child]))
            break;
        values[i] = values[child];
        tokens[i] = tokens[child];
        i = child;
    }
    values[i] = value;
    tokens[i] = token;
}

void ph_top_k(const float *logits, size_t n, size_t k, phial_token *tokens,
              float *values)
{
    if (k == 0)
        return;
    for (size_t i = k; i-- > 0;)
        sift_down(tokens, values, k, i, (phial_token)i, logits[i]);
    for (size_t i = k; i < n; i++) {
        if (above(logits[i], (phial_token)i, values[0], tokens[0]))
            sift_down(tokens, values, k, 0, (phial_token)i, logits[i]);
    }
    for (size_t left = k - 1; left > 0; left--) {
        phial_token token = tokens[left];
        float value = values[left];

        tokens[left] = tokens[0];
        values[left] = values[0];
        sift_down(tokens, values, left, 0, token, value);
    }
}
