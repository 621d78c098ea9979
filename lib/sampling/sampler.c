/* SPDX-License-Identifier: MIT
 * A sampler's life and its settings. Every field is checked here, so that
 * picking a token can only fail for what the model computed. */
#include "sampling/sampler.h"

#include "os/os.h"

#include <math.h>

enum { MAX_BIASES = 1024, MAX_VOCAB = 1 << 20 };

static const uint32_t known_flags =
    PHIAL_SAMPLING_SEEDED | PHIAL_SAMPLING_IGNORE_EOS | PHIAL_SAMPLING_LOGPROBS;

phial_status ph_sampler_new(const ph_heap *heap, uint32_t n_vocab,
                            const uint64_t *banned, ph_sampler **out)
{
    ph_sampler *s;

    if (n_vocab == 0 || n_vocab > MAX_VOCAB)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "cannot sample from %u tokens, 1 to %d are allowed",
                       n_vocab, MAX_VOCAB);
    s = ph_alloc(heap, 1, sizeof *s);
    if (!s)
        return ph_no_memory("a sampler", sizeof *s);
    s->heap = heap;
    s->banned = banned;
    s->n_vocab = n_vocab;
    s->n_blocks = (n_vocab - 1) / PH_BLOCK + 1;
    s->work = ph_alloc(heap, n_vocab, sizeof *s->work);
    s->block_max = ph_alloc(heap, s->n_blocks, sizeof *s->block_max);
    s->candidates = ph_alloc(heap, n_vocab, sizeof *s->candidates);
    s->scratch = ph_alloc(heap, n_vocab, sizeof *s->scratch);
    s->histogram = ph_alloc(heap, PH_RADIX, sizeof *s->histogram);
    if (!s->work || !s->block_max || !s->candidates || !s->scratch ||
        !s->histogram) {
        ph_sampler_free(s);
        return ph_no_memory("a sampler", ph_sampler_bytes(n_vocab));
    }
    *out = s;
    return PHIAL_OK;
}

size_t ph_sampler_bytes(uint32_t n_vocab)
{
    size_t per_token = sizeof(float) + 2 * sizeof(ph_candidate);

    return sizeof(ph_sampler) + PH_RADIX * sizeof(uint64_t) +
           (size_t)n_vocab * per_token +
           ((size_t)n_vocab / PH_BLOCK + 1) * sizeof(int32_t);
}

void ph_sampler_free(ph_sampler *s)
{
    const ph_heap *heap;

    if (!s)
        return;
    heap = s->heap;
    ph_free(heap, s->bias_tokens);
    ph_free(heap, s->bias_values);
    ph_free(heap, s->work);
    ph_free(heap, s->block_max);
    ph_free(heap, s->candidates);
    ph_free(heap, s->scratch);
    ph_free(heap, s->histogram);
    ph_free(heap, s);
}

/* A field that is off at 0, or within low..high. NaN fails the comparison. */
static phial_status check_range(const char *field, float value, float low,
                                float high)
{
    if (value == 0 || (value >= low && value <= high))
        return PHIAL_OK;
    return ph_fail(PHIAL_E_ARGUMENT,
                   "phial_sampling.%s is %g, allowed are %s%g to %g", field,
                   (double)value, low > 0 ? "0 and " : "", (double)low,
                   (double)high);
}

static phial_status check_biases(const phial_sampling *p, uint32_t n_vocab)
{
    if (p->n_bias > MAX_BIASES)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "phial_sampling.n_bias is %zu, at most %d are allowed",
                       p->n_bias, MAX_BIASES);
    if (p->n_bias && (!p->bias_tokens || !p->bias_values))
        return ph_fail(
            PHIAL_E_ARGUMENT, "phial_sampling.%s is NULL, but n_bias is %zu",
            p->bias_tokens ? "bias_values" : "bias_tokens", p->n_bias);
    for (size_t i = 0; i < p->n_bias; i++) {
        phial_token id = p->bias_tokens[i];
        float value = p->bias_values[i];

        if (id < 0 || (uint32_t)id >= n_vocab)
            return ph_fail(PHIAL_E_ARGUMENT,
                           "phial_sampling.bias_tokens[%zu] is %d, allowed "
                           "are 0 to %u",
                           i, id, n_vocab - 1);
        if (!(value <= 1000 && (value >= -1000 || isinf(value))))
            return ph_fail(PHIAL_E_ARGUMENT,
                           "phial_sampling.bias_values[%zu] is %g, allowed "
                           "are -1000 to 1000, and -infinity to ban a token",
                           i, (double)value);
    }
    return PHIAL_OK;
}

static phial_status check_params(const phial_sampling *p, uint32_t n_vocab)
{
    if (p->flags & ~known_flags)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "phial_sampling.flags is 0x%x, known are 0x%x", p->flags,
                       known_flags);
    PH_TRY(check_range("temperature", p->temperature, 0, 100));
    PH_TRY(check_range("top_p", p->top_p, 0, 1));
    PH_TRY(check_range("min_p", p->min_p, 0, 1));
    PH_TRY(check_range("repeat_penalty", p->repeat_penalty, 0.01f, 100));
    PH_TRY(check_range("presence_penalty", p->presence_penalty, -100, 100));
    PH_TRY(check_range("frequency_penalty", p->frequency_penalty, -100, 100));
    return check_biases(p, n_vocab);
}

static phial_status copy_array(const ph_heap *heap, const void *src, size_t n,
                               size_t size, void **out)
{
    *out = NULL;
    if (n == 0)
        return PHIAL_OK;
    *out = ph_alloc(heap, n, size);
    if (!*out)
        return ph_no_memory("logit biases", n * size);
    memcpy(*out, src, n * size);
    return PHIAL_OK;
}

/* Takes over checked settings, with copies of what they point to. */
static phial_status adopt(ph_sampler *s, const phial_sampling *params,
                          uint64_t seed)
{
    void *tokens, *values;
    phial_status status;

    PH_TRY(copy_array(s->heap, params->bias_tokens, params->n_bias,
                      sizeof *s->bias_tokens, &tokens));
    status = copy_array(s->heap, params->bias_values, params->n_bias,
                        sizeof *s->bias_values, &values);
    if (status < 0) {
        ph_free(s->heap, tokens);
        return status;
    }
    ph_free(s->heap, s->bias_tokens);
    ph_free(s->heap, s->bias_values);
    s->bias_tokens = tokens;
    s->bias_values = values;
    s->params = *params;
    s->params.bias_tokens = tokens;
    s->params.bias_values = values;
    s->params.stop = NULL; /* the session's business */
    s->seed = seed;
    return PHIAL_OK;
}

phial_status ph_sampler_set(ph_sampler *s, const phial_sampling *params)
{
    uint64_t seed = params->seed;

    PH_TRY(check_params(params, s->n_vocab));
    if (!(params->flags & PHIAL_SAMPLING_SEEDED))
        PH_TRY(ph_entropy(&seed, sizeof seed));
    return adopt(s, params, seed);
}

phial_status ph_sampler_copy(ph_sampler *to, const ph_sampler *from)
{
    return adopt(to, &from->params, from->seed);
}
