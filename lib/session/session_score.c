/* SPDX-License-Identifier: MIT
 * Looking at probabilities instead of sampling: logits, the likeliest tokens,
 * the score of a given continuation. */
#include "session/session_state.h"

enum { SCORE_STEP = 16 }; /* rows of logits kept at a time */

phial_status ph_session_get_logits(ph_session *session, const float **logits,
                                   size_t *n)
{
    PH_TRY(ph_session_take_cancel(session));
    if (!session->tokens.len)
        return ph_fail(PHIAL_E_STATE,
                       "an empty session has no logits; add input first");
    PH_TRY(ph_session_compute(session, SIZE_MAX));
    *logits = session->logits;
    *n = session->model->hp.n_vocab;
    return PHIAL_OK;
}

/* True if the logits are those from which the last token was sampled. */
static bool just_sampled(const ph_session *session)
{
    return session->turn.n_generated && session->logits_len &&
           session->logits_len + 1 == session->tokens.len;
}

phial_status ph_session_get_top(ph_session *session, phial_token *tokens,
                                float *logprobs, size_t cap, size_t *n)
{
    const float *logits = session->logits;
    size_t n_vocab = session->model->hp.n_vocab;
    double total;

    if (!just_sampled(session))
        PH_TRY(ph_session_get_logits(session, &logits, &n_vocab));
    cap = cap < n_vocab ? cap : n_vocab;
    total = ph_log_sum_exp(logits, n_vocab);
    ph_top_k(logits, n_vocab, cap, tokens, logprobs);
    for (size_t i = 0; i < cap; i++)
        logprobs[i] = (float)((double)logprobs[i] - total);
    *n = cap;
    return PHIAL_OK;
}

static float log_prob(const float *logits, size_t n_vocab, phial_token token)
{
    return (float)((double)logits[token] - ph_log_sum_exp(logits, n_vocab));
}

/* The tokens to score are held from index first on. rows has room for
 * SCORE_STEP rows of logits. */
static phial_status score_held(ph_session *s, size_t first, float *rows,
                               float *logprobs)
{
    size_t n_vocab = s->model->hp.n_vocab;
    size_t total = s->tokens.len;
    const phial_token *tokens = s->tokens.data;

    while (ph_sequence_length(s->sequence) < total) {
        size_t from = ph_sequence_length(s->sequence);
        size_t n = total - from < SCORE_STEP ? total - from : SCORE_STEP;

        n = n < s->config.n_prefill ? n : s->config.n_prefill;
        PH_TRY(ph_session_forward(s, (uint32_t)n, PH_LOGITS_ALL, rows));
        for (size_t i = 0; i < n && from + i + 1 < total; i++)
            if (from + i + 1 >= first)
                logprobs[from + i + 1 - first] =
                    log_prob(rows + i * n_vocab, n_vocab, tokens[from + i + 1]);
        memcpy(s->logits, rows + (n - 1) * n_vocab, n_vocab * sizeof *rows);
        s->logits_len = total; /* by the last pass */
    }
    return PHIAL_OK;
}

/* The scored tokens count as prompt, not as part of a running turn; that ends
 * only if all went well. */
static phial_status score(ph_session *s, const phial_token *tokens, size_t n,
                          float *rows, float *work)
{
    size_t first = s->tokens.len;
    bool active = s->turn.active;
    phial_status status;

    ph_session_drop_draft(s);
    PH_TRY(ph_tokens_append(&s->tokens, tokens, n));
    s->turn.active = false;
    status = ph_session_read_to(s, first ? first - 1 : 0);
    if (status >= 0)
        status = score_held(s, first, rows, work);
    if (status >= 0) {
        ph_session_end_turn(s);
        return PHIAL_OK;
    }
    s->turn.active = active;
    s->n_reading = 0;
    s->tokens.len = first;
    s->logits_len = 0;
    if (ph_sequence_length(s->sequence) > first)
        ph_sequence_truncate(s->sequence, (uint32_t)first);
    return status;
}

phial_status ph_session_score(ph_session *session, const phial_token *tokens,
                              size_t n, float *logprobs)
{
    size_t n_rows = n + 1 < SCORE_STEP ? n + 1 : SCORE_STEP;
    size_t row = session->model->hp.n_vocab * sizeof(float);
    phial_status status;
    float *rows, *work;

    PH_TRY(ph_session_take_cancel(session));
    PH_TRY(ph_session_check_tokens(session, tokens, n));
    PH_TRY(ph_session_check_fit(session, session->tokens.len, n));
    if (!n)
        return PHIAL_OK;
    rows = ph_alloc(session->heap, n_rows, row);
    work = ph_alloc(session->heap, n, sizeof *work);
    if (rows && work)
        status = score(session, tokens, n, rows, work);
    else
        status = ph_no_memory("scoring", n_rows * row);
    if (status >= 0)
        memcpy(logprobs, work, n * sizeof *work);
    ph_free(session->heap, rows);
    ph_free(session->heap, work);
    return status;
}
