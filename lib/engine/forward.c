/* SPDX-License-Identifier: MIT
 * The forward pass of the phi3 architecture (Abdin et al., "Phi-3 Technical
 * Report", 2024; Hugging Face, modeling_phi3.py): a pre-norm transformer with
 * grouped-query attention, rotary positions on a part of each head, and a
 * gated feed-forward block; no biases. Read it from ph_forward upwards.
 *
 * Every thread of the pool runs the whole pass; each stage splits its work by
 * rows, heads or tokens, and threads meet where one needs what another made.
 * An output element is computed by one thread from start to end: results do
 * not depend on the number of threads, nor on how a text is cut into batches.
 * x, branch, wide and mid are the buffers of ph_scratch. */
#include "engine/forward.h"

#include <float.h>
#include <math.h>

/* What stays together on a thread. */
enum { ROWS = 32, COLUMNS = 256, TOKENS = 64 };

static bool takes_codes(const ph_matrix *w)
{
    return ph_dtype_is_quantized(w->type);
}

/* branch = norm(x), from token first on. With codes also in int8. */
static ph_acts normalise(const ph_pass *p, const ph_team *team,
                         const float *weight, uint32_t first, bool codes)
{
    const ph_kernels *k = p->model->kernels;
    const ph_scratch *s = p->scratch;
    const size_t cols = p->hp->n_embd;
    const size_t blocks = cols / PH_ACT_BLOCK;
    const ph_acts acts = {p->n - first, p->hp->n_embd, s->branch, s->blocks};
    size_t begin, end;

    ph_team_share(team, acts.n, 1, &begin, &end);
    for (size_t t = begin; t < end; t++)
        k->rms_norm(s->x + (first + t) * cols, weight, p->hp->rms_eps, cols,
                    s->branch + t * cols);
    if (codes)
        k->quantize_acts(s->branch + begin * cols, (end - begin) * blocks,
                         s->blocks + begin * blocks);
    ph_team_sync(team);
    return acts;
}

/* y = x W^T; y_stride floats from one token to the next. */
static void project(const ph_pass *p, const ph_team *team, const ph_matrix *w,
                    const ph_acts *x, float *y, size_t y_stride)
{
    size_t begin, end;

    ph_team_share(team, w->rows, ROWS, &begin, &end);
    if (begin < end)
        p->model->kernels->matmul(w, x, (uint32_t)begin, (uint32_t)end, y,
                                  y_stride);
}

/* Rotates queries and keys, scales queries, caches keys and values. */
static void rotate_and_cache(const ph_pass *p, const ph_team *team,
                             uint32_t layer)
{
    const ph_kernels *k = p->model->kernels;
    const ph_hparams *hp = p->hp;
    const ph_scratch *s = p->scratch;
    const size_t d = hp->head_dim, half = hp->n_rot / 2;
    const size_t n_heads = hp->n_heads + hp->n_kv_heads;
    const float scale = 1 / sqrtf((float)hp->head_dim);
    size_t begin, end;

    ph_team_share(team, p->n * n_heads, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t t = i / n_heads, h = i % n_heads;
        float *head = s->wide + t * p->qkv_cols + h * d;

        k->rope(head, s->cos + t * half, s->sin + t * half, hp->n_rot);
        if (h < hp->n_heads) {
            for (size_t j = 0; j < d; j++)
                head[j] *= scale;
        } else {
            const ph_cache_view view =
                ph_kv_cache_view(p->cache, layer, (uint32_t)(h - hp->n_heads));

            k->cache_put(&view, p->first + (uint32_t)t, head,
                         head + hp->n_kv_heads * d);
        }
    }
    ph_team_sync(team);
}

/* mid = softmax(q k^T) v for n tokens, t and on, and the query heads that share
 * kv head g. A head looks at the keys that its token sees: those up to itself,
 * at most a window of them. */
static void attend_block(const ph_pass *p, uint32_t layer, uint32_t t,
                         uint32_t n, uint32_t g)
{
    const ph_hparams *hp = p->hp;
    const uint32_t group = hp->n_heads / hp->n_kv_heads;
    const size_t first = (size_t)g * group * hp->head_dim;
    const size_t cols = (size_t)hp->n_heads * hp->head_dim;
    const ph_cache_view view = ph_kv_cache_view(p->cache, layer, g);
    const ph_queries queries = {
        .n_tokens = n,
        .n_heads = group,
        .position = p->first + t,
        .window = hp->window,
        .q = p->scratch->wide + (size_t)t * p->qkv_cols + first,
        .q_stride = p->qkv_cols,
        .out = p->scratch->mid + t * cols + first,
        .out_stride = cols,
    };

    p->model->kernels->attend(&view, &queries);
}

/* Tokens in a block share what is read of the cache, but each thread should
 * have two blocks: these are dealt out to and fro, since later tokens have more
 * work. */
static void attend(const ph_pass *p, const ph_team *team, uint32_t layer)
{
    const uint32_t n_kv = p->hp->n_kv_heads;
    const size_t fair = (size_t)p->n * n_kv / (2 * team->count);
    const uint32_t most = fair < TOKENS ? (uint32_t)fair : TOKENS;
    const uint32_t block = most > 0 ? most : 1;
    const size_t n_blocks = (p->n + block - 1) / block * (size_t)n_kv;

    for (size_t dealt = 0; dealt < n_blocks; dealt += team->count) {
        const bool back = dealt / team->count % 2 != 0;
        const size_t i =
            dealt + (back ? team->count - 1 - team->index : team->index);
        const uint32_t t = (uint32_t)(i / n_kv) * block;

        if (i < n_blocks)
            attend_block(p, layer, t, p->n - t < block ? p->n - t : block,
                         (uint32_t)(i % n_kv));
    }
    ph_team_sync(team);
}

