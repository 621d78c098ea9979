/* SPDX-License-Identifier: MIT
 * attention_generic.h - attention over the cache, token by token, by online
 * softmax (Milakov and Gimelshein 2018) page by page. Units of PH_UNIT keys are
 * independent of each other and could be computed by different threads with
 * the same bits. Private to lib/kernels; see tier.h. */
#ifndef PH_ATTENTION_GENERIC_H
#define PH_ATTENTION_GENERIC_H

#include "kernels/cache_read.h"

enum { GROUP = 4 }; /* heads at a time: bounds the stack */

/* Softmax over the keys so far: sum of out is weighted by exp(score - max). */
typedef struct state {
    float max;
    float sum;
    float *out;
} state;

/* The part of a page that counts, and the queries that look at it. */
typedef struct page_view {
    const ph_cache_view *cache;
    const void *keys;
    const void *values;
    uint32_t begin;
    uint32_t end;
    uint32_t n_heads;
    const float *q;
    size_t q_stride;
} page_view;

/* n elements at index at of a panel as float: in place, or widened into tmp.
 * Of a Q8 cache the codes. */
static const float *panel_floats(const ph_cache_view *cache, const void *panel,
                                 size_t at, uint32_t n, float *tmp)
{
    if (cache->format == PHIAL_CACHE_F32)
        return (const float *)panel + at;
    for (uint32_t i = 0; i < n; i++)
        tmp[i] = ph_cache_float(cache->format, panel, at + i);
    return tmp;
}

/* Columns outside begin..end-1 hold what the page happens to hold; they are
 * computed with the others and never used. */
static void page_scores(const page_view *page, float scores[GROUP][PH_PAGE])
{
    float tmp[PH_PAGE];

    memset(scores, 0, GROUP * sizeof *scores);
    for (uint32_t d = 0; d < page->cache->head_dim; d++) {
        const float *k = panel_floats(page->cache, page->keys,
                                      (size_t)d * PH_PAGE, PH_PAGE, tmp);

        for (uint32_t h = 0; h < page->n_heads; h++) {
            float q = page->q[h * page->q_stride + d];

            for (int j = 0; j < PH_PAGE; j++)
                scores[h][j] = ph_fmaf(q, k[j], scores[h][j]);
        }
    }
    ph_scale_tokens(page->cache, page->keys, scores, page->n_heads);
}

/* Turns scores into weights relative to the new maximum, and scales what was
 * summed up under the old one. */
static void page_softmax(const page_view *page, float scores[PH_PAGE],
                         state *unit)
{
    float lanes[PH_LANES] = {0};
    float max = unit->max;
    float rescale;

    for (uint32_t j = page->begin; j < page->end; j++)
        max = scores[j] > max ? scores[j] : max;
    for (uint32_t j = 0; j < PH_PAGE; j++)
        scores[j] = ph_exp_inline(scores[j] - max);
    for (uint32_t j = page->begin; j < page->end; j++)
        lanes[j % PH_LANES] += scores[j];
    rescale = ph_exp_inline(unit->max - max);
    unit->sum = ph_fmaf(unit->sum, rescale, ph_reduce(lanes));
    unit->max = max;
    for (uint32_t d = 0; d < page->cache->head_dim; d++)
        unit->out[d] *= rescale;
}

static void page_values(const page_view *page, float weights[GROUP][PH_PAGE],
                        state *units)
{
    uint32_t head_dim = page->cache->head_dim;
    float tmp[PH_MAX_HEAD_DIM];

    ph_scale_tokens(page->cache, page->values, weights, page->n_heads);
    for (uint32_t j = page->begin; j < page->end; j++) {
        const float *v = panel_floats(page->cache, page->values,
                                      (size_t)j * head_dim, head_dim, tmp);

        for (uint32_t h = 0; h < page->n_heads; h++) {
            float *out = units[h].out;
            float weight = weights[h][j];

            for (uint32_t d = 0; d < head_dim; d++)
                out[d] = ph_fmaf(weight, v[d], out[d]);
        }
    }
}

