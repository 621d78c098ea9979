/* SPDX-License-Identifier: MIT
 * Which rotary factors a LongRoPE model's sequence is read with. Keys and
 * values read with one set are useless to the other, since every layer's input
 * depends on it, so that crossing means to read everything again. */
#include "session/session_state.h"

static int wanted_rope(const ph_session *session)
{
    const ph_hparams *hp = &session->model->hp;

    if (!hp->longrope || session->config.rope == PHIAL_ROPE_SHORT)
        return PH_ROPE_SHORT;
    if (session->config.rope == PHIAL_ROPE_LONG)
        return PH_ROPE_LONG;
    return ph_rope_for(hp, session->tokens.len);
}

void ph_session_choose_rope(ph_session *session)
{
    int rope = wanted_rope(session);

    if (rope == session->rope)
        return;
    ph_session_drop_draft(session);
    session->rope = rope;
    session->logits_len = 0;
    session->n_reading = 0;
    if (!ph_sequence_length(session->sequence))
        return;
    ph_log_line(session->config.log, PHIAL_LOG_INFO,
                "LongRoPE: %zu tokens with an original context of %u: reading "
                "them again with %s factors",
                session->tokens.len, session->model->hp.n_context_original,
                rope == PH_ROPE_LONG ? "long" : "short");
    ph_sequence_truncate(session->sequence, 0);
}
