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
 * x, normed, wide and mid are the buffers of ph_scratch. */
#include "engine/forward.h"

#include <float.h>
#include <math.h>

/* What stays together on a thread; of many tokens, SLAB_ROWS rows of gate and
 * up stay in its cache until they are one. A thread that waits brings AHEAD
 * bytes of its next weights into its second-level cache. */
enum {
    ROWS = PH_ROWS,
    TOKENS = 64,
    MANY_TOKENS = 16,
    SLAB_ROWS = 256,
    AHEAD = 131072
};

static bool takes_codes(const ph_matrix *w)
{
    return ph_dtype_is_quantized(w->type);
}

/* normed = norm(x), from token first on. With codes also in int8. */
static ph_acts normalise(const ph_pass *p, const ph_team *team,
                         const float *weight, uint32_t first, bool codes)
{
    const ph_kernels *k = p->model->kernels;
    const ph_scratch *s = p->scratch;
    const size_t cols = p->hp->n_embd;
    const size_t blocks = cols / PH_ACT_BLOCK;
    const ph_acts acts = {p->n - first, p->hp->n_embd, s->normed,
                          s->normed_blocks};
    size_t begin, end;

    ph_team_share(team, acts.n, 1, &begin, &end);
    for (size_t t = begin; t < end; t++)
        k->rms_norm(s->x + (first + t) * cols, weight, p->hp->rms_eps, cols,
                    s->normed + t * cols);
    if (codes)
        k->quantize_acts(s->normed + begin * cols, (end - begin) * blocks,
                         s->normed_blocks + begin * blocks);
    ph_team_sync(team);
    return acts;
}

/* This thread's part of W is multiplied next: memory need not rest while it
 * waits. */
static void expect(const ph_team *team, const ph_matrix *w)
{
    const ph_deal deal = ph_team_deal(team, NULL, w->rows, ROWS);
    const size_t panels = (deal.end - deal.begin) / PH_PANEL_ROWS;
    const size_t bytes = panels * w->panel_bytes;

    ph_team_read_ahead(team,
                       w->data + deal.begin / PH_PANEL_ROWS * w->panel_bytes,
                       bytes < AHEAD ? bytes : AHEAD);
}

/* y = x W^T; y_stride floats from one token to the next. */
static void project(const ph_pass *p, const ph_team *team, const ph_matrix *w,
                    const ph_acts *x, atomic_uint *taken, float *y,
                    size_t y_stride)
{
    ph_deal deal = ph_team_deal(team, taken, w->rows, ROWS);
    size_t begin, end;

    while (ph_deal_next(&deal, &begin, &end))
        p->model->kernels->matmul(w, x, (uint32_t)begin, (uint32_t)end, y,
                                  y_stride);
}

/* Rotates queries and keys, scales queries, caches keys and values; of a Q8
 * cache all in the Hadamard basis, which attend_block leaves. */
