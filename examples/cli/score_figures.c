/* SPDX-License-Identifier: MIT
 * Means, their standard errors, and quantiles. */
#include "score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The standard error of a mean of n independent values. */
static figure mean(const double *x, size_t n)
{
    figure f = {0, NAN};
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i];
    f.value = sum / (double)n;
    sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - f.value) * (x[i] - f.value);
    if (n > 1)
        f.error = sqrt(sum / (double)(n - 1) / (double)n);
    return f;
}

/* The delta method: exp has the slope exp(mean) there. */
static figure exponential(figure mean)
{
    const double value = exp(mean.value);

    return (figure){value, value * mean.error};
}

/* Tokens of a window count as one observation each: the residuals are summed by
 * windows before they are squared. */
static double error_by_windows(const score_tokens *t, double mean)
{
    double sum = 0, residual = 0;
    size_t n_windows = 0;

    for (size_t i = 0; i < t->n; i++) {
        residual += t->nll[i] - mean;
        if (i + 1 < t->n && t->window[i + 1] == t->window[i])
            continue;
        sum += residual * residual;
        residual = 0;
        n_windows++;
    }
    if (n_windows < 2)
        return NAN;
    sum *= (double)n_windows / (double)(n_windows - 1);
    return sqrt(sum) / (double)t->n;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Between the two values that stand around the place, by its distance. */
static double quantile(const double *sorted, size_t n, double q)
{
    const double place = q * (double)(n - 1);
    const size_t i = (size_t)place;

    if (i + 1 >= n)
        return sorted[n - 1];
    return sorted[i] + (place - (double)i) * (sorted[i + 1] - sorted[i]);
}

static void sum_up_divergence(const score_tokens *t, score_figures *f)
{
    double *sorted = must_alloc(t->n, sizeof *sorted);

    f->kl = mean(t->kl, t->n);
    f->same_top = mean(t->same_top, t->n);
    memcpy(sorted, t->kl, t->n * sizeof *sorted);
    qsort(sorted, t->n, sizeof *sorted, ascending);
    f->kl_median = quantile(sorted, t->n, 0.5);
    f->kl_99 = quantile(sorted, t->n, 0.99);
    f->kl_99_9 = quantile(sorted, t->n, 0.999);
    f->kl_max = sorted[t->n - 1];
    free(sorted);
}

/* Both models have scored the same tokens: their differences vary less than the
 * scores do. */
static figure ratio(const score_tokens *t)
{
    double *difference = must_alloc(t->n, sizeof *difference);
    figure f;

    for (size_t i = 0; i < t->n; i++)
        difference[i] = t->nll[i] - t->reference[i];
    f = exponential(mean(difference, t->n));
    free(difference);
    return f;
}

score_figures score_sum_up(const score_run *run)
{
    const score_tokens *t = &run->scored;
    const double n_text = (double)(run->text.n - run->text.has_bos);
    score_figures f = {.nll = mean(t->nll, t->n)};

    f.perplexity = exponential(f.nll);
    f.error_by_windows = error_by_windows(t, f.nll.value);
    f.bits_per_byte = f.nll.value / log(2) * n_text / (double)run->text.n_bytes;
    if (!run->reference.model)
        return f;
    f.reference = exponential(mean(t->reference, t->n));
    f.ratio = ratio(t);
    sum_up_divergence(t, &f);
    return f;
}
