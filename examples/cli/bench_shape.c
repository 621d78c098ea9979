/* SPDX-License-Identifier: MIT
 * How much work a token is, from the model's description: the yardstick
 * against which a measured time is a share of what the machine can do. */
#include "bench.h"

#include <jansson.h>
#include <stdlib.h>

static uint64_t number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void read_description(const json_t *json, bench_shape *out)
{
    const json_t *h = json_object_get(json, "hyper_parameters");

    *out = (bench_shape){
        .n_layers = number(h, "layers"),
        .n_embd = number(h, "embedding"),
        .n_ff = number(h, "feed_forward"),
        .n_heads = number(h, "heads"),
        .n_kv_heads = number(h, "kv_heads"),
        .head_dim = number(h, "head_dimension"),
        .n_vocab = number(h, "vocabulary"),
        .window = number(h, "sliding_window"),
        .n_context = number(h, "context"),
        .n_original = number(h, "original_context"),
        .weight_bytes = number(json, "weight_bytes"),
        .n_parameters = number(json, "parameters"),
        .longrope = json_is_true(json_object_get(h, "longrope")),
        .tied = json_is_true(json_object_get(h, "tied_embedding")),
    };
    if (!out->window)
        out->window = UINT64_MAX;
}

phial_status bench_read_shape(const phial_model *model, bench_shape *out)
{
    size_t n = 0;
    char *text;
    json_t *json;
    phial_status status = phial_model_describe(model, NULL, 0, &n);

    if (status != PHIAL_E_BUFFER)
        return status;
    text = must_alloc(n, 1);
    status = phial_model_describe(model, text, n, &n);
    json = status < 0 ? NULL : json_loadb(text, n, 0, NULL);
    free(text);
    if (json)
        read_description(json, out);
    json_decref(json);
    return status;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* Keys that tokens depth+1 to depth+n see, on average. */
static double mean_keys(const bench_shape *shape, uint64_t depth, uint64_t n)
{
    return smaller((double)depth + ((double)n + 1) / 2, (double)shape->window);
}

double bench_macs(const bench_shape *s, uint64_t depth, uint64_t n)
{
    uint64_t q = s->n_heads * s->head_dim;
    uint64_t kv = s->n_kv_heads * s->head_dim;
    uint64_t layer =
        s->n_embd * (q + 2 * kv) + q * s->n_embd + 3 * s->n_embd * s->n_ff;
    double head = (double)(s->n_embd * s->n_vocab) / (double)n;
    double attention = 2 * (double)q * mean_keys(s, depth, n);

    return (double)s->n_layers * ((double)layer + attention) + head;
}

/* Of an embedding beside an output matrix, one row is read. Its format is not
 * in the description: taken as the average of all. */
double bench_bytes(const bench_shape *s, double cache_bytes_per_token,
                   uint64_t depth, uint64_t n)
{
    double weights = (double)s->weight_bytes;

    if (!s->tied)
        weights -= weights * (double)(s->n_embd * s->n_vocab) /
                   (double)s->n_parameters;
    return weights + cache_bytes_per_token * mean_keys(s, depth, n);
}

void bench_tokens(const bench_shape *shape, uint64_t first, phial_token *out,
                  size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (phial_token)(((first + i) * 7919 + 17) % shape->n_vocab);
}