static void rotate_and_cache(ph_pass *p, const ph_team *team, uint32_t layer)
{
    const ph_kernels *k = p->model->kernels;
    const ph_hparams *hp = p->hp;
    const ph_scratch *s = p->scratch;
    const size_t d = hp->head_dim, half = hp->n_rot / 2;
    const size_t n_heads = hp->n_heads + hp->n_kv_heads;
    const float scale = 1 / sqrtf((float)hp->head_dim);
    const bool q8 = p->cache->format == PHIAL_CACHE_Q8;
    size_t begin, end;

    /* The layer before is done, the next one not begun. */
    for (int i = 0; i < PH_N_PRODUCTS && team->index == 0; i++)
        atomic_store(&p->taken[(layer + 1) % 2][i], 0);
    ph_team_share(team, p->n * n_heads, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t t = i / n_heads, h = i % n_heads;
        float *head = s->wide + t * s->wide_stride + h * d;

        k->rope(head, s->cos + t * half, s->sin + t * half, hp->n_rot);
        if (q8)
            k->hadamard(head, hp->head_dim);
        if (h < hp->n_heads) {
            for (size_t j = 0; j < d; j++)
                head[j] *= scale;
        } else {
            const ph_cache_view view =
                ph_kv_cache_view(p->cache, layer, (uint32_t)(h - hp->n_heads));
            float *value = head + hp->n_kv_heads * d;

            if (q8)
                k->hadamard(value, hp->head_dim);
            k->cache_put(&view, p->first + (uint32_t)t, head, value);
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
        .q = p->scratch->wide + (size_t)t * p->scratch->wide_stride + first,
        .q_stride = p->scratch->wide_stride,
        .out = p->scratch->mid + t * cols + first,
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

/* mid in int8. */
static void quantize_mid(const ph_pass *p, const ph_team *team, uint32_t cols)
{
    const ph_scratch *s = p->scratch;
    const size_t blocks = (size_t)p->n * (cols / PH_ACT_BLOCK);
    size_t begin, end;

    ph_team_share(team, blocks, 1, &begin, &end);
    p->model->kernels->quantize_acts(s->mid + begin * PH_ACT_BLOCK, end - begin,
                                     s->mid_blocks + begin);
    ph_team_sync(team);
}

/* A thread's part of wide: gate and up of so many rows and tokens. */
typedef struct slab {
    float *space;
    size_t stride; /* floats from token to token */
    size_t rows;
    size_t tokens;
} slab;

static slab slab_of(const ph_pass *p, const ph_team *team)
{
    const ph_scratch *s = p->scratch;
    const size_t floats = s->wide_floats / team->count;
    const size_t for_token = floats / p->n;
    slab part = {.space = s->wide + team->index * floats,
                 .rows = ROWS,
                 .tokens = floats / PH_LEAST_SLAB};

    if (for_token >= PH_LEAST_SLAB) {
        part.tokens = p->n;
        part.rows = (for_token - PH_ROW_GAP) / 2 / ROWS * ROWS;
        if (p->n >= MANY_TOKENS && part.rows > SLAB_ROWS)
            part.rows = SLAB_ROWS;
    }
    part.stride = 2 * part.rows + PH_ROW_GAP;
    return part;
}

/* mid = silu(W_gate x) * W_up x, of the tokens from t on and the slab's rows,
 * from row first on. If W_down takes codes, only in int8. */
static void gate(const ph_pass *p, const ph_layer *layer, const ph_acts *x,
                 const slab *part, uint32_t first, uint32_t t)
{
    const ph_kernels *k = p->model->kernels;
    const ph_scratch *s = p->scratch;
    const uint32_t cols = layer->down.cols, n = (uint32_t)part->rows;
    const ph_matrix gate = ph_matrix_rows(&layer->gate, first, n);
    const ph_matrix up = ph_matrix_rows(&layer->up, first, n);

    k->matmul(&gate, x, 0, n, part->space, part->stride);
    k->matmul(&up, x, 0, n, part->space + n, part->stride);
    for (uint32_t i = 0; i < x->n; i++) {
        float *from = part->space + i * part->stride;
        const size_t to = (size_t)(t + i) * cols + first;

        if (takes_codes(&layer->down)) {
            k->swiglu(from, from + n, n, from);
            k->quantize_acts(from, n / PH_ACT_BLOCK,
                             s->mid_blocks + to / PH_ACT_BLOCK);
        } else {
            k->swiglu(from, from + n, n, s->mid + to);
        }
    }
}

/* Rows begin .. end - 1 of that, for all tokens. */
static void gate_rows(const ph_pass *p, const ph_layer *layer, const ph_acts *x,
                      const slab *most, size_t begin, size_t end)
{
    const size_t blocks = x->cols / PH_ACT_BLOCK;

    for (size_t row = begin; row < end; row += most->rows)
        for (size_t t = 0; t < x->n; t += most->tokens) {
            const size_t n = x->n - t < most->tokens ? x->n - t : most->tokens;
            const ph_acts acts = {(uint32_t)n, x->cols, x->x + t * x->cols,
                                  x->blocks + t * blocks};
            slab part = *most;

            if (end - row < part.rows)
                part.rows = end - row;
            gate(p, layer, &acts, &part, (uint32_t)row, (uint32_t)t);
        }
}

/* wide = W_o attention(norm(x)). */
static void attention_block(ph_pass *p, const ph_team *team, uint32_t i)
{
    const ph_layer *layer = &p->model->layers[i];
    const ph_matrix *q = &layer->q, *k = &layer->k, *v = &layer->v;
    const ph_matrix *out = &layer->attn_out;
    const ph_scratch *s = p->scratch;
    const ph_acts mid = {p->n, out->cols, s->mid, s->mid_blocks};
    const size_t stride = s->wide_stride;
    atomic_uint *taken = p->taken[i % 2];
    float *qkv = s->wide;
    ph_acts acts;

    acts = normalise(p, team, layer->attn_norm, 0,
                     takes_codes(q) || takes_codes(k) || takes_codes(v));
    project(p, team, q, &acts, &taken[PH_Q], qkv, stride);
    project(p, team, k, &acts, &taken[PH_K], qkv + q->rows, stride);
    project(p, team, v, &acts, &taken[PH_V], qkv + q->rows + k->rows, stride);
    expect(team, out);
    ph_team_sync(team);
    rotate_and_cache(p, team, i);
    attend(p, team, i);
    if (takes_codes(out))
        quantize_mid(p, team, out->cols);
    project(p, team, out, &mid, &taken[PH_OUT], s->wide, stride);
    expect(team, &layer->gate);
    ph_team_sync(team);
}

/* wide = W_down (silu(W_gate norm(x)) * W_up norm(x)). */
static void feed_forward_block(ph_pass *p, const ph_team *team, uint32_t i)
{
    const ph_layer *layer = &p->model->layers[i];
    const ph_matrix *down = &layer->down;
    const ph_scratch *s = p->scratch;
    const ph_acts mid = {p->n, down->cols, s->mid, s->mid_blocks};
    atomic_uint *taken = p->taken[i % 2];
    const ph_acts acts =
        normalise(p, team, layer->ffn_norm, 0, takes_codes(&layer->gate));
    const slab part = slab_of(p, team);
    ph_deal deal = ph_team_deal(team, &taken[PH_GATE_UP], down->cols, ROWS);
    size_t begin, end;

    while (ph_deal_next(&deal, &begin, &end))
        gate_rows(p, layer, &acts, &part, begin, end);
    expect(team, down);
    ph_team_sync(team);
    project(p, team, down, &mid, &taken[PH_DOWN], s->wide, s->wide_stride);
    expect(team, i + 1 < p->hp->n_layers ? &layer[1].q : &p->model->output);
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

/* x += what a block left in wide. */
static void add_branch(const ph_pass *p, const ph_team *team)
{
    const ph_scratch *s = p->scratch;
    const size_t cols = p->hp->n_embd;
    size_t begin, end;

    ph_team_share(team, p->n, 1, &begin, &end);
    for (size_t t = begin; t < end; t++)
        p->model->kernels->add_to(s->x + t * cols, s->wide + t * s->wide_stride,
                                  cols);
}

/* logits = W_output norm(x), of the last token or of all. */
static void output_head(ph_pass *p, const ph_team *team)
{
    const ph_matrix *w = &p->model->output;
    const uint32_t first = p->want == PH_LOGITS_LAST ? p->n - 1 : 0;
    const ph_acts acts =
        normalise(p, team, p->model->output_norm, first, takes_codes(w));
    size_t begin, end;

    project(p, team, w, &acts, &p->head_taken, p->logits, w->rows);
    expect(team, &p->model->layers[0].q);
    ph_team_sync(team);
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
