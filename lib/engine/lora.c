/* SPDX-License-Identifier: MIT
 * What adapters add to the products of a layer: y += B (scale * A x), in float.
 * A x needs all of x, so that the threads meet between the two. Both are the
 * products of kernels.h, and so have the bits of an output that is computed
 * alone; what is added to an output comes in the order of the set. */
#include "engine/forward.h"

/* What is computed at a time, and held on the stack. */
enum { TOKENS = 16, ROWS = 64 };

/* Rows of the pass whose parts have the same adapters, and room for all of
 * them in the first one's buffer. */
typedef struct run {
    const ph_lora_set *set;
    uint32_t room; /* tokens between a pair's products and the next one's */
    uint32_t first, n;
} run;

/* Where the runs go on. */
typedef struct walk {
    uint32_t part, row;
} walk;

static bool is_same(const ph_lora_set *a, const ph_lora_set *b)
{
    return a->n == b->n &&
           memcmp(a->adapters, b->adapters, a->n * sizeof *a->adapters) == 0 &&
           memcmp(a->scales, b->scales, a->n * sizeof *a->scales) == 0;
}

static bool next_run(const ph_pass *p, walk *at, run *r)
{
    const ph_sequence *seq;

    if (at->part == p->n_parts)
        return false;
    seq = p->parts[at->part]->sequence;
    *r = (run){&seq->lora, seq->config.n_batch, at->row, 0};
    while (at->part < p->n_parts) {
        const ph_part *part = p->parts[at->part];

        if (!is_same(r->set, &part->sequence->lora) || part->n > r->room - r->n)
            break;
        r->n += part->n;
        at->row += part->n;
        at->part++;
    }
    return true;
}

/* The pairs of a run with the same input, one by one. */
typedef struct pairs {
    const run *run;
    size_t place; /* in ph_adapter.first */
    size_t adapter;
    uint32_t i;        /* the next one of the adapter */
    const ph_lora *at; /* this one */
    float scale;
    float *low;  /* its products, [n][rank] */
    float *next; /* those of the next one */
} pairs;

static pairs pairs_of(const ph_pass *p, const ph_layer *layer,
                      ph_lora_input input, const run *r)
{
    const size_t place =
        (size_t)(layer - p->model->layers) * PH_LORA_INPUTS + input;

    return (pairs){.run = r,
                   .place = place,
                   .i = r->set->n ? r->set->adapters[0]->first[place] : 0,
                   .next = r->set->low};
}

static bool next_pair(pairs *k)
{
    const ph_lora_set *set = k->run->set;

    while (k->adapter < set->n) {
        const ph_adapter *a = set->adapters[k->adapter];

        if (k->i < a->first[k->place + 1]) {
            k->at = &a->pairs[k->i++];
            k->scale = set->scales[k->adapter] * k->at->scale;
            k->low = k->next;
            k->next += (size_t)k->run->room * k->at->a.rows;
            return true;
        }
        if (++k->adapter < set->n)
            k->i = set->adapters[k->adapter]->first[k->place];
    }
    return false;
}

/* scale * A x of a panel of A and some tokens. */
static void shrink(const ph_pass *p, const pairs *k, const ph_acts *x,
                   uint32_t panel, uint32_t t, uint32_t n)
{
    const ph_matrix *a = &k->at->a;
    const ph_acts acts = {.n = n,
                          .cols = x->cols,
                          .x = x->x + (size_t)(k->run->first + t) * x->cols};
    const uint32_t begin = panel * PH_PANEL_ROWS;
    const uint32_t end = (uint32_t)ph_min(a->rows, begin + PH_PANEL_ROWS);
    float *low = k->low + (size_t)t * a->rows;

    p->model->kernels->matmul(a, &acts, begin, end, low, a->rows);
    for (size_t i = 0; i < n; i++)
        for (uint32_t row = begin; row < end; row++)
            low[i * a->rows + row] *= k->scale;
}

