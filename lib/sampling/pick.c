/* SPDX-License-Identifier: MIT
 * Chooses one token: adjust, then narrow the candidates by top-k, top-p and
 * min-p, then draw among them. Probabilities are whole numbers here, so that
 * sums are exact and a seed gives one text, whatever adds them up. */
#include "sampling/exp_down.h"
#include "sampling/philox.h"
#include "sampling/sampler.h"

#include <math.h>

/* exp(-30) is below the smallest mass, 2^-43 of the likeliest token's. */
#define LOWEST_EXPONENT (-30.0f)
#define MASS_ONE 0x1p43

/* The 128-bit product; returns its upper half. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32;
    uint64_t b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    uint64_t other = a0 * b1 + (uint32_t)middle;

    *low = a * b;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

/* The rank of the k-th likeliest token, or 0 if there are fewer.
 * Keeps a buffer of what may be among the k: whenever it is full, the best k
 * of it raise the bar for the rest. */
static uint64_t top_k_rank(ph_sampler *s, uint32_t k)
{
    uint64_t *ranks = (uint64_t *)(void *)s->scratch;
    size_t cap = (size_t)k * 4, n = 0;
    int32_t bar = PH_KEY_MINUS_INF;

    if (cap < 4096)
        cap = 4096;
    for (uint32_t b = 0; b < s->n_blocks; b++) {
        uint32_t end = (b + 1) * PH_BLOCK;

        if (s->block_max[b] <= bar)
            continue;
        if (end > s->n_vocab)
            end = s->n_vocab;
        for (uint32_t id = b * PH_BLOCK; id < end; id++) {
            if (ph_float_key(s->work[id]) > bar)
                ranks[n++] = ph_rank(s->work[id], id);
        }
        if (n >= cap && b + 1 < s->n_blocks) {
            bar = ph_rank_key(ph_keep_ranks(ranks, n, k, s->histogram));
            n = k;
        }
    }
    return n >= k ? ph_keep_ranks(ranks, n, k, s->histogram) : 0;
}

/* The weights of n logits; 0 for those without mass. */
static void weigh(const float *logits, size_t n, float max, float temperature,
                  float *weights)
{
    for (size_t i = 0; i < n; i++) {
        float z = (logits[i] - max) / temperature;
        bool none = z < LOWEST_EXPONENT;
        double y = ph_exp_down(none ? 0 : (double)z);

        weights[i] = none ? 0 : (float)(y * MASS_ONE);
    }
}

/* Lists the tokens of this rank and above that have any mass. */
static size_t gather(ph_sampler *s, uint64_t rank, float max)
{
    float temperature = s->params.temperature;
    int32_t bar = rank ? ph_rank_key(rank) : PH_KEY_MINUS_INF;
    size_t n = 0;

    for (uint32_t b = 0; b < s->n_blocks; b++) {
        float weights[PH_BLOCK];
        float best = ph_key_float(s->block_max[b]);
        uint32_t first = b * PH_BLOCK;
        uint32_t count = s->n_vocab - first;

        if (s->block_max[b] < bar ||
            (best - max) / temperature < LOWEST_EXPONENT)
            continue;
        if (count > PH_BLOCK)
            count = PH_BLOCK;
        weigh(s->work + first, count, max, temperature, weights);
        for (uint32_t i = 0; i < count; i++) {
            s->candidates[n].id = first + i;
            s->candidates[n].weight = weights[i];
            n += weights[i] > 0 &&
                 ph_rank(s->work[first + i], first + i) >= rank;
        }
    }
    return n;
}

static uint64_t total_mass(const ph_candidate *candidates, size_t n)
{
    uint64_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += ph_mass(candidates[i].weight);
    return total;
}

/* The fewest likeliest tokens that together have at least the share p. */
static size_t keep_top_p(ph_sampler *s, size_t n, float p)
{
    uint64_t low, need, rank;
    size_t kept = 0;

    need =
        multiply(total_mass(s->candidates, n), (uint64_t)(p * 0x1p64f), &low);
    if (low || need == 0)
        need++;
    rank = ph_select_mass(s->candidates, n, s->work, need, s->scratch,
                          s->histogram);
    for (size_t i = 0; i < n; i++) {
        if (ph_rank(s->work[s->candidates[i].id], s->candidates[i].id) >= rank)
            s->candidates[kept++] = s->candidates[i];
    }
    return kept;
}

static size_t keep_min_p(ph_candidate *candidates, size_t n, float p)
{
    float max = 0;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        max = candidates[i].weight > max ? candidates[i].weight : max;
    for (size_t i = 0; i < n; i++) {
        if (candidates[i].weight >= p * max)
            candidates[kept++] = candidates[i];
    }
    return kept;
}

/* bits are uniform in 0..2^64-1. */
static uint32_t draw(const ph_candidate *candidates, size_t n, uint64_t bits)
{
    uint64_t low, sum = 0;
    uint64_t point = multiply(total_mass(candidates, n), bits, &low);
    size_t i;

    for (i = 0; i + 1 < n; i++) {
        sum += ph_mass(candidates[i].weight);
        if (sum > point)
            break;
    }
    return candidates[i].id;
}

static uint32_t sample(ph_sampler *s, uint32_t likeliest, uint64_t step)
{
    const phial_sampling *p = &s->params;
    uint64_t rank = 0;
    size_t n;

    if (p->top_k && p->top_k < s->n_vocab)
        rank = top_k_rank(s, p->top_k);
    n = gather(s, rank, s->work[likeliest]);
    if (p->top_p > 0 && p->top_p < 1)
        n = keep_top_p(s, n, p->top_p);
    if (p->min_p > 0)
        n = keep_min_p(s->candidates, n, p->min_p);
    return draw(s->candidates, n, ph_random_bits(s->seed, step));
}

phial_status ph_sampler_pick(ph_sampler *s, const float *logits,
                             const phial_token *history, size_t n_history,
                             size_t n_input, uint64_t step, phial_token *token,
                             float *logprob)
{
    uint32_t id;

    PH_TRY(ph_sampler_adjust(s, logits, history, n_history, n_input));
    id = ph_sampler_argmax(s);
    if (s->work[id] == -INFINITY)
        return ph_fail(PHIAL_E_STATE,
                       "no token is left to choose: the logit "
                       "biases and the vocabulary ban all %u",
                       s->n_vocab);
    if (s->params.temperature > 0)
        id = sample(s, id, step);
    if (logprob)
        *logprob =
            (float)((double)logits[id] - ph_log_sum_exp(logits, s->n_vocab));
    *token = (phial_token)id;
    return PHIAL_OK;
}
