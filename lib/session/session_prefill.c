/* SPDX-License-Identifier: MIT
 * Computing what is queued, in steps of at most n_prefill tokens. A step is
 * all or nothing: after an error or a cancellation the session stands behind
 * the last finished one and goes on from there with the same bits. */
#include "session/session_state.h"

#include "os/os.h"

void ph_session_cancel(ph_session *session)
{
    atomic_store(&session->cancel, 1);
}

phial_status ph_session_take_cancel(ph_session *session)
{
    if (atomic_exchange(&session->cancel, 0))
        return ph_fail(PHIAL_E_CANCELLED,
                       "cancelled by phial_session_cancel()");
    return PHIAL_OK;
}

/* Tokens of the running turn are decoding, all others prompt. */
phial_status ph_session_passed(ph_session *session, uint32_t n, uint64_t ns)
{
    const size_t from = ph_sequence_length(session->sequence) - n;

    if (!session->config.is_private)
        ph_sequence_share_pages(session->sequence, session->tokens.data,
                                (uint32_t)session->tokens.len);
    if (session->turn.active && from >= session->turn.start) {
        session->stats.decode_ns += ns;
    } else {
        session->stats.prefill_ns += ns;
        session->stats.n_prompt += n;
    }
    return ph_session_go_on_reading(session);
}

/* One forward pass over n tokens behind what is computed. */
static phial_status forward(ph_session *session, const phial_token *tokens,
                            uint32_t n, int want, float *logits)
{
    phial_status status;
    uint64_t begin, ns;

    PH_TRY(ph_session_begin_reading(session));
    begin = ph_now_ns();
    if (want != PH_LOGITS_NONE)
        session->logits_len = 0; /* about to be overwritten */
    status = ph_sequence_forward(session->sequence, tokens, n, session->rope,
                                 want, logits, &session->cancel);
    if (status == PHIAL_E_CANCELLED)
        return ph_session_take_cancel(session);
    PH_TRY(status);
    ns = ph_now_ns() - begin;
    if (session->turn.active)
        ph_draft_passed(&session->draft, n, ns);
    return ph_session_passed(session, n, ns);
}

phial_status ph_session_forward(ph_session *session, uint32_t n, int want,
                                float *logits)
{
    return forward(session,
                   session->tokens.data + ph_sequence_length(session->sequence),
                   n, want, logits);
}

/* The last token held, and n guesses behind it. */
static phial_status forward_draft(ph_session *session, uint32_t n)
{
    const size_t held = session->tokens.len;
    ph_draft *draft = &session->draft;
    phial_token tokens[PH_MAX_DRAFT + 1] = {session->tokens.data[held - 1]};

    memcpy(tokens + 1, draft->tokens, n * sizeof *tokens);
    PH_TRY(forward(session, tokens, n + 1, PH_LOGITS_ALL, draft->rows));
    draft->at = held;
    draft->n = n;
    session->stats.n_drafted += n;
    ph_session_settle(session);
    return PHIAL_OK;
}

/* The last token is computed in any case, since its logits are needed. */
size_t ph_session_left(ph_session *session)
{
    ph_sequence *sequence = session->sequence;
    const size_t total = session->tokens.len;
    uint32_t length;

    ph_session_settle(session);
    ph_session_choose_rope(session);
    if (!total || session->draft.n)
        return 0;
    if (ph_sequence_length(sequence) == total && session->logits_len != total)
        ph_sequence_truncate(sequence, (uint32_t)total - 1);
    length = ph_sequence_length(sequence);
    if (length < total && !session->config.is_private)
        session->stats.n_reused +=
            ph_sequence_take_pages(sequence, session->tokens.data,
                                   (uint32_t)total - 1, session->rope) -
            length;
    return total - ph_sequence_length(sequence);
}

phial_status ph_session_compute(ph_session *session, size_t max)
{
    size_t left;

    while (max && (left = ph_session_left(session)) > 0) {
        const uint32_t n_guesses = left == 1 ? ph_session_guess(session) : 0;
        size_t n = session->config.n_prefill;

        if (n_guesses)
            return forward_draft(session, n_guesses);
        n = n < left ? n : left;
        n = n < max ? n : max;
        PH_TRY(ph_session_forward(session, (uint32_t)n,
                                  n == left ? PH_LOGITS_LAST : PH_LOGITS_NONE,
                                  session->logits));
        if (n == left)
            session->logits_len = session->tokens.len;
        max -= n;
    }
    return PHIAL_OK;
}

phial_status ph_session_prefill(ph_session *session, size_t max_tokens,
                                size_t *left)
{
    PH_TRY(ph_session_take_cancel(session));
    PH_TRY(ph_session_compute(session, max_tokens));
    *left = ph_session_left(session);
    return PHIAL_OK;
}
