/* SPDX-License-Identifier: MIT
 * From the model's logits to the ones that are sampled from: checked, banned,
 * biased and penalised. */
#include "sampling/sampler.h"

#include <float.h>
#include <math.h>

/* Copies a block and returns its smallest and largest key. Adding zero turns
 * -0 into 0, which must not differ in rank. */
static void copy_block(const float *src, float *dst, size_t n, int32_t *low,
                       int32_t *high)
{
    int32_t lo = INT32_MAX, hi = INT32_MIN;

    for (size_t i = 0; i < n; i++) {
        float x = src[i] + 0.0f;
        int32_t key = ph_float_key(x);

        dst[i] = x;
        lo = key < lo ? key : lo;
        hi = key > hi ? key : hi;
    }
    *low = lo;
    *high = hi;
}

static size_t block_size(const ph_sampler *s, uint32_t block)
{
    uint32_t left = s->n_vocab - block * PH_BLOCK;

    return left < PH_BLOCK ? left : PH_BLOCK;
}

static void find_block_max(ph_sampler *s, uint32_t block)
{
    float *x = s->work + (size_t)block * PH_BLOCK;
    int32_t low;

    copy_block(x, x, block_size(s, block), &low, &s->block_max[block]);
}

/* Names the first logit that is no number. */
static phial_status refuse_logit(const float *logits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return ph_fail(PHIAL_E_NUMERIC,
                           "the model computed %s as the logit of token %zu",
                           isnan(logits[i]) ? "NaN" : "infinity", i);
    }
    return ph_fail(PHIAL_E_NUMERIC, "the model computed -infinity as the "
                                    "logit of every token");
}

static phial_status copy_logits(ph_sampler *s, const float *logits)
{
    int32_t lowest = INT32_MAX, highest = INT32_MIN;

    for (uint32_t b = 0; b < s->n_blocks; b++) {
        uint64_t bans = s->banned ? s->banned[b] : 0;
        size_t first = (size_t)b * PH_BLOCK, n = block_size(s, b);
        int32_t low, high;

        copy_block(logits + first, s->work + first, n, &low, &high);
        lowest = low < lowest ? low : lowest;
        highest = high > highest ? high : highest;
        s->block_max[b] = high;
        if (bans) {
            for (size_t i = 0; i < n; i++) {
                if (bans >> i & 1)
                    s->work[first + i] = -INFINITY;
            }
            find_block_max(s, b);
        }
    }
    if (highest >= PH_KEY_INF || lowest < PH_KEY_MINUS_INF ||
        highest == PH_KEY_MINUS_INF)
        return refuse_logit(logits, s->n_vocab);
    return PHIAL_OK;
}

/* Finite logits stay finite, whatever they are multiplied with. */
static float clamp(float x)
{
    return x > FLT_MAX ? FLT_MAX : x < -FLT_MAX ? -FLT_MAX : x;
}

/* The repeat penalty is that of Keskar et al., "CTRL", 2019, section 4.1, kept
 * from rewarding negative logits; the other two are OpenAI's. */
static float penalise(const phial_sampling *p, float x, uint64_t n_output)
{
    float count = (float)n_output;

    if (x == -INFINITY)
        return x;
    if (p->repeat_penalty != 0)
        x = clamp(x > 0 ? x / p->repeat_penalty : x * p->repeat_penalty);
    if (n_output)
        x = clamp(x - (count * p->frequency_penalty + p->presence_penalty));
    return x + 0.0f;
}

static bool has_penalties(const phial_sampling *p)
{
    return (p->repeat_penalty != 0 && p->repeat_penalty != 1) ||
           p->presence_penalty != 0 || p->frequency_penalty != 0;
}

/* A token's tally is 1 if it occurs, plus 2 for each time in the output. */
static void apply_penalties(ph_sampler *s, const phial_token *history,
                            size_t n_history, size_t n_input)
{
    const phial_sampling *p = &s->params;
    size_t begin = 0;
    uint64_t *tally = (uint64_t *)(void *)s->scratch;

    if (p->penalty_window && n_history > p->penalty_window)
        begin = n_history - p->penalty_window;
    for (size_t i = begin; i < n_history; i++) {
        if ((uint32_t)history[i] < s->n_vocab)
            tally[history[i]] = 0;
    }
    for (size_t i = begin; i < n_history; i++) {
        if ((uint32_t)history[i] < s->n_vocab)
            tally[history[i]] = (tally[history[i]] | 1) + (i >= n_input) * 2U;
    }
    for (size_t i = begin; i < n_history; i++) {
        uint32_t id = (uint32_t)history[i];

        if (id >= s->n_vocab || tally[id] == 0)
            continue;
        s->work[id] = penalise(p, s->work[id], tally[id] >> 1);
        tally[id] = 0;
    }
}

phial_status ph_sampler_adjust(ph_sampler *s, const float *logits,
                               const phial_token *history, size_t n_history,
                               size_t n_input)
{
    const phial_sampling *p = &s->params;
    bool penalties = has_penalties(p) && n_history > 0;

    PH_TRY(copy_logits(s, logits));
    for (size_t i = 0; i < p->n_bias; i++) {
        float *x = &s->work[s->bias_tokens[i]];

        *x = *x + s->bias_values[i] + 0.0f;
    }
    if (penalties)
        apply_penalties(s, history, n_history, n_input);
    if (penalties || p->n_bias) {
        for (uint32_t b = 0; b < s->n_blocks; b++)
            find_block_max(s, b);
    }
    return PHIAL_OK;
}

uint32_t ph_sampler_argmax(const ph_sampler *s)
{
    uint32_t best = 0;
    size_t i;

    for (uint32_t b = 1; b < s->n_blocks; b++) {
        if (s->block_max[b] > s->block_max[best])
            best = b;
    }
    for (i = (size_t)best * PH_BLOCK;
         ph_float_key(s->work[i]) != s->block_max[best]; i++)
        ;
    return (uint32_t)i;
}
