/* SPDX-License-Identifier: MIT
 * Making and freeing a session: defaults, limits, sizes, the set of tokens
 * that are never sampled. */
#include "session/session_state.h"

enum {
    DEFAULT_PREFILL = 64, /* the results do not depend on it */
    MAX_PREFILL = 4096
};

static phial_status resolve_cache(ph_session_config *config)
{
    switch (config->cache_format) {
    case PHIAL_CACHE_AUTO:
        config->cache_format = PHIAL_CACHE_F16;
        return PHIAL_OK;
    case PHIAL_CACHE_F32:
    case PHIAL_CACHE_F16:
    case PHIAL_CACHE_Q8:
        return PHIAL_OK;
    default:
        return ph_fail(PHIAL_E_ARGUMENT,
                       "cache_format is %d, not one of PHIAL_CACHE_*",
                       (int)config->cache_format);
    }
}

phial_status ph_session_resolve(const ph_hparams *hp, ph_session_config *config)
{
    ph_session_config c = *config;

    if (!c.n_context)
        c.n_context = hp->n_context;
    if (c.n_context > hp->n_context)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "n_context is %u, the model was trained for %u",
                       c.n_context, hp->n_context);
    if (c.rope < PHIAL_ROPE_AUTO || c.rope > PHIAL_ROPE_LONG)
        return ph_fail(PHIAL_E_ARGUMENT, "rope is %d, not one of PHIAL_ROPE_*",
                       (int)c.rope);
    if (!c.n_prefill)
        c.n_prefill = DEFAULT_PREFILL;
    if (c.n_prefill > MAX_PREFILL)
        c.n_prefill = MAX_PREFILL;
    if (c.n_prefill > c.n_context)
        c.n_prefill = c.n_context;
    PH_TRY(resolve_cache(&c));
    *config = c;
    return PHIAL_OK;
}

static ph_sequence_config sequence_config(const ph_session_config *config)
{
    return (ph_sequence_config){.n_context = config->n_context,
                                .n_batch = config->n_prefill,
                                .cache_format = config->cache_format,
                                .store = config->store};
}

static bool drafts(const ph_session_config *config)
{
    return !config->no_drafts && config->n_prefill > 1;
}

/* What a session adds to its sequence: logits, the banned set, the sampler. */
static bool add_own_bytes(uint32_t n_vocab, const ph_session_config *config,
                          ph_sequence_bytes *bytes)
{
    const uint64_t rows = 1 + (drafts(config) ? PH_MAX_DRAFT + 1 : 0);
    const uint64_t own = rows * n_vocab * sizeof(float) +
                         (n_vocab / 64 + 1) * 8 + ph_sampler_bytes(n_vocab);

    return ph_add64(bytes->scratch, own, &bytes->scratch);
}

bool ph_session_estimate(const ph_hparams *hp, const ph_session_config *config,
                         ph_sequence_bytes *bytes)
{
    ph_sequence_config sequence = sequence_config(config);
    ph_sequence_bytes b;

    if (!ph_sequence_estimate(hp, &sequence, &b) ||
        !add_own_bytes(hp->n_vocab, config, &b))
        return false;
    *bytes = b;
    return true;
}

void ph_session_get_bytes(const ph_session *session, ph_sequence_bytes *bytes)
{
    ph_sequence_get_bytes(session->sequence, bytes);
    add_own_bytes(session->model->hp.n_vocab, &session->config, bytes);
}

/* Padding rows and unused entries carry untrained weights; a pad token means
 * nothing unless it also ends turns. */
static void ban_tokens(ph_session *session)
{
    const ph_tokenizer *t = session->model->tokenizer;
    phial_token pad = ph_tokenizer_special(t, PHIAL_TOKEN_PAD);
    uint32_t n_known = ph_tokenizer_n_vocab(t);

    for (uint32_t i = 0; i < session->model->hp.n_vocab; i++) {
        phial_token id = (phial_token)i;

        if (i < n_known && ph_tokenizer_is_end(t, id))
            continue;
        if (i >= n_known || id == pad ||
            ph_tokenizer_kind(t, id) == PH_TOKEN_UNUSED)
            session->banned[i / 64] |= (uint64_t)1 << i % 64;
    }
}

