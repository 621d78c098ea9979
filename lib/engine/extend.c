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

static phial_status check_part(const ph_part *part)
{
    const ph_sequence *seq = part->sequence;

    if (part->n == 0 || part->n > seq->config.n_batch)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "a batch of %u tokens, expected 1 to %u", part->n,
                       seq->config.n_batch);
    if (part->n > seq->config.n_context - seq->length)
        return ph_fail(PHIAL_E_CONTEXT,
                       "%u tokens after %u exceed the context of %u", part->n,
                       seq->length, seq->config.n_context);
    if (part->rope != PH_ROPE_SHORT && part->rope != PH_ROPE_LONG)
        return ph_fail(PHIAL_E_ARGUMENT, "rotary factors number %d",
                       part->rope);
    if (seq->length > 0 && part->rope != seq->rope)
        return ph_fail(PHIAL_E_STATE,
                       "the sequence was begun with other rotary factors");
    return check_tokens(&seq->model->hp, part->tokens, part->n);
}

static phial_status cancelled(void)
{
    return ph_fail(PHIAL_E_CANCELLED, "the forward pass was cancelled");
}

/* Sees to it that the part can go on to the pass. */
static phial_status begin_part(ph_part *part)
{
    ph_sequence *seq = part->sequence;

    PH_TRY(check_part(part));
    if (part->cancel && atomic_load(part->cancel) != 0)
        return cancelled();
    PH_TRY(ph_kv_cache_reserve(&seq->cache, seq->length, part->n));
    part->cancelled = false;
    atomic_init(&part->not_finite, false);
    return PHIAL_OK;
}

/* What came of the part in a pass that went well. */
static phial_status judge_part(ph_part *part)
{
    if (part->cancelled)
        return cancelled();
    if (atomic_load(&part->not_finite))
        return ph_fail(PHIAL_E_NUMERIC,
                       "the weights gave a NaN or infinity in the batch of %u "
                       "tokens after %u",
                       part->n, part->sequence->length);
    return PHIAL_OK;
}

static void end_part(ph_part *part, phial_status status)
{
    ph_sequence *seq = part->sequence;

    if (status >= 0)
        status = judge_part(part);
    ph_failure_keep(&part->failure, status);
    if (status < 0) {
        ph_kv_cache_release(&seq->cache, seq->length);
        return;
    }
    seq->length += part->n;
    seq->rope = part->rope;
}

static void add_rows(ph_pass *pass, ph_part *part)
{
    const ph_scratch *s = pass->scratch;
    const size_t n_vocab = pass->hp->n_vocab;

    s->parts[pass->n_parts++] = part;
    for (uint32_t i = 0; i < part->n; i++) {
        ph_row *row = &s->rows[pass->n];
        const bool last = i + 1 == part->n;

        *row = (ph_row){.part = part,
                        .token = part->tokens[i],
                        .position = part->sequence->length + i};
        if (part->want == PH_LOGITS_ALL)
            row->logits = part->logits + i * n_vocab;
        else if (part->want == PH_LOGITS_LAST && last)
            row->logits = part->logits;
        if (part->states)
            row->state = part->states + i * (size_t)pass->hp->n_embd;
        if (row->logits)
            s->list[pass->n_logits++] = pass->n;
        pass->n++;
    }
}

static phial_status check_fit(ph_part *const *parts, uint32_t n_parts,
                              uint32_t room)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < n_parts; i++)
        n += parts[i]->n;
    if (n > room)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "%llu tokens in one pass, expected at most %u",
                       (unsigned long long)n, room);
    return PHIAL_OK;
}

phial_status ph_forward_parts(const ph_sequence *host, ph_part *const *parts,
                              uint32_t n_parts)
{
    phial_status status = PHIAL_OK;
    ph_pass pass = {.model = host->model,
                    .hp = &host->model->hp,
                    .scratch = &host->scratch,
                    .parts = host->scratch.parts,
                    .importance = host->importance};

    PH_TRY(check_fit(parts, n_parts, host->config.n_batch));
    for (uint32_t i = 0; i < n_parts; i++) {
        ph_failure_keep(&parts[i]->failure, begin_part(parts[i]));
        if (parts[i]->failure.status < 0)
            continue;
        add_rows(&pass, parts[i]);
        pass.lora_inputs |= parts[i]->sequence->lora.inputs;
    }
    if (pass.n > 0)
        status = ph_pool_run(host->pool, ph_forward, &pass);
    for (uint32_t i = 0; i < pass.n_parts; i++)
        end_part(pass.parts[i], status);
    return status;
}

static phial_status forward_alone(ph_part *part)
{
    PH_TRY(ph_forward_parts(part->sequence, &part, 1));
    return ph_failure_raise(&part->failure);
}

phial_status ph_sequence_forward(ph_sequence *sequence,
                                 const phial_token *tokens, uint32_t n,
                                 int rope, int want, float *logits,
                                 const atomic_int *cancel)
{
    ph_part part = {.sequence = sequence,
                    .tokens = tokens,
                    .n = n,
                    .rope = rope,
                    .want = want,
                    .logits = logits,
                    .cancel = cancel};

    return forward_alone(&part);
}

phial_status ph_sequence_states(ph_sequence *sequence,
                                const phial_token *tokens, uint32_t n, int rope,
                                float *states)
{
    ph_part part = {.sequence = sequence,
                    .tokens = tokens,
                    .n = n,
                    .rope = rope,
                    .want = PH_LOGITS_NONE,
                    .states = states};

    return forward_alone(&part);
}
