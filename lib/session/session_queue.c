/* SPDX-License-Identifier: MIT
 * What a session holds: adding input to the queue, cutting history. Nothing is
 * computed here. */
#include "session/session_state.h"

void ph_session_end_turn(ph_session *session)
{
    ph_buf held = session->turn.held;

    held.len = 0;
    session->turn = (ph_turn){.held = held};
    session->n_reading = 0;
    session->stepped = false;
    session->failure.status = PHIAL_OK;
}

phial_status ph_session_check_begun(const ph_session *session)
{
    if (session->tokens.len)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_STATE,
                   "the session holds no tokens; add text or a chat first");
}

phial_status ph_session_check_fit(const ph_session *session, size_t held,
                                  size_t n)
{
    if (n > session->config.n_context - held)
        return ph_fail(PHIAL_E_CONTEXT,
                       "%zu tokens do not fit: the session holds %zu of at "
                       "most %u",
                       n, held, session->config.n_context);
    return PHIAL_OK;
}

phial_status ph_session_check_tokens(const ph_session *session,
                                     const phial_token *tokens, size_t n)
{
    uint32_t n_vocab = session->model->hp.n_vocab;

    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= n_vocab)
            return ph_fail(PHIAL_E_ARGUMENT,
                           "tokens[%zu] is %d, the vocabulary has 0 to %u", i,
                           (int)tokens[i], n_vocab - 1);
    return PHIAL_OK;
}

static phial_status queue(ph_session *session, const phial_token *tokens,
                          size_t n)
{
    PH_TRY(ph_session_check_fit(session, session->tokens.len, n));
    PH_TRY(ph_tokens_append(&session->tokens, tokens, n));
    if (n)
        ph_session_end_turn(session);
    return PHIAL_OK;
}

phial_status ph_session_add_tokens(ph_session *session,
                                   const phial_token *tokens, size_t n)
{
    PH_TRY(ph_session_check_tokens(session, tokens, n));
    return queue(session, tokens, n);
}

phial_status ph_session_add_text(ph_session *session, ph_str text,
                                 uint32_t flags)
{
    ph_tokens tokens = {.heap = session->heap};
    phial_status status;

    status = ph_tokenizer_encode(session->model->tokenizer, text.data, text.len,
                                 flags, &tokens);
    if (status >= 0)
        status = queue(session, tokens.data, tokens.len);
    ph_tokens_free(&tokens);
    return status;
}

phial_status ph_session_get_tokens(const ph_session *session, phial_token *buf,
                                   size_t cap, size_t *n)
{
    return ph_give(session->tokens.data, session->tokens.len,
                   sizeof *session->tokens.data, buf, cap, n);
}

phial_status ph_session_rewind(ph_session *session, size_t n)
{
    if (n > session->tokens.len)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "cannot rewind to %zu tokens: the session holds %zu", n,
                       session->tokens.len);
    ph_session_drop_draft(session);
    if (n < ph_sequence_length(session->sequence))
        ph_sequence_truncate(session->sequence, (uint32_t)n);
    if (n < session->tokens.len)
        ph_session_end_turn(session);
    session->tokens.len = n;
    if (session->logits_len > n)
        session->logits_len = 0;
    return PHIAL_OK;
}
