/* SPDX-License-Identifier: MIT
 * Telling the host how far a session is with what it reads: a prompt, or, where
 * LongRoPE has it so, all that it holds once more. Tokens that it generates one
 * by one are not told of. */
#include "session/session_state.h"

static size_t left_of(const ph_session *session)
{
    const size_t held = session->tokens.len;

    return held - ph_min(held, ph_sequence_length(session->sequence));
}

static phial_status tell(const ph_session *session, size_t left)
{
    const ph_session_config *c = &session->config;
    const float fraction =
        (float)(1 - (double)left / (double)session->n_reading);

    if (c->progress && c->progress(c->progress_user, fraction) && left)
        return ph_fail(PHIAL_E_CANCELLED,
                       "given up by the progress hook with %zu of %zu tokens "
                       "to read",
                       left, session->n_reading);
    return PHIAL_OK;
}

phial_status ph_session_begin_reading(ph_session *session)
{
    const size_t left = left_of(session);
    phial_status status;

    if (session->n_reading || left <= 1)
        return PHIAL_OK;
    session->n_reading = left;
    status = tell(session, left);
    if (status < 0)
        session->n_reading = 0;
    return status;
}

phial_status ph_session_go_on_reading(ph_session *session)
{
    const size_t left = left_of(session);
    phial_status status;

    if (!session->n_reading)
        return PHIAL_OK;
    status = tell(session, left);
    if (status < 0 || !left)
        session->n_reading = 0;
    return status;
}
