/* SPDX-License-Identifier: MIT
 * How much each column of a matrix counts: the squares of what the matrix is
 * multiplied with, summed over the tokens of a text. Sums are in double
 * precision; a column's is made by one thread in the order of the tokens, so
 * that neither threads nor the steps of reading leave a trace. */
#include "engine/forward.h"

enum { GRAIN = 8 }; /* sums of a cache line */

/* ---- Sums -------------------------------------------------------------- */

static size_t cols_of(const ph_model *model, ph_lora_input input)
{
    if (input == PH_LORA_ATTN_OUT)
        return model->layers[0].attn_out.cols;
    return input == PH_LORA_DOWN ? model->layers[0].down.cols
                                 : model->hp.n_embd;
}

static size_t layer_cols(const ph_model *model)
{
    size_t n = 0;

    for (int i = 0; i < PH_LORA_INPUTS; i++)
        n += cols_of(model, (ph_lora_input)i);
    return n;
}

phial_status ph_importance_init(ph_importance *importance,
                                const ph_model *model)
{
    const size_t n = model->hp.n_layers * layer_cols(model) + model->hp.n_embd;

    *importance = (ph_importance){.model = model};
    importance->sums = ph_alloc(model->heap, n, sizeof *importance->sums);
    return importance->sums
               ? PHIAL_OK
               : ph_no_memory("sums of squares", n * sizeof *importance->sums);
}

void ph_importance_free(ph_importance *importance)
{
    if (importance->model)
        ph_free(importance->model->heap, importance->sums);
    *importance = (ph_importance){0};
}

double *ph_importance_sums(const ph_importance *importance, uint32_t layer,
                           ph_lora_input input)
{
    const ph_model *model = importance->model;
    double *sums = importance->sums + layer * layer_cols(model);

    for (int i = 0; i < (int)input; i++)
        sums += cols_of(model, (ph_lora_input)i);
    return sums;
}

double *ph_importance_head(const ph_importance *importance)
{
    return ph_importance_sums(importance, importance->model->hp.n_layers,
                              PH_LORA_ATTN);
}

/* Of n rows of cols floats, the columns begin .. end - 1. */
static void add_squares(const float *x, size_t n, size_t cols, size_t begin,
                        size_t end, double *sums)
{
    for (size_t t = 0; t < n; t++, x += cols)
        for (size_t i = begin; i < end; i++)
            sums[i] += (double)x[i] * (double)x[i];
}

void ph_importance_add(const ph_pass *p, const ph_team *team, uint32_t layer,
                       ph_lora_input input, const ph_acts *x)
{
    size_t begin, end;

    if (!p->importance)
        return;
    ph_team_share(team, x->cols, GRAIN, &begin, &end);
    add_squares(x->x, x->n, x->cols, begin, end,
                ph_importance_sums(p->importance, layer, input));
}

/* ---- Reading a text ---------------------------------------------------- */

typedef struct reading {
    const ph_importance_config *config;
    ph_importance *out;
    ph_sequence *sequence;
    float *states;        /* of a pass: what the head is multiplied with */
    phial_token *window;  /* room for n_context */
    size_t n_done, n_all; /* tokens of the text */
} reading;

static phial_status report(const reading *r)
{
    const ph_importance_config *c = r->config;

    if (c->progress && c->progress(c->progress_user, (float)((double)r->n_done /
                                                             (double)r->n_all)))
        return ph_fail(PHIAL_E_CANCELLED,
                       "reading the text was cancelled by the progress hook");
    return PHIAL_OK;
}

static phial_status read_step(reading *r, const phial_token *tokens, uint32_t n,
                              int rope)
{
    const size_t cols = r->out->model->hp.n_embd;

    PH_TRY(ph_sequence_states(r->sequence, tokens, n, rope, r->states));
    add_squares(r->states, n, cols, 0, cols, ph_importance_head(r->out));
    r->out->n_tokens += n;
    return PHIAL_OK;
}

/* The n tokens in r->window. */
static phial_status read_window(reading *r, uint32_t n)
{
    const int rope = ph_rope_for(&r->out->model->hp, n);

    ph_sequence_truncate(r->sequence, 0);
    for (uint32_t at = 0, step; at < n; at += step) {
        step = (uint32_t)ph_min(n - at, r->config->n_batch);
        PH_TRY(report(r));
        PH_TRY(read_step(r, r->window + at, step, rope));
        r->n_done += step;
    }
    r->out->n_windows++;
    return PHIAL_OK;
}

static phial_status read_text(reading *r, const phial_token *tokens, size_t n)
{
    const ph_importance_config *c = r->config;
    const uint32_t head = c->bos != PHIAL_NO_TOKEN;
    const size_t room = c->n_context - head;
    size_t windows = (n + room - 1) / room;

    if (c->max_windows && windows > c->max_windows) {
        windows = c->max_windows;
        n = windows * room;
    }
    r->n_all = n + windows * head;
    for (size_t at = 0; at < n; at += room) {
        const size_t now = ph_min(n - at, room);

        r->window[0] = c->bos;
        memcpy(r->window + head, tokens + at, now * sizeof *tokens);
        PH_TRY(read_window(r, (uint32_t)now + head));
    }
    return report(r);
}

phial_status ph_importance_read(ph_importance *importance, ph_pool *pool,
                                ph_page_store *store,
                                const ph_importance_config *config,
                                const phial_token *tokens, size_t n)
{
    const ph_model *model = importance->model;
    const ph_sequence_config sequence = {.n_context = config->n_context,
                                         .n_batch = config->n_batch,
                                         .cache_format = PHIAL_CACHE_F32,
                                         .store = store};
    const size_t floats = (size_t)config->n_batch * model->hp.n_embd;
    reading r = {.config = config, .out = importance};
    phial_status status;

    PH_TRY(ph_sequence_new(model, pool, &sequence, &r.sequence));
    r.sequence->importance = importance;
    r.states = ph_alloc(model->heap, floats, sizeof *r.states);
    r.window = ph_alloc(model->heap, config->n_context, sizeof *r.window);
    if (r.states && r.window)
        status = read_text(&r, tokens, n);
    else
        status = ph_no_memory("hidden states", floats * sizeof *r.states);
    ph_free(model->heap, r.window);
    ph_free(model->heap, r.states);
    ph_sequence_free(r.sequence);
    return status;
}