static phial_status set_up(ph_session *s)
{
    uint32_t n_vocab = s->model->hp.n_vocab;

    s->logits = ph_alloc(s->heap, n_vocab, sizeof *s->logits);
    s->banned = ph_alloc(s->heap, n_vocab / 64 + 1, sizeof *s->banned);
    if (!s->logits || !s->banned)
        return ph_no_memory("a session's logits", n_vocab * sizeof(float));
    ban_tokens(s);
    ph_draft_init(&s->draft);
    if (drafts(&s->config)) {
        const size_t bytes = (PH_MAX_DRAFT + 1) * n_vocab * sizeof(float);

        s->draft.rows = ph_alloc_raw(s->heap, bytes);
        if (!s->draft.rows)
            return ph_no_memory("the logits of guesses", bytes);
    }
    return ph_sampler_new(s->heap, n_vocab, s->banned, &s->sampler);
}

phial_status ph_session_make(const ph_model *model,
                             const ph_session_config *resolved,
                             ph_session **out)
{
    ph_session *s = ph_alloc(model->heap, 1, sizeof *s);
    phial_status status;

    if (!s)
        return ph_no_memory("a session", sizeof *s);
    s->model = model;
    s->heap = model->heap;
    s->config = *resolved;
    s->tokens.heap = s->heap;
    s->turn.held.heap = s->heap;
    s->event_text.heap = s->heap;
    atomic_init(&s->cancel, 0);
    status = set_up(s);
    if (status < 0) {
        ph_session_free(s);
        return status;
    }
    *out = s;
    return PHIAL_OK;
}

phial_status ph_session_new(const ph_model *model, ph_pool *pool,
                            const ph_session_config *config, ph_session **out)
{
    ph_session_config resolved = *config;
    ph_sequence_config sequence;
    ph_session *s;
    phial_status status;

    PH_TRY(ph_session_resolve(&model->hp, &resolved));
    PH_TRY(ph_session_make(model, &resolved, &s));
    sequence = sequence_config(&resolved);
    status = ph_sequence_new(model, pool, &sequence, &s->sequence);
    if (status < 0) {
        ph_session_free(s);
        return status;
    }
    *out = s;
    return PHIAL_OK;
}

void ph_session_free(ph_session *session)
{
    const ph_heap *heap;

    if (!session)
        return;
    heap = session->heap;
    ph_sequence_free(session->sequence);
    ph_sampler_free(session->sampler);
    ph_stops_free(session->stops);
    ph_tokens_free(&session->tokens);
    ph_buf_free(&session->turn.held);
    ph_buf_free(&session->event_text);
    ph_free(heap, session->draft.rows);
    ph_free(heap, session->logits);
    ph_free(heap, session->banned);
    ph_free(heap, session);
}

phial_status ph_session_set_sampling(ph_session *session,
                                     const phial_sampling *sampling)
{
    ph_stops *stops = NULL;
    phial_status status;

    if (sampling->n_stop)
        PH_TRY(ph_stops_new(session->heap, sampling->stop, sampling->n_stop,
                            &stops));
    status = ph_sampler_set(session->sampler, sampling);
    if (status < 0) {
        ph_stops_free(stops);
        return status;
    }
    ph_stops_free(session->stops);
    session->stops = stops;
    session->sampling_flags = sampling->flags;
    session->max_tokens = sampling->max_tokens;
    session->n_draws = 0;
    return PHIAL_OK;
}

phial_status ph_session_set_adapters(ph_session *session,
                                     const ph_adapter *const *adapters,
                                     const float *scales, size_t n)
{
    if (session->tokens.len)
        return ph_fail(PHIAL_E_STATE,
                       "adapters cannot change: the session holds %zu tokens; "
                       "rewind it to 0 first",
                       session->tokens.len);
    return ph_sequence_set_adapters(session->sequence, adapters, scales, n);
}

void ph_session_get_stats(const ph_session *session, phial_stats *stats)
{
    *stats = session->stats;
}
