/* SPDX-License-Identifier: MIT
 * Extending a sequence: what must hold before a forward pass, and what of it
 * counts afterwards. */
#include "engine/forward.h"

static phial_status check_tokens(const ph_hparams *hp,
                                 const phial_token *tokens, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= hp->n_vocab)
            return ph_fail(PHIAL_E_ARGUMENT,
                           "token %u of the input is %d, expected 0 to %u", i,
                           (int)tokens[i], hp->n_vocab - 1);
    }
    return PHIAL_OK;
}

static phial_status check_call(const ph_sequence *seq,
                               const phial_token *tokens, uint32_t n, int rope)
{
    if (n == 0 || n > seq->config.n_batch)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "a batch of %u tokens, expected 1 to %u", n,
                       seq->config.n_batch);
    if (n > seq->config.n_context - seq->length)
        return ph_fail(PHIAL_E_CONTEXT,
                       "%u tokens after %u exceed the context of %u", n,
                       seq->length, seq->config.n_context);
    if (rope != PH_ROPE_SHORT && rope != PH_ROPE_LONG)
        return ph_fail(PHIAL_E_ARGUMENT, "rotary factors number %d", rope);
    if (seq->length > 0 && rope != seq->rope)
        return ph_fail(PHIAL_E_STATE,
                       "the sequence was begun with other rotary factors");
    return check_tokens(&seq->model->hp, tokens, n);
}

static bool is_set(const atomic_int *cancel)
{
    return cancel && atomic_load(cancel) != 0;
}

static phial_status run_pass(ph_sequence *seq, ph_pass *pass)
{
    if (is_set(pass->cancel))
        pass->cancelled = true;
    else
        PH_TRY(ph_pool_run(seq->pool, ph_forward, pass));
    if (pass->cancelled)
        return ph_fail(PHIAL_E_CANCELLED, "the forward pass was cancelled");
    if (atomic_load(&pass->not_finite))
        return ph_fail(PHIAL_E_NUMERIC,
                       "the weights gave a NaN or infinite logit in the batch "
                       "of %u tokens after %u",
                       pass->n, seq->length);
    return PHIAL_OK;
}

phial_status ph_sequence_forward(ph_sequence *sequence,
                                 const phial_token *tokens, uint32_t n,
                                 int rope, int want, float *logits,
                                 const atomic_int *cancel)
{
    const ph_hparams *hp = &sequence->model->hp;
    ph_pass pass = {
        .model = sequence->model,
        .hp = hp,
        .scratch = &sequence->scratch,
        .cache = &sequence->cache,
        .tokens = tokens,
        .n = n,
        .first = sequence->length,
        .want = want,
        .logits = logits,
        .cancel = cancel,
    };
    phial_status status;

    PH_TRY(check_call(sequence, tokens, n, rope));
    PH_TRY(ph_kv_cache_reserve(&sequence->cache, sequence->length + n));
    pass.rope_freqs = sequence->model->rope_freqs[rope];
    status = run_pass(sequence, &pass);
    if (status != PHIAL_OK) {
        ph_kv_cache_release(&sequence->cache, sequence->length);
        return status;
    }
    sequence->length += n;
    sequence->rope = rope;
    return PHIAL_OK;
}
