/* SPDX-License-Identifier: MIT
 * A text as a vector: its hidden states, pooled. Sums are in double precision
 * and in the order of the tokens, so that the steps in which they are read
 * leave no trace. */
#include "engine/engine.h"

#include <math.h>

enum { STEP = 64 }; /* tokens of a pass */

typedef struct reading {
    const ph_model *model;
    ph_sequence *sequence;
    float *states; /* of a pass */
    double *sum;
    int32_t pooling;
} reading;

/* Reads tokens at .. at + n - 1 of the text. */
static phial_status read_step(const reading *r, const phial_token *tokens,
                              uint32_t n, int rope)
{
    const size_t cols = r->model->hp.n_embd;

    PH_TRY(ph_sequence_states(r->sequence, tokens, n, rope, r->states));
    for (uint32_t t = 0; t < n; t++)
        for (size_t i = 0; i < cols; i++) {
            const double x = (double)r->states[t * cols + i];

            r->sum[i] = r->pooling == PHIAL_POOL_LAST ? x : r->sum[i] + x;
        }
    return PHIAL_OK;
}

/* Of the mean and of the sum it is the same. */
static phial_status give_direction(const reading *r, float *out)
{
    const size_t cols = r->model->hp.n_embd;
    double squares = 0;

    for (size_t i = 0; i < cols; i++)
        squares += r->sum[i] * r->sum[i];
    if (!(squares > 0))
        return ph_fail(PHIAL_E_NUMERIC,
                       "the hidden states of the text add up to zero, which "
                       "has no direction");
    for (size_t i = 0; i < cols; i++)
        out[i] = (float)(r->sum[i] / sqrt(squares));
    return PHIAL_OK;
}

static phial_status read_text(const reading *r, const phial_token *tokens,
                              uint32_t n, float *out)
{
    const int rope = ph_rope_for(&r->model->hp, n);

    for (uint32_t at = 0; at < n; at += STEP)
        PH_TRY(read_step(r, tokens + at, n - at < STEP ? n - at : STEP, rope));
    return give_direction(r, out);
}

phial_status ph_embed(const ph_model *model, ph_pool *pool,
                      ph_page_store *store, const phial_token *tokens,
                      uint32_t n, int32_t pooling, float *out)
{
    const ph_heap *heap = model->heap;
    const size_t cols = model->hp.n_embd;
    const uint32_t step = n < STEP ? n : STEP;
    const ph_sequence_config config = {.n_context = n,
                                       .n_batch = step,
                                       .cache_format = PHIAL_CACHE_F32,
                                       .store = store};
    reading r = {.model = model, .pooling = pooling};
    phial_status status;

    PH_TRY(ph_sequence_new(model, pool, &config, &r.sequence));
    r.states = ph_alloc(heap, step * cols, sizeof *r.states);
    r.sum = ph_alloc(heap, cols, sizeof *r.sum);
    if (r.states && r.sum)
        status = read_text(&r, tokens, n, out);
    else
        status = ph_no_memory("hidden states", step * cols * sizeof *r.states);
    ph_free(heap, r.sum);
    ph_free(heap, r.states);
    ph_sequence_free(r.sequence);
    return status;
}
