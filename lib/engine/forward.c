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
enum { ROWS = PH_ROWS, MANY_TOKENS = 16, SLAB_ROWS = 256, AHEAD = 131072 };

static bool takes_codes(const ph_matrix *w)
{
    return ph_dtype_is_quantized(w->type);
}

/* normed = norm(x), of n tokens: those in the list, or all if there is none.
 * With codes also in int8. */
static ph_acts normalise(const ph_pass *p, const ph_team *team,
                         const float *weight, const uint32_t *list, uint32_t n,
                         bool codes)
{
    const ph_kernels *k = p->model->kernels;
    const ph_scratch *s = p->scratch;
    const size_t cols = p->hp->n_embd;
    const size_t blocks = cols / PH_ACT_BLOCK;
    const ph_acts acts = {n, p->hp->n_embd, s->normed, s->normed_blocks};
    size_t begin, end;

    ph_team_share(team, acts.n, 1, &begin, &end);
    for (size_t t = begin; t < end; t++)
        k->rms_norm(s->x + (list ? list[t] : t) * cols, weight, p->hp->rms_eps,
                    cols, s->normed + t * cols);
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

/* A thread's part of wide: gate and up of so many rows and tokens, or logits.
 */
typedef struct slab {
    float *space;
    size_t stride; /* floats from token to token */
    size_t rows;
    size_t tokens;
} slab;

static slab slab_of(const ph_scratch *s, const ph_team *team, uint32_t n)
{
    const size_t floats = s->wide_floats / team->count;
    const size_t for_token = floats / n;
    slab part = {.space = s->wide + team->index * floats,
                 .rows = ROWS,
                 .tokens = floats / PH_LEAST_SLAB};

    if (for_token >= PH_LEAST_SLAB) {
        part.tokens = n;
        part.rows = (for_token - PH_ROW_GAP) / 2 / ROWS * ROWS;
        if (n >= MANY_TOKENS && part.rows > SLAB_ROWS)
            part.rows = SLAB_ROWS;
    }
    part.stride = 2 * part.rows + PH_ROW_GAP;
    return part;
}

/* What adapters add to gate and up, which lie in the slab. */
static void adapt_gate(const ph_pass *p, const ph_layer *layer,
                       const slab *part, uint32_t first, uint32_t t, uint32_t n)
{
    const uint32_t rows = (uint32_t)part->rows;

    for (uint32_t i = 0; i < 2 && ph_lora_reads(p, PH_LORA_FFN); i++) {
        const ph_lora_block block = {PH_LORA_FFN, i, first, rows, t, n};

        ph_lora_expand(p, layer, &block, part->space + i * rows, part->stride);
    }
}

/* mid = silu(W_gate x) * W_up x, of the tokens from t on and the slab's rows,
 * from row first on. If W_down takes codes, only in int8, unless adapters or
 * importance want both. */
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
    adapt_gate(p, layer, part, first, t, x->n);
    for (uint32_t i = 0; i < x->n; i++) {
        float *from = part->space + i * part->stride;
        const size_t to = (size_t)(t + i) * cols + first;

        if (takes_codes(&layer->down)) {
            k->swiglu(from, from + n, n, from);
            k->quantize_acts(from, n / PH_ACT_BLOCK,
                             s->mid_blocks + to / PH_ACT_BLOCK);
            if (p->importance || ph_lora_reads(p, PH_LORA_DOWN))
                memcpy(s->mid + to, from, n * sizeof *from);
        } else {
            k->swiglu(from, from + n, n, s->mid + to);
        }
    }
}

/* Those of at most n tokens from t on. */
static ph_acts acts_from(const ph_acts *x, size_t t, size_t n)
{
    return (ph_acts){(uint32_t)(x->n - t < n ? x->n - t : n), x->cols,
                     x->x + t * x->cols,
                     x->blocks + t * (x->cols / PH_ACT_BLOCK)};
}

