/* SPDX-License-Identifier: MIT
 * The stream of events: text as soon as it is certain, then the stop. */
#include "session/session_state.h"

static phial_token last_token(const ph_session *session)
{
    return session->tokens.data[session->tokens.len - 1];
}

static phial_status give_text(ph_session *session, phial_event *event)
{
    ph_turn *turn = &session->turn;

    session->event_text.len = 0;
    PH_TRY(ph_buf_put(&session->event_text, turn->held.data, turn->safe));
    turn->held.len -= turn->safe;
    memmove(turn->held.data, turn->held.data + turn->safe, turn->held.len);
    turn->safe = 0;
    *event = (phial_event){.kind = PHIAL_EVENT_TEXT,
                           .token = last_token(session),
                           .n_tokens = turn->text.n_tokens,
                           .logprob = turn->text.logprob,
                           .text = session->event_text.data,
                           .text_len = session->event_text.len};
    turn->text = (ph_tally){0};
    return PHIAL_OK;
}

/* Tokens that gave no text are behind the stop. */
static void give_stop(ph_session *session, phial_event *event)
{
    ph_turn *turn = &session->turn;

    *event =
        (phial_event){.kind = PHIAL_EVENT_STOP,
                      .reason = turn->reason,
                      .token = last_token(session),
                      .n_tokens = turn->text.n_tokens + turn->stop.n_tokens,
                      .logprob = turn->text.logprob + turn->stop.logprob,
                      .text = ""};
    turn->text = (ph_tally){0};
    turn->stop = (ph_tally){0};
    turn->ended = true;
}

/* What a step met with is reported once, behind the text before it. */
static phial_status wait_for_step(ph_session *session)
{
    phial_status status = ph_failure_raise(&session->failure);

    session->failure.status = PHIAL_OK;
    return status < 0 ? status : PHIAL_PENDING;
}

phial_status ph_session_next(ph_session *session, phial_event *event)
{
    ph_turn *turn = &session->turn;

    if (!session->stepped)
        PH_TRY(ph_session_take_cancel(session));
    PH_TRY(ph_session_check_begun(session));
    for (;;) {
        if (turn->safe)
            return give_text(session, event);
        if (turn->ended)
            return PHIAL_END;
        if (turn->reason) {
            give_stop(session, event);
            return PHIAL_OK;
        }
        if (session->stepped)
            return wait_for_step(session);
        PH_TRY(ph_session_generate(session));
    }
}
