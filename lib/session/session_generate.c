/* SPDX-License-Identifier: MIT
 * One token at a time: sample, decode, apply the stop rules. A token is taken
 * in whole or not at all. */
#include "session/session_state.h"

/* Text that directly follows a control token begins a text of its own, which
 * is how SentencePiece knows to drop the space it put in front. */
static void begin_turn(ph_session *session)
{
    const ph_tokenizer *tokenizer = session->model->tokenizer;
    ph_turn *turn = &session->turn;
    phial_token before = session->tokens.data[session->tokens.len - 1];

    ph_decoder_init(&turn->decoder, tokenizer, 0);
    turn->decoder.at_start =
        turn->decoder.at_start &&
        ph_tokenizer_kind(tokenizer, before) == PH_TOKEN_CONTROL;
    turn->start = session->tokens.len;
    turn->active = true;
}

/* How much of the held text may go out, and whether a stop text ends it. */
static void scan_stops(ph_session *session, bool last)
{
    ph_turn *turn = &session->turn;

    turn->safe = turn->held.len;
    if (!session->stops || !turn->held.len)
        return;
    if (ph_stops_scan(session->stops, turn->held.data, turn->held.len,
                      &turn->safe)) {
        turn->held.len = turn->safe;
        turn->reason = PHIAL_STOP_TEXT;
    } else if (last) {
        turn->safe = turn->held.len;
    }
}

/* Decodes token, if there is one, behind the held text; last also ends an
 * incomplete character. On error nothing has changed. */
static phial_status decode(ph_turn *turn, phial_token token, bool last)
{
    ph_decoder decoder = turn->decoder;
    size_t len = turn->held.len;
    phial_status status = PHIAL_OK;

    if (token != PHIAL_NO_TOKEN)
        status = ph_decoder_push(&decoder, token, &turn->held);
    if (status >= 0 && last)
        status = ph_decoder_flush(&decoder, &turn->held);
    if (status < 0)
        turn->held.len = len;
    else
        turn->decoder = decoder;
    return status;
}

static void add_to_tally(ph_tally *tally, float logprob)
{
    tally->n_tokens++;
    tally->logprob += logprob;
}

static phial_status take(ph_session *session, phial_token token, float logprob)
{
    ph_turn *turn = &session->turn;
    bool ends = ph_tokenizer_is_end(session->model->tokenizer, token) &&
                !(session->sampling_flags & PHIAL_SAMPLING_IGNORE_EOS);
    bool full =
        session->max_tokens && turn->n_generated + 1 >= session->max_tokens;

    PH_TRY(ph_tokens_reserve(&session->tokens, 1));
    PH_TRY(decode(turn, ends ? PHIAL_NO_TOKEN : token, ends || full));
    session->tokens.data[session->tokens.len++] = token;
    session->n_draws++;
    session->stats.n_generated++;
    turn->n_generated++;
    add_to_tally(ends ? &turn->stop : &turn->text, logprob);
    if (ends)
        turn->reason = PHIAL_STOP_EOS;
    else if (full)
        turn->reason = PHIAL_STOP_LENGTH;
    scan_stops(session, ends || full);
    return PHIAL_OK;
}

static phial_status pick(ph_session *session, phial_token *token,
                         float *logprob)
{
    bool seeded = session->sampling_flags & PHIAL_SAMPLING_SEEDED;
    bool wanted = session->sampling_flags & PHIAL_SAMPLING_LOGPROBS;

    /* With a seed the draw is a function of the place, so that a history that
     * was rewound, saved or built otherwise gives the same text. */
    *logprob = 0;
    return ph_sampler_pick(session->sampler, session->logits,
                           session->tokens.data, session->tokens.len,
                           session->turn.start,
                           seeded ? session->tokens.len : session->n_draws,
                           token, wanted ? logprob : NULL);
}

phial_status ph_session_begin_turn(ph_session *session, bool *full)
{
    if (!session->turn.active)
        begin_turn(session);
    *full = session->tokens.len >= session->config.n_context;
    if (!*full)
        return PHIAL_OK;
    PH_TRY(decode(&session->turn, PHIAL_NO_TOKEN, true));
    session->turn.reason = PHIAL_STOP_CONTEXT;
    scan_stops(session, true);
    return PHIAL_OK;
}

phial_status ph_session_sample(ph_session *session)
{
    phial_token token;
    float logprob;

    PH_TRY(pick(session, &token, &logprob));
    return take(session, token, logprob);
}

phial_status ph_session_generate(ph_session *session)
{
    bool full;

    PH_TRY(ph_session_begin_turn(session, &full));
    if (full)
        return PHIAL_OK;
    PH_TRY(ph_session_compute(session, SIZE_MAX));
    return ph_session_sample(session);
}
