/* SPDX-License-Identifier: MIT
 * attention_page.h - one page of keys and values for a tile of queries: scores,
 * softmax, sums of values. A row is one query: a head of a token. The includer
 * includes vec_ISA.h before. Private to lib/kernels. */
#ifndef PH_ATTENTION_PAGE_H
#define PH_ATTENTION_PAGE_H

#include "kernels/attention_product.h"

enum {
    GROUP_ROWS = 4 * TILE_ROWS,
    GROUP_SUMS = 6 * 512 /* floats: fewer rows of a large head_dim */
};

/* Softmax over the keys so far; the sums that go with it are weighted by
 * exp(score - max). */
typedef struct state {
    float max;
    float sum;
} state;

/* The keys that a row sees; none if first > last. */
typedef struct key_range {
    uint32_t first;
    uint32_t last;
} key_range;

/* Rows that go through a unit of keys together; those of one token follow each
 * other, and tokens ascend. */
typedef struct row_group {
    uint32_t n;
    uint32_t head_dim;
    const float *q[GROUP_ROWS];
    key_range keys[GROUP_ROWS];
    state states[GROUP_ROWS];
    float sums[GROUP_SUMS]; /* [n][head_dim] */
} row_group;

/* n rows of a group, from the first on, all of which see keys of this page:
 * row i those of columns begin[i]..end[i]-1. */
typedef struct page_rows {
    uint32_t first;
    uint32_t n;
    uint32_t begin[TILE_ROWS];
    uint32_t end[TILE_ROWS];
} page_rows;

/* Of rows from..to-1, those that see keys of the page that starts at start. */
static page_rows rows_of_page(const row_group *group, uint32_t from,
                              uint32_t to, uint32_t start)
{
    page_rows rows = {.n = 0};

    for (uint32_t i = from; i < to; i++) {
        const key_range *keys = &group->keys[i];

        if (keys->last < start || keys->first >= start + PH_PAGE)
            continue;
        if (rows.n == 0)
            rows.first = i;
        rows.begin[rows.n] = keys->first > start ? keys->first - start : 0;
        rows.end[rows.n] =
            keys->last - start < PH_PAGE ? keys->last - start + 1 : PH_PAGE;
        rows.n++;
    }
    return rows;
}

static float page_max(const float scores[PH_PAGE], float old)
{
    vec max = vec_set(old);

    for (int j = 0; j < PH_PAGE; j += VEC)
        max = vec_max(vec_load(scores + j), max);
    return vec_largest(max);
}

static float page_sum(const float weights[PH_PAGE])
{
    vec lanes[PH_LANES / VEC];

    for (int l = 0; l < PH_LANES; l += VEC)
        lanes[l / VEC] = vec_load(weights + l);
    for (int j = PH_LANES; j < PH_PAGE; j += PH_LANES)
        for (int l = 0; l < PH_LANES; l += VEC)
            lanes[l / VEC] = vec_add(lanes[l / VEC], vec_load(weights + j + l));
    return vec_sum_lanes(lanes);
}

/* Turns a row's scores into weights relative to the new maximum, and scales
 * what was summed up under the old one. Columns that the row does not see get
 * the score -infinity: it is no maximum, and its weight 0 adds nothing, since
 * no sum of weights is -0. (If the maximum is -infinity all weights are NaN.)
 */
static void page_softmax(float scores[PH_PAGE], uint32_t begin, uint32_t end,
                         state *row, float *sums, uint32_t head_dim)
{
    float max, rescale;

    for (uint32_t j = 0; j < begin; j++)
        scores[j] = -INFINITY;
    for (uint32_t j = end; j < PH_PAGE; j++)
        scores[j] = -INFINITY;
    max = page_max(scores, row->max);
    for (int j = 0; j < PH_PAGE; j++)
        scores[j] = ph_exp_inline(scores[j] - max);
    rescale = ph_exp_inline(row->max - max);
    row->sum = ph_fmaf(row->sum, rescale, page_sum(scores));
    row->max = max;
    if (rescale == 1)
        return;
    for (uint32_t d = 0; d < head_dim; d++)
        sums[d] *= rescale;
}

/* Adds columns begin..end-1 of n rows to their sums. */
static void add_values(row_group *group, const panel *values,
                       float weights[][PH_PAGE], uint32_t first, uint32_t n,
                       uint32_t begin, uint32_t end)
{
    const float *a[TILE_ROWS];

    for (uint32_t i = 0; i < n; i++)
        a[i] = weights[i];
    add_product(&(tile_product){n, a, group->sums + first * group->head_dim,
                                group->head_dim},
                values, begin, end, group->head_dim);
}

/* Rows go together through the columns that all of them see, and alone before
 * and after. */
static void page_values(row_group *group, const page_rows *rows,
                        const panel *values, float weights[TILE_ROWS][PH_PAGE])
{
    uint32_t begin = 0, end = PH_PAGE;

    for (uint32_t i = 0; i < rows->n; i++) {
        begin = rows->begin[i] > begin ? rows->begin[i] : begin;
        end = rows->end[i] < end ? rows->end[i] : end;
    }
    begin = begin < end ? begin : end;
    for (uint32_t i = 0; i < rows->n; i++)
        if (rows->begin[i] < begin)
            add_values(group, values, weights + i, rows->first + i, 1,
                       rows->begin[i], begin);
    if (begin < end)
        add_values(group, values, weights, rows->first, rows->n, begin, end);
    for (uint32_t i = 0; i < rows->n; i++)
        if (rows->end[i] > end)
            add_values(group, values, weights + i, rows->first + i, 1,
                       rows->begin[i] > end ? rows->begin[i] : end,
                       rows->end[i]);
}

/* Rows from..to-1 of a group through page p; last is the last one. Scores of
 * columns that a row does not see are made of what the page happens to hold
 * there, and are not used. */
static void attend_page(const ph_cache_view *cache, row_group *group,
                        uint32_t from, uint32_t to, uint32_t p, uint32_t last)
{
    const uint8_t *next = p < last ? cache->pages[p + 1] : NULL;
    const panel keys = {cache->pages[p] + cache->k_offset, cache->format,
                        PH_PAGE, next ? next + cache->k_offset : NULL};
    const panel values = {cache->pages[p] + cache->v_offset, cache->format,
                          cache->head_dim,
                          next ? next + cache->v_offset : NULL};
    const page_rows rows = rows_of_page(group, from, to, p * PH_PAGE);
    float scores[TILE_ROWS][PH_PAGE];

    if (rows.n == 0)
        return;
    memset(scores, 0, rows.n * sizeof *scores);
    add_product(
        &(tile_product){rows.n, group->q + rows.first, scores[0], PH_PAGE},
        &keys, 0, cache->head_dim, PH_PAGE);
    ph_scale_tokens(cache, keys.data, scores, rows.n);
    for (uint32_t i = 0; i < rows.n; i++)
        page_softmax(scores[i], rows.begin[i], rows.end[i],
                     &group->states[rows.first + i],
                     group->sums + (rows.first + i) * group->head_dim,
                     group->head_dim);
    ph_scale_tokens(cache, values.data, scores, rows.n);
    page_values(group, &rows, &values, scores);
}

#endif /* PH_ATTENTION_PAGE_H */