/* mid = silu(gate) * up, if there is wide = [gate | up] to make it of; and in
 * int8, if codes. */
static ph_acts finish_mid(const ph_pass *p, const ph_team *team, uint32_t cols,
                          bool gated, bool codes)
{
    const ph_kernels *k = p->model->kernels;
    const ph_scratch *s = p->scratch;
    const ph_acts acts = {p->n, cols, s->mid, s->blocks};
    const size_t parts = (cols + COLUMNS - 1) / COLUMNS;
    size_t begin, end;

    ph_team_share(team, p->n * parts, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t t = i / parts, at = i % parts * COLUMNS;
        const size_t n = cols - at < COLUMNS ? cols - at : COLUMNS;
        const size_t here = t * cols + at;

        if (gated) {
            const float *gate = s->wide + 2 * t * cols + at;

            k->swiglu(gate, gate + cols, n, s->mid + here);
        }
        if (codes)
            k->quantize_acts(s->mid + here, n / PH_ACT_BLOCK,
                             s->blocks + here / PH_ACT_BLOCK);
    }
    ph_team_sync(team);
    return acts;
}

/* branch = W_o attention(norm(x)). */
static void attention_block(const ph_pass *p, const ph_team *team, uint32_t i)
{
    const ph_layer *layer = &p->model->layers[i];
    const ph_matrix *q = &layer->q, *k = &layer->k, *v = &layer->v;
    const ph_matrix *out = &layer->attn_out;
    float *wide = p->scratch->wide; /* [q | k | v] */
    ph_acts acts;

    acts = normalise(p, team, layer->attn_norm, 0,
                     takes_codes(q) || takes_codes(k) || takes_codes(v));
    project(p, team, q, &acts, wide, p->qkv_cols);
    project(p, team, k, &acts, wide + q->rows, p->qkv_cols);
    project(p, team, v, &acts, wide + q->rows + k->rows, p->qkv_cols);
    ph_team_sync(team);
    rotate_and_cache(p, team, i);
    attend(p, team, i);
    acts = finish_mid(p, team, out->cols, false, takes_codes(out));
    project(p, team, out, &acts, p->scratch->branch, out->rows);
    ph_team_sync(team);
}

/* branch = W_down (silu(W_gate norm(x)) * W_up norm(x)). */
static void feed_forward_block(const ph_pass *p, const ph_team *team,
                               uint32_t i)
{
    const ph_layer *layer = &p->model->layers[i];
    const ph_matrix *gate_up = &layer->gate_up, *down = &layer->down;
    ph_acts acts;

    acts = normalise(p, team, layer->ffn_norm, 0, takes_codes(gate_up));
    project(p, team, gate_up, &acts, p->scratch->wide, gate_up->rows);
    ph_team_sync(team);
    acts = finish_mid(p, team, down->cols, true, takes_codes(down));
    project(p, team, down, &acts, p->scratch->branch, down->rows);
    ph_team_sync(team);
}

/* x = embedding of each token; and its position's rotation. */
static void embed(const ph_pass *p, const ph_team *team)
{
    const ph_matrix *table = &p->model->embedding;
    const ph_scratch *s = p->scratch;
    const size_t half = p->hp->n_rot / 2;
    size_t begin, end;

    ph_team_share(team, p->n, 1, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        ph_matrix_row(table, (uint32_t)p->tokens[t], s->x + t * table->cols);
        ph_rope_angles(p->rope_freqs, p->hp->n_rot, p->first + (uint32_t)t,
                       p->hp->rope_scale, s->cos + t * half, s->sin + t * half);
    }
}

/* x += branch. */
static void add_branch(const ph_pass *p, const ph_team *team)
{
    const size_t cols = p->hp->n_embd;
    size_t begin, end;

    ph_team_share(team, p->n, 1, &begin, &end);
    p->model->kernels->add_to(p->scratch->x + begin * cols,
                              p->scratch->branch + begin * cols,
                              (end - begin) * cols);
}

/* logits = W_output norm(x), of the last token or of all. */
static void output_head(ph_pass *p, const ph_team *team)
{
    const ph_matrix *w = &p->model->output;
    const uint32_t first = p->want == PH_LOGITS_LAST ? p->n - 1 : 0;
    const ph_acts acts =
        normalise(p, team, p->model->output_norm, first, takes_codes(w));
    size_t begin, end;

    project(p, team, w, &acts, p->logits, w->rows);
    ph_team_share(team, w->rows, ROWS, &begin, &end);
    for (size_t t = 0; t < acts.n; t++) {
        for (size_t i = begin; i < end; i++) {
            if (!(fabsf(p->logits[t * w->rows + i]) <= FLT_MAX))
                atomic_store(&p->not_finite, true);
        }
    }
}

/* embed, add_branch and normalise give a token to the same thread, so that
 * nobody need wait between them. */
void ph_forward(void *arg, const ph_team *team)
{
    ph_pass *p = arg;

    embed(p, team);
    for (uint32_t i = 0; i < p->hp->n_layers && !p->cancelled; i++) {
        attention_block(p, team, i);
        add_branch(p, team);
        if (team->index == 0 && p->cancel && atomic_load(p->cancel) != 0)
            p->cancelled = true; /* all look behind the next block */
        feed_forward_block(p, team, i);
        add_branch(p, team);
    }
    ph_team_sync(team);
    if (p->want != PH_LOGITS_NONE && !p->cancelled)
        output_head(p, team);
}