/* Keys first..last, all of one unit. */
static void attend_unit(const ph_cache_view *cache, uint32_t n_heads,
                        const float *q, size_t q_stride, uint32_t first,
                        uint32_t last, state *units)
{
    for (uint32_t h = 0; h < n_heads; h++) {
        units[h].max = -INFINITY;
        units[h].sum = 0;
        memset(units[h].out, 0, cache->head_dim * sizeof(float));
    }
    for (uint32_t p = first / PH_PAGE; p <= last / PH_PAGE; p++) {
        uint32_t start = p * PH_PAGE;
        float scores[GROUP][PH_PAGE];
        page_view page = {
            .cache = cache,
            .keys = cache->pages[p] + cache->k_offset,
            .values = cache->pages[p] + cache->v_offset,
            .begin = first > start ? first - start : 0,
            .end = last - start < PH_PAGE ? last - start + 1 : PH_PAGE,
            .n_heads = n_heads,
            .q = q,
            .q_stride = q_stride,
        };

        page_scores(&page, scores);
        for (uint32_t h = 0; h < n_heads; h++)
            page_softmax(&page, scores[h], &units[h]);
        page_values(&page, scores, units);
    }
}

/* total becomes the softmax over its keys and unit's. */
static void merge(state *total, const state *unit, uint32_t head_dim)
{
    float max = unit->max > total->max ? unit->max : total->max;
    float a = ph_exp_inline(total->max - max);
    float b = ph_exp_inline(unit->max - max);

    total->max = max;
    total->sum = ph_fmaf(unit->sum, b, total->sum * a);
    for (uint32_t d = 0; d < head_dim; d++)
        total->out[d] = ph_fmaf(unit->out[d], b, total->out[d] * a);
}

static void attend_group(const ph_cache_view *cache, uint32_t n_heads,
                         const float *q, size_t q_stride, uint32_t first,
                         uint32_t last, float *out, size_t out_stride)
{
    float sums[GROUP][PH_MAX_HEAD_DIM];
    state totals[GROUP], units[GROUP];

    for (uint32_t h = 0; h < n_heads; h++) {
        totals[h] = (state){-INFINITY, 0, out + h * out_stride};
        units[h].out = sums[h];
    }
    for (uint32_t u = first / PH_UNIT; u <= last / PH_UNIT; u++) {
        uint32_t from = u * PH_UNIT > first ? u * PH_UNIT : first;
        uint32_t to = last / PH_UNIT > u ? u * PH_UNIT + PH_UNIT - 1 : last;
        bool is_first = u == first / PH_UNIT;

        attend_unit(cache, n_heads, q, q_stride, from, to, units);
        for (uint32_t h = 0; h < n_heads; h++) {
            if (!is_first) {
                merge(&totals[h], &units[h], cache->head_dim);
                continue;
            }
            totals[h].max = units[h].max;
            totals[h].sum = units[h].sum;
            memcpy(totals[h].out, units[h].out,
                   cache->head_dim * sizeof(float));
        }
    }
    for (uint32_t h = 0; h < n_heads; h++)
        for (uint32_t d = 0; d < cache->head_dim; d++)
            totals[h].out[d] /= totals[h].sum;
}

static void attend(const ph_cache_view *cache, const ph_queries *queries)
{
    const uint32_t head_dim = cache->head_dim, n_heads = queries->n_heads;

    for (uint32_t t = 0; t < queries->n_tokens; t++) {
        const uint32_t last = queries->position + t;
        const uint32_t first = ph_first_key(queries->window, last);
        const float *q = queries->q + t * queries->q_stride;
        float *out = queries->out + t * queries->out_stride;

        for (uint32_t h = 0; h < n_heads; h += GROUP) {
            const uint32_t n = n_heads - h < GROUP ? n_heads - h : GROUP;

            attend_group(cache, n, q + h * head_dim, head_dim, first, last,
                         out + h * head_dim, head_dim);
        }
    }
}

#endif /* PH_ATTENTION_GENERIC_H */
