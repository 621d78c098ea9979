/* SPDX-License-Identifier: MIT
 * Making a session hold a chat: what is already computed of it stays. */
#include "session/session_state.h"

static size_t common_prefix(const ph_tokens *a, const ph_tokens *b)
{
    size_t n = 0;

    while (n < a->len && n < b->len && a->data[n] == b->data[n])
        n++;
    return n;
}

/* Takes over prompt; cannot fail. The last token is always computed anew, since
 * its logits are needed. */
static void hold(ph_session *session, ph_tokens *prompt)
{
    size_t keep = common_prefix(&session->tokens, prompt);
    ph_tokens old = session->tokens;

    ph_session_drop_draft(session);
    if (keep == prompt->len && keep)
        keep--;
    session->tokens = *prompt;
    *prompt = old;
    if (keep < ph_sequence_length(session->sequence))
        ph_sequence_truncate(session->sequence, (uint32_t)keep);
    session->logits_len = 0;
    ph_session_end_turn(session);
    ph_session_choose_rope(session);
    session->stats.n_reused += ph_sequence_length(session->sequence);
}

phial_status ph_session_set_chat(ph_session *session, const ph_chat *chat)
{
    const ph_tokenizer *tokenizer = session->model->tokenizer;
    ph_tokens prompt = {.heap = session->heap};
    const ph_format *format;
    phial_status status;

    PH_TRY(ph_format_find(session->model->chat_template, tokenizer, &format));
    status = ph_chat_render_tokens(chat, format, tokenizer, PHIAL_TEXT_PROMPT,
                                   &prompt);
    if (status >= 0)
        status = ph_session_check_fit(session, 0, prompt.len);
    if (status >= 0)
        hold(session, &prompt);
    ph_tokens_free(&prompt);
    return status;
}
