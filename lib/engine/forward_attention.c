/* SPDX-License-Identifier: MIT
 * Attention in the forward pass: positions, the cache, and who computes what. A
 * pass may hold tokens of several sequences, each of which sees its own. */
#include "engine/forward.h"

#include <math.h>

/* Tokens that share what they read of the cache: at most TOKENS, and fewer
 * where there are so many keys that a block would take long: cancellation is
 * looked at between blocks. */
enum { TOKENS = 64, LEAST_TOKENS = 8, BLOCK_KEYS = 1 << 21 };

/* Of a Q8 cache all is in the Hadamard basis, which attend_block leaves. */
void ph_rotate_and_cache(ph_pass *p, const ph_team *team, uint32_t layer)
{
    const ph_kernels *k = p->model->kernels;
    const ph_hparams *hp = p->hp;
    const ph_scratch *s = p->scratch;
    const size_t d = hp->head_dim, half = hp->n_rot / 2;
    const size_t n_heads = hp->n_heads + hp->n_kv_heads;
    const float scale = 1 / sqrtf((float)hp->head_dim);
    size_t begin, end;

    /* The layer before is done, the next one not begun. */
    for (int i = 0; i < PH_N_PRODUCTS && team->index == 0; i++)
        atomic_store(&p->taken[(layer + 1) % 2][i], 0);
    ph_team_share(team, p->n * n_heads, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t t = i / n_heads, h = i % n_heads;
        const ph_kv_cache *cache = &s->rows[t].part->sequence->cache;
        const bool q8 = cache->format == PHIAL_CACHE_Q8;
        float *head = s->wide + t * s->wide_stride + h * d;

        k->rope(head, s->cos + t * half, s->sin + t * half, hp->n_rot);
        if (q8)
            k->hadamard(head, hp->head_dim);
        if (h < hp->n_heads) {
            for (size_t j = 0; j < d; j++)
                head[j] *= scale;
        } else {
            const ph_cache_view view =
                ph_kv_cache_view(cache, layer, (uint32_t)(h - hp->n_heads));
            float *value = head + hp->n_kv_heads * d;

            if (q8)
                k->hadamard(value, hp->head_dim);
            k->cache_put(&view, s->rows[t].position, head, value);
        }
    }
    ph_team_sync(team);
}

/* mid = softmax(q k^T) v for n rows, t and on, of one sequence, and the query
 * heads that share kv head g. A head looks at the keys that its token sees:
 * those up to itself, at most a window of them. */
static void attend_block(const ph_pass *p, uint32_t layer, uint32_t t,
                         uint32_t n, uint32_t g)
{
    const ph_hparams *hp = p->hp;
    const ph_scratch *s = p->scratch;
    const uint32_t group = hp->n_heads / hp->n_kv_heads;
    const size_t first = (size_t)g * group * hp->head_dim;
    const size_t cols = (size_t)hp->n_heads * hp->head_dim;
    const ph_cache_view view =
        ph_kv_cache_view(&s->rows[t].part->sequence->cache, layer, g);
    const ph_queries queries = {
        .n_tokens = n,
        .n_heads = group,
        .position = s->rows[t].position,
        .window = hp->window,
        .q = s->wide + (size_t)t * s->wide_stride + first,
        .q_stride = s->wide_stride,
        .out = s->mid + t * cols + first,
        .out_stride = cols,
    };

    p->model->kernels->attend(&view, &queries);
    if (view.format != PHIAL_CACHE_Q8)
        return;
    for (uint32_t i = 0; i < n * group; i++)
        p->model->kernels->hadamard(queries.out + i / group * cols +
                                        i % group * hp->head_dim,
                                    hp->head_dim);
}

/* Who has block i: they are dealt out to and fro, since later tokens have more
 * work. */
static bool is_mine(const ph_team *team, size_t i)
{
    const size_t place = i % team->count;

    return team->index ==
           (i / team->count % 2 != 0 ? team->count - 1 - place : place);
}

/* Each thread should have two blocks. */
static uint32_t block_tokens(const ph_pass *p, const ph_team *team,
                             const ph_part *part)
{
    const size_t fair = (size_t)p->n * p->hp->n_kv_heads / (2 * team->count);
    const uint32_t quick = BLOCK_KEYS / (part->sequence->length + part->n);
    const size_t bounded =
        ph_min(TOKENS, quick > LEAST_TOKENS ? quick : LEAST_TOKENS);
    const size_t most = ph_min(bounded, fair);

    return most > 0 ? (uint32_t)most : 1;
}

/* A part that is skipped is found to be cancelled behind this layer. */
static bool goes_on(const ph_part *part)
{
    return !part->cancel || atomic_load(part->cancel) == 0;
}

void ph_attend(const ph_pass *p, const ph_team *team, uint32_t layer)
{
    const uint32_t n_kv = p->hp->n_kv_heads;
    uint32_t row = 0;
    size_t i = 0;

    for (uint32_t j = 0; j < p->n_parts; row += p->parts[j++]->n) {
        const ph_part *part = p->parts[j];
        const uint32_t block = block_tokens(p, team, part);

        for (uint32_t t = 0; t < part->n; t += block)
            for (uint32_t g = 0; g < n_kv; g++)
                if (is_mine(team, i++) && goes_on(part))
                    attend_block(p, layer, row + t,
                                 (uint32_t)ph_min(part->n - t, block), g);
    }
    ph_team_sync(team);
}
