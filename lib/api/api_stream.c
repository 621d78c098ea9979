/* SPDX-License-Identifier: MIT
 * phial.h, Session: input and output; scoring. */
#include "api/handles.h"

phial_status phial_session_add_text(phial_session *session, const char *text,
                                    size_t len, uint32_t flags)
{
    ph_fpenv fp;
    ph_str str;

    PH_TRY(ph_check_text("text", text, len, &str));
    PH_TRY(ph_check_flags("flags", flags, PHIAL_TEXT_SPECIAL | PHIAL_TEXT_BOS));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp,
                            ph_session_add_text(session->core, str, flags));
}

phial_status phial_session_add_tokens(phial_session *session,
                                      const phial_token *tokens, size_t n)
{
    ph_fpenv fp;

    PH_TRY(ph_check_array("tokens", tokens, n));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp,
                            ph_session_add_tokens(session->core, tokens, n));
}

phial_status phial_session_set_chat(phial_session *session,
                                    const phial_chat *chat)
{
    phial_status status;
    ph_fpenv fp;

    PH_TRY(ph_enter_session(session, &fp));
    status = ph_enter_chat(chat);
    if (status >= 0)
        status =
            ph_leave_chat(chat, ph_session_set_chat(session->core, chat->core));
    return ph_leave_session(session, fp, status);
}

phial_status phial_session_prefill(phial_session *session, size_t max_tokens,
                                   size_t *left)
{
    ph_fpenv fp;

    PH_TRY(ph_check_pointer("left", left));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(
        session, fp, ph_session_prefill(session->core, max_tokens, left));
}

phial_status phial_session_next(phial_session *session, phial_event *event)
{
    phial_event e;
    phial_status status;
    ph_fpenv fp;

    PH_TRY(ph_struct_out_check("event", event, sizeof e));
    PH_TRY(ph_enter_session(session, &fp));
    status = ph_session_next(session->core, &e);
    if (status == PHIAL_OK)
        ph_struct_out(event, &e, sizeof e);
    return ph_leave_session(session, fp, status);
}

/* Neither the thread nor the use of the session matters here: this may run in
 * a signal handler, in the middle of another call. */
void phial_session_cancel(phial_session *session)
{
    if (session)
        ph_session_cancel(session->core);
}

phial_status phial_session_get_logits(phial_session *session,
                                      const float **logits, size_t *n)
{
    ph_fpenv fp;

    PH_TRY(ph_check_pointer("logits", logits));
    PH_TRY(ph_check_pointer("n", n));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp,
                            ph_session_get_logits(session->core, logits, n));
}

phial_status phial_session_get_rows(phial_session *session, size_t first,
                                    size_t n_tokens, float *buf, size_t cap,
                                    size_t *n)
{
    ph_fpenv fp;

    PH_TRY(ph_check_buffer(buf, cap, n));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(
        session, fp,
        ph_session_get_rows(session->core, first, n_tokens, buf, cap, n));
}

phial_status phial_session_get_top(phial_session *session, phial_token *tokens,
                                   float *logprobs, size_t cap, size_t *n)
{
    ph_fpenv fp;

    PH_TRY(ph_check_array("tokens", tokens, cap));
    PH_TRY(ph_check_array("logprobs", logprobs, cap));
    PH_TRY(ph_check_pointer("n", n));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(
        session, fp,
        ph_session_get_top(session->core, tokens, logprobs, cap, n));
}

phial_status phial_session_score(phial_session *session,
                                 const phial_token *tokens, size_t n,
                                 float *logprobs)
{
    ph_fpenv fp;

    PH_TRY(ph_check_array("tokens", tokens, n));
    PH_TRY(ph_check_array("logprobs", logprobs, n));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(
        session, fp, ph_session_score(session->core, tokens, n, logprobs));
}