bool ph_lora_shrink(const ph_pass *p, const ph_team *team,
                    const ph_layer *layer, ph_lora_input input,
                    const ph_acts *x)
{
    walk at = {0, 0};
    size_t i = 0;
    run r;

    if (!ph_lora_reads(p, input))
        return false;
    while (next_run(p, &at, &r)) {
        pairs k = pairs_of(p, layer, input, &r);

        while (next_pair(&k)) {
            const uint32_t panels =
                (k.at->a.rows + PH_PANEL_ROWS - 1) / PH_PANEL_ROWS;

            for (uint32_t panel = 0; panel < panels; panel++)
                for (uint32_t t = 0; t < r.n; t += TOKENS)
                    if (i++ % team->count == team->index)
                        shrink(p, &k, x, panel, t,
                               (uint32_t)ph_min(r.n - t, TOKENS));
        }
    }
    return true;
}

/* y += B times the products of n tokens from t on, of the run. */
static void expand(const ph_pass *p, const pairs *k, const ph_lora_block *block,
                   uint32_t t, uint32_t n, float *y, size_t y_stride)
{
    const ph_matrix *b = &k->at->b[block->output];
    const ph_acts acts = {
        .n = n, .cols = b->cols, .x = k->low + (size_t)t * b->cols};
    float space[TOKENS * ROWS];

    for (uint32_t row = 0; row < block->rows; row += ROWS) {
        const uint32_t rows = (uint32_t)ph_min(block->rows - row, ROWS);
        const ph_matrix part = ph_matrix_rows(b, block->first_row + row, rows);

        p->model->kernels->matmul(&part, &acts, 0, rows, space, ROWS);
        for (size_t i = 0; i < n; i++)
            p->model->kernels->add_to(y + i * y_stride + row, space + i * ROWS,
                                      rows);
    }
}

void ph_lora_expand(const ph_pass *p, const ph_layer *layer,
                    const ph_lora_block *block, float *y, size_t y_stride)
{
    const uint32_t end = block->first + block->n;
    walk at = {0, 0};
    run r;

    while (next_run(p, &at, &r)) {
        const uint32_t from = r.first > block->first ? r.first : block->first;
        const uint32_t to = (uint32_t)ph_min(r.first + r.n, end);
        pairs k = pairs_of(p, layer, block->input, &r);

        while (from < to && next_pair(&k))
            for (uint32_t t = from; t < to && k.at->b[block->output].rows;
                 t += TOKENS)
                expand(p, &k, block, t - r.first,
                       (uint32_t)ph_min(to - t, TOKENS),
                       y + (size_t)(t - block->first) * y_stride, y_stride);
    }
}

/* The rows of an input's outputs in wide; returns how many there are. */
static uint32_t outputs_of(const ph_layer *layer, ph_lora_input input,
                           uint32_t rows[PH_LORA_OUTPUTS])
{
    if (input == PH_LORA_ATTN) {
        rows[0] = layer->q.rows;
        rows[1] = layer->k.rows;
        rows[2] = layer->v.rows;
        return 3;
    }
    rows[0] =
        input == PH_LORA_ATTN_OUT ? layer->attn_out.rows : layer->down.rows;
    return 1;
}

void ph_lora_add(const ph_pass *p, const ph_team *team, const ph_layer *layer,
                 ph_lora_input input)
{
    const ph_scratch *s = p->scratch;
    uint32_t rows[PH_LORA_OUTPUTS];
    float *y = s->wide;
    uint32_t n;

    if (!ph_lora_reads(p, input))
        return;
    n = outputs_of(layer, input, rows);
    for (uint32_t i = 0; i < n; i++) {
        ph_lora_block block = {.input = input, .output = i, .n = p->n};
        size_t begin, end;

        ph_team_share(team, rows[i], PH_PANEL_ROWS, &begin, &end);
        block.first_row = (uint32_t)begin;
        block.rows = (uint32_t)(end - begin);
        ph_lora_expand(p, layer, &block, y + begin, s->wide_stride);
        y += rows[i];
    }
    ph_team_sync(team);
}
