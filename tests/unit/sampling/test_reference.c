/* SPDX-License-Identifier: MIT
 * sampling: the choice of a token against a reference that sorts everything and
 * computes in double. */
#include "sampling/philox.h"
#include "sampling_tests.h"

#include <math.h>

enum { MAX_N = 700 };

typedef struct reference {
    uint32_t n;
    uint32_t order[MAX_N]; /* ids, likeliest first */
    double p[MAX_N];       /* by id, not normalised */
    size_t kept;           /* of order */
    bool close;            /* a decision rests on a rounding error */
} reference;

static const float *order_logits;

static int by_logit(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (order_logits[x] != order_logits[y])
        return order_logits[x] > order_logits[y] ? -1 : 1;
    return x < y ? -1 : 1;
}

static double sum_of_kept(const reference *r)
{
    double sum = 0;

    for (size_t i = 0; i < r->kept; i++)
        sum += r->p[r->order[i]];
    return sum;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-5 * fabs(b);
}

/* Top-k, top-p and min-p in this order, each on what the last one kept. */
static void narrow(reference *r, const phial_sampling *params)
{
    double total, sum = 0, max = r->p[r->order[0]];

    if (params->top_k && params->top_k < r->kept)
        r->kept = params->top_k;
    total = sum_of_kept(r);
    if (params->top_p > 0) {
        for (size_t i = 0; i < r->kept; i++) {
            sum += r->p[r->order[i]];
            r->close |= near(sum, (double)params->top_p * total);
            if (sum >= (double)params->top_p * total)
                r->kept = i + 1;
        }
    }
    while (r->p[r->order[r->kept - 1]] < (double)params->min_p * max) {
        r->close |=
            near(r->p[r->order[r->kept - 1]], (double)params->min_p * max);
        r->kept--;
    }
    r->close |= near(r->p[r->order[r->kept - 1]], (double)params->min_p * max);
}

static int by_id(const void *a, const void *b)
{
    return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static uint32_t reference_pick(reference *r, const float *logits,
                               const phial_sampling *params, uint64_t step)
{
    double max, total, sum = 0;
    double point = (double)ph_random_bits(params->seed, step) * 0x1p-64;

    r->close = false;
    r->kept = r->n;
    for (uint32_t i = 0; i < r->n; i++)
        r->order[i] = i;
    order_logits = logits;
    qsort(r->order, r->n, sizeof *r->order, by_logit);
    max = (double)logits[r->order[0]];
    for (uint32_t i = 0; i < r->n; i++)
        r->p[i] = exp(((double)logits[i] - max) / (double)params->temperature);
    narrow(r, params);
    total = sum_of_kept(r);
    qsort(r->order, r->kept, sizeof *r->order, by_id);
    for (size_t i = 0; i < r->kept; i++) {
        sum += r->p[r->order[i]];
        r->close |= fabs(sum / total - point) < 1e-5;
        if (sum / total > point)
            return r->order[i];
    }
    return r->order[r->kept - 1];
}

/* Settings and logits of many shapes: peaked, flat, tied, masked. */
static phial_sampling random_case(uint64_t *state, float *logits, uint32_t n)
{
    phial_sampling p = {.flags = PHIAL_SAMPLING_SEEDED,
                        .seed = next_random(state)};
    double spread = exp(6 * next_uniform(state) - 3);
    bool ties = next_random(state) % 3 == 0;

    for (uint32_t i = 0; i < n; i++) {
        logits[i] = (float)(spread * next_normal(state));
        if (ties)
            logits[i] = roundf(logits[i]);
        if (next_random(state) % 40 == 0 && i)
            logits[i] = -INFINITY;
    }
    p.temperature = (float)exp(4 * next_uniform(state) - 2);
    if (next_random(state) % 2)
        p.top_k = (uint32_t)(1 + next_random(state) % n);
    if (next_random(state) % 2)
        p.top_p = (float)(0.01 + 0.98 * next_uniform(state));
    if (next_random(state) % 2)
        p.min_p = (float)(next_uniform(state) * next_uniform(state));
    return p;
}

START_TEST(picks_are_those_of_the_reference)
{
    static reference r;
    float logits[MAX_N];
    uint64_t state = 5;
    int n_close = 0, n_rounds = 20000;

    for (int round = 0; round < n_rounds; round++) {
        phial_sampling params;
        ph_sampler *sampler;
        uint64_t step = next_random(&state);
        uint32_t expected;

        r.n = (uint32_t)(1 + next_random(&state) % MAX_N);
        params = random_case(&state, logits, r.n);
        expected = reference_pick(&r, logits, &params, step);
        sampler = make_sampler(r.n, NULL, params);
        n_close += r.close;
        if (!r.close)
            ck_assert_int_eq(pick(sampler, logits, step),
                             (phial_token)expected);
        ph_sampler_free(sampler);
    }
    ck_assert_int_lt(n_close, n_rounds / 10);
}
END_TEST

TCase *reference_tests(void)
{
    TCase *t = tcase_create("reference");

    tcase_add_test(t, picks_are_those_of_the_reference);
    tcase_set_timeout(t, 120);
    return t;
}