/* Rows begin .. end - 1 of that, for all tokens. */
static void gate_rows(const ph_pass *p, const ph_layer *layer, const ph_acts *x,
                      const slab *most, size_t begin, size_t end)
{
    for (size_t row = begin; row < end; row += most->rows)
        for (size_t t = 0; t < x->n; t += most->tokens) {
            const ph_acts acts = acts_from(x, t, most->tokens);
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

    acts = normalise(p, team, layer->attn_norm, NULL, p->n,
                     takes_codes(q) || takes_codes(k) || takes_codes(v));
    ph_importance_add(p, team, i, PH_LORA_ATTN, &acts);
    ph_lora_shrink(p, team, layer, PH_LORA_ATTN, &acts);
    project(p, team, q, &acts, &taken[PH_Q], qkv, stride);
    project(p, team, k, &acts, &taken[PH_K], qkv + q->rows, stride);
    project(p, team, v, &acts, &taken[PH_V], qkv + q->rows + k->rows, stride);
    expect(team, out);
    ph_team_sync(team);
    ph_lora_add(p, team, layer, PH_LORA_ATTN);
    ph_rotate_and_cache(p, team, i);
    ph_attend(p, team, i);
    if (takes_codes(out))
        quantize_mid(p, team, out->cols);
    ph_importance_add(p, team, i, PH_LORA_ATTN_OUT, &mid);
    ph_lora_shrink(p, team, layer, PH_LORA_ATTN_OUT, &mid);
    project(p, team, out, &mid, &taken[PH_OUT], s->wide, stride);
    expect(team, &layer->gate);
    ph_team_sync(team);
    ph_lora_add(p, team, layer, PH_LORA_ATTN_OUT);
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
        normalise(p, team, layer->ffn_norm, NULL, p->n,
                  takes_codes(&layer->gate) || takes_codes(&layer->up));
    const slab part = slab_of(s, team, p->n);
    ph_deal deal = ph_team_deal(team, &taken[PH_GATE_UP], down->cols, ROWS);
    size_t begin, end;

    ph_importance_add(p, team, i, PH_LORA_FFN, &acts);
    if (ph_lora_shrink(p, team, layer, PH_LORA_FFN, &acts))
        ph_team_sync(team);
    while (ph_deal_next(&deal, &begin, &end))
        gate_rows(p, layer, &acts, &part, begin, end);
    expect(team, down);
    ph_team_sync(team);
    ph_importance_add(p, team, i, PH_LORA_DOWN, &mid);
    ph_lora_shrink(p, team, layer, PH_LORA_DOWN, &mid);
    project(p, team, down, &mid, &taken[PH_DOWN], s->wide, s->wide_stride);
    expect(team, i + 1 < p->hp->n_layers ? &layer[1].q : &p->model->output);
    ph_team_sync(team);
    ph_lora_add(p, team, layer, PH_LORA_DOWN);
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
        const ph_row *row = &s->rows[t];

        ph_matrix_row(table, (uint32_t)row->token, s->x + t * table->cols);
        ph_rope_angles(p->model->rope_freqs[row->part->rope], p->hp->n_rot,
                       row->position, p->hp->rope_scale, s->cos + t * half,
                       s->sin + t * half);
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

/* What a part gets must be numbers. */
static void check_finite(ph_part *part, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(x[i]) <= FLT_MAX))
            atomic_store(&part->not_finite, true);
}

/* state = norm(x), of the tokens whose state is wanted. */
static void output_states(const ph_pass *p, const ph_team *team)
{
    const ph_scratch *s = p->scratch;
    const size_t cols = p->hp->n_embd;
    size_t begin, end;

    ph_team_share(team, p->n, 1, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        const ph_row *row = &s->rows[t];

        if (!row->state)
            continue;
        p->model->kernels->rms_norm(s->x + t * cols, p->model->output_norm,
                                    p->hp->rms_eps, cols, row->state);
        check_finite(row->part, row->state, cols);
    }
}

/* To where a token's logits are wanted, from row first of the matrix on. */
static void give_logits(const ph_row *row, const float *from, size_t first,
                        size_t n)
{
    memcpy(row->logits + first, from, n * sizeof *from);
    check_finite(row->part, from, n);
}

/* Rows begin .. end - 1 of W_output x. */
static void head_rows(const ph_pass *p, const ph_acts *x, const slab *most,
                      size_t begin, size_t end)
{
    const ph_scratch *s = p->scratch;

    for (size_t row = begin; row < end; row += most->rows)
        for (size_t t = 0; t < x->n; t += most->tokens) {
            const ph_acts acts = acts_from(x, t, most->tokens);
            const size_t n = end - row < most->rows ? end - row : most->rows;
            const ph_matrix w =
                ph_matrix_rows(&p->model->output, (uint32_t)row, (uint32_t)n);

            p->model->kernels->matmul(&w, &acts, 0, w.rows, most->space,
                                      most->stride);
            for (uint32_t i = 0; i < acts.n; i++)
                give_logits(&s->rows[s->list[t + i]],
                            most->space + i * most->stride, row, n);
        }
}

/* logits = W_output norm(x), of the tokens that want them. */
static void output_head(ph_pass *p, const ph_team *team)
{
    const ph_scratch *s = p->scratch;
    const ph_matrix *w = &p->model->output;
    const ph_acts acts = normalise(p, team, p->model->output_norm, s->list,
                                   p->n_logits, takes_codes(w));
    ph_deal deal = ph_team_deal(team, &p->head_taken, w->rows, ROWS);
    slab part = slab_of(s, team, acts.n);
    size_t begin, end;

    if (part.rows > SLAB_ROWS)
        part.rows = SLAB_ROWS;
    while (ph_deal_next(&deal, &begin, &end))
        head_rows(p, &acts, &part, begin, end);
    expect(team, &p->model->layers[0].q);
    ph_team_sync(team);
}

/* Parts whose cancellation is asked for, and whether they are all. All look
 * behind the next block. */
static void look_for_cancel(ph_pass *p)
{
    bool all = true;

    for (uint32_t i = 0; i < p->n_parts; i++) {
        ph_part *part = p->parts[i];

        if (part->cancel && atomic_load(part->cancel) != 0)
            part->cancelled = true;
        all = all && part->cancelled;
    }
    p->cancelled = all;
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
        if (team->index == 0)
            look_for_cancel(p);
        feed_forward_block(p, team, i);
        add_branch(p, team);
    }
    ph_team_sync(team);
    if (p->cancelled)
        return;
    output_states(p, team);
    if (p->n_logits > 0)
        output_head(p, team);
}
