/* SPDX-License-Identifier: MIT
 * attention_tiled.h - attention over the cache for many queries at a time: the
 * bits of attention_generic.h, where each goes alone. A group of rows takes a
 * unit of keys page after page, in tiles of TILE_ROWS; all groups of a block
 * take a unit before the next one, so that its keys and values come from memory
 * once. The includer includes vec_ISA.h before. Private to lib/kernels. */
#ifndef PH_ATTENTION_TILED_H
#define PH_ATTENTION_TILED_H

#include "kernels/attention_page.h"

enum { BLOCK_ROWS = 192 }; /* bounds the stack */

/* total becomes the softmax over its keys and unit's. */
static void merge(state *total, float *out, const state *unit,
                  const float *sums, uint32_t head_dim)
{
    float max = unit->max > total->max ? unit->max : total->max;
    float a = ph_exp_inline(total->max - max);
    float b = ph_exp_inline(unit->max - max);

    total->max = max;
    total->sum = ph_fmaf(unit->sum, b, total->sum * a);
    for (uint32_t d = 0; d < head_dim; d++)
        out[d] = ph_fmaf(sums[d], b, out[d] * a);
}

/* Queries first_row.. of a call, with their softmax over the units so far. */
typedef struct block {
    const ph_cache_view *cache;
    const ph_queries *queries;
    uint32_t first_row;
    uint32_t n_rows;
    state totals[BLOCK_ROWS];
} block;

static key_range keys_of_row(const block *b, uint32_t row)
{
    const ph_queries *queries = b->queries;
    const uint32_t last =
        queries->position + (b->first_row + row) / queries->n_heads;

    return (key_range){ph_first_key(queries->window, last), last};
}

static key_range keys_in_unit(const block *b, uint32_t row, uint32_t unit)
{
    const uint32_t start = unit * PH_UNIT, stop = start + PH_UNIT - 1;
    const key_range all = keys_of_row(b, row);

    return (key_range){all.first > start ? all.first : start,
                       all.last < stop ? all.last : stop};
}

/* Where a row of q or out begins. */
static size_t offset_of_row(const block *b, uint32_t row, size_t stride)
{
    const uint32_t i = b->first_row + row, n_heads = b->queries->n_heads;

    return i / n_heads * stride + (size_t)(i % n_heads) * b->cache->head_dim;
}

/* Adds the softmax of a group over a unit to what its rows, from row on, have
 * of the units before. */
static void add_unit(block *b, uint32_t row, const row_group *group,
                     uint32_t unit)
{
    const uint32_t head_dim = group->head_dim;

    for (uint32_t i = 0; i < group->n; i++) {
        const float *sums = group->sums + i * head_dim;
        float *out =
            b->queries->out + offset_of_row(b, row + i, b->queries->out_stride);

        if (group->keys[i].first > group->keys[i].last)
            continue;
        if (keys_of_row(b, row + i).first / PH_UNIT < unit) {
            merge(&b->totals[row + i], out, &group->states[i], sums, head_dim);
            continue;
        }
        b->totals[row + i] = group->states[i];
        memcpy(out, sums, head_dim * sizeof(float));
    }
}

/* n rows of a block, from row on, through a unit of keys. */
static void attend_unit(block *b, uint32_t row, uint32_t n, uint32_t unit)
{
    const uint32_t first = keys_in_unit(b, row, unit).first;
    const uint32_t last = keys_in_unit(b, row + n - 1, unit).last;
    const uint32_t end = keys_of_row(b, row + n - 1).last / PH_PAGE;
    const uint32_t n_tiles = (n + TILE_ROWS - 1) / TILE_ROWS;
    row_group group;

    group.n = n;
    group.head_dim = b->cache->head_dim;
    for (uint32_t i = 0; i < n; i++) {
        group.q[i] =
            b->queries->q + offset_of_row(b, row + i, b->queries->q_stride);
        group.keys[i] = keys_in_unit(b, row + i, unit);
        group.states[i] = (state){-INFINITY, 0};
    }
    memset(group.sums, 0, (size_t)n * group.head_dim * sizeof(float));
    for (uint32_t p = first / PH_PAGE; first <= last && p <= last / PH_PAGE;
         p++)
        for (uint32_t i = 0; i < n_tiles; i++)
            attend_page(b->cache, &group, n * i / n_tiles,
                        n * (i + 1) / n_tiles, p, end);
    add_unit(b, row, &group, unit);
}

static void attend_block(block *b)
{
    const uint32_t n = b->n_rows;
    const uint32_t fit =
        GROUP_SUMS / b->cache->head_dim / TILE_ROWS * TILE_ROWS;
    const uint32_t step = fit < GROUP_ROWS ? fit : GROUP_ROWS;
    const uint32_t first = keys_of_row(b, 0).first / PH_UNIT;
    const uint32_t last = keys_of_row(b, n - 1).last / PH_UNIT;

    for (uint32_t unit = first; unit <= last; unit++)
        for (uint32_t row = 0; row < n; row += step)
            attend_unit(b, row, n - row < step ? n - row : step, unit);
    for (uint32_t i = 0; i < n; i++) {
        float *out =
            b->queries->out + offset_of_row(b, i, b->queries->out_stride);

        for (uint32_t d = 0; d < b->cache->head_dim; d++)
            out[d] /= b->totals[i].sum;
    }
}

static void attend(const ph_cache_view *cache, const ph_queries *queries)
{
    const uint32_t n = queries->n_tokens * queries->n_heads;
    block b = {.cache = cache, .queries = queries};

    for (uint32_t row = 0; row < n; row += b.n_rows) {
        b.first_row = row;
        b.n_rows = n - row < BLOCK_ROWS ? n - row : BLOCK_ROWS;
        attend_block(&b);
    }
}

#endif /* PH_ATTENTION_TILED_H */
