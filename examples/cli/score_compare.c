/* SPDX-License-Identifier: MIT
 * Distributions from logits, in double. */
#include "score.h"

#include <math.h>

static size_t largest(const float *x, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

double score_log_sum_exp(const float *logits, size_t n)
{
    const double max = (double)logits[largest(logits, n)];
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - max);
    return max + log(sum);
}

/* sum p (log p - log q) = E[a - b] - log sum exp a + log sum exp b, with a and
 * b the logits and the mean taken over p. a's largest logit is taken from all
 * of a, so that nothing overflows. Rounding may leave a little below 0. */
score_distance score_compare(const float *p, const float *q, size_t n)
{
    const size_t top = largest(p, n);
    const double max = (double)p[top];
    double sum = 0, mean = 0, kl;

    for (size_t i = 0; i < n; i++) {
        const double weight = exp((double)p[i] - max);

        sum += weight;
        mean += weight * ((double)p[i] - (double)q[i]);
    }
    kl = mean / sum - (max + log(sum)) + score_log_sum_exp(q, n);
    return (score_distance){kl > 0 ? kl : 0, top == largest(q, n)};
}
