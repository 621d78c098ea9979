/* SPDX-License-Identifier: MIT
 * Copying a session in the middle of whatever it does. Keys and values are
 * shared, the rest is small. */
#include "session/session_state.h"

/* Settings and history. */
static phial_status copy_input(ph_session *to, const ph_session *from)
{
    PH_TRY(ph_tokens_append(&to->tokens, from->tokens.data, from->tokens.len));
    PH_TRY(ph_sampler_copy(to->sampler, from->sampler));
    if (from->stops)
        PH_TRY(ph_stops_copy(from->stops, &to->stops));
    to->sampling_flags = from->sampling_flags;
    to->max_tokens = from->max_tokens;
    to->n_draws = from->n_draws;
    to->rope = from->rope;
    to->n_reading = from->n_reading;
    return PHIAL_OK;
}

/* The turn that is being generated, and the logits of its next token. */
static phial_status copy_turn(ph_session *to, const ph_session *from)
{
    ph_buf held = to->turn.held;

    PH_TRY(ph_buf_put(&held, from->turn.held.data, from->turn.held.len));
    to->turn = from->turn;
    to->turn.held = held;
    ph_draft_copy(&to->draft, &from->draft);
    to->stepped = from->stepped;
    to->failure = from->failure;
    to->logits_len = from->logits_len;
    if (from->logits_len)
        memcpy(to->logits, from->logits,
               from->model->hp.n_vocab * sizeof *to->logits);
    return PHIAL_OK;
}

phial_status ph_session_fork(const ph_session *session, ph_session **out)
{
    ph_session *copy;
    phial_status status;

    PH_TRY(ph_session_make(session->model, &session->config, &copy));
    status = copy_input(copy, session);
    if (status >= 0)
        status = copy_turn(copy, session);
    if (status >= 0)
        status = ph_sequence_fork(session->sequence, &copy->sequence);
    if (status < 0) {
        ph_session_free(copy);
        return status;
    }
    ph_sequence_truncate(copy->sequence,
                         (uint32_t)ph_session_computed(session));
    *out = copy;
    return PHIAL_OK;
}
