/* SPDX-License-Identifier: MIT
 * session_state.h - what a session is made of; private to lib/session. */
#ifndef PH_SESSION_STATE_H
#define PH_SESSION_STATE_H

#include "session/session.h"

/* Tokens that an event has to account for. */
typedef struct ph_tally {
    uint32_t n_tokens;
    float logprob;
} ph_tally;

/* The assistant's turn that is being generated. Input of any kind ends it. */
typedef struct ph_turn {
    bool active;    /* start and decoder are set */
    bool ended;     /* the stop event was delivered */
    int32_t reason; /* PHIAL_STOP_*, 0 while it goes on */
    size_t start;   /* index of the first generated token */
    uint64_t n_generated;
    ph_decoder decoder;
    ph_buf held;   /* text not delivered yet */
    size_t safe;   /* how much of it no stop text can claim any more */
    ph_tally text; /* tokens behind held */
    ph_tally stop; /* the end token, which belongs to the stop event */
} ph_turn;

enum { PH_MAX_DRAFT = 7, PH_N_ODDS = 4 };

typedef struct ph_odds {
    double right, wrong;
} ph_odds;

/* Guesses, computed ahead of what the session holds. */
typedef struct ph_draft {
    size_t at;  /* tokens held when they were made */
    uint32_t n; /* 0: there are none */
    phial_token tokens[PH_MAX_DRAFT];
    float *rows; /* logits behind those tokens, and behind each guess; NULL:
                    nothing is ever guessed */
    int class;   /* which odds are theirs */
    ph_odds odds[PH_N_ODDS];
    double pass_ns[PH_MAX_DRAFT + 2]; /* by tokens in a pass; 0: not known */
    double last_ns;                   /* of the pass that computed them */
    double all_ns;                    /* of all passes of turns */
    double saved_ns;                  /* by guesses; below 0: lost */
} ph_draft;

struct ph_session {
    const ph_model *model;
    const ph_heap *heap;
    ph_session_config config; /* resolved */
    ph_sequence *sequence;

    /* Everything the session holds. The sequence has computed the first
     * ph_session_computed() of them; the rest is queued. */
    ph_tokens tokens;
    int rope;         /* PH_ROPE_*: how the sequence was read */
    size_t n_reading; /* tokens that reading began with; 0: nothing is read */

    float *logits;     /* n_vocab of them */
    size_t logits_len; /* they follow this many tokens; 0: there are none */

    ph_sampler *sampler;
    uint64_t *banned;
    ph_stops *stops; /* NULL: none */
    uint32_t sampling_flags;
    uint64_t max_tokens;
    uint64_t n_draws;

    ph_draft draft;
    ph_turn turn;
    ph_buf event_text; /* what the last event borrows */
    phial_stats stats;
    atomic_int cancel;

    /* Of ph_step_run. */
    bool stepped;       /* who advances the turn */
    ph_session *after;  /* the next one of the step */
    uint32_t n_step;    /* tokens that it takes in */
    bool answers;       /* its next token is due */
    ph_part part;       /* its part of a pass */
    ph_failure failure; /* what ph_session_next has to report */
};

/* ---- session_setup.c --------------------------------------------------- */

/* A session without a sequence. */
phial_status ph_session_make(const ph_model *model,
                             const ph_session_config *resolved,
                             ph_session **out);

/* ---- session_queue.c --------------------------------------------------- */

/* Input was added or history cut: the next token begins a new turn. */
void ph_session_end_turn(ph_session *session);

/* PHIAL_E_STATE if the session holds nothing to go on from. */
phial_status ph_session_check_begun(const ph_session *session);

/* PHIAL_E_CONTEXT unless n more tokens fit behind the first held ones. */
phial_status ph_session_check_fit(const ph_session *session, size_t held,
                                  size_t n);

phial_status ph_session_check_tokens(const ph_session *session,
                                     const phial_token *tokens, size_t n);

/* ---- session_rope.c ---------------------------------------------------- */

/* Sees to it that what is computed was read with the factors that everything
 * held calls for; otherwise all of it is queued again. */
void ph_session_choose_rope(ph_session *session);

/* ---- session_prefill.c ------------------------------------------------- */

/* PHIAL_E_CANCELLED, once, if a cancellation waits. */
phial_status ph_session_take_cancel(ph_session *session);

/* The sequence has taken in n tokens, which took so long. */
phial_status ph_session_passed(ph_session *session, uint32_t n, uint64_t ns);

/* Sees to it that the first token that is not computed is the next to compute,
 * rotary factors and pages of others considered. Returns how many there are. */
size_t ph_session_left(ph_session *session);

/* One forward pass over the next n queued tokens. */
phial_status ph_session_forward(ph_session *session, uint32_t n, int want,
                                float *logits);

/* Computes at most max queued tokens. Once all are, logits are those after the
 * last one. */
phial_status ph_session_compute(ph_session *session, size_t max);

/* ---- session_rows.c ---------------------------------------------------- */

/* Sees to it that just the first n tokens held are computed. */
phial_status ph_session_read_to(ph_session *session, size_t n);

/* ---- session_progress.c ------------------------------------------------ */

/* Before a pass: tells the progress hook of a beginning, if there is more than
 * a token to read. PHIAL_E_CANCELLED if the hook says so, here and below. */
phial_status ph_session_begin_reading(ph_session *session);

/* After a pass. */
phial_status ph_session_go_on_reading(ph_session *session);

/* ---- session_draft.c --------------------------------------------------- */

void ph_draft_init(ph_draft *draft);

/* What was learned, not the guesses. */
void ph_draft_copy(ph_draft *to, const ph_draft *from);

/* Makes guesses for behind the last token held, in draft->tokens, as many as
 * should save time; returns how many. */
uint32_t ph_session_guess(ph_session *session);

/* A pass over n tokens of a turn took so long. */
void ph_draft_passed(ph_draft *draft, uint32_t n, uint64_t ns);

/* Compares guesses with what the session holds by now: logits are those behind
 * it, if a guess was right; wrong ones are forgotten. */
void ph_session_settle(ph_session *session);

/* Forgets guesses: the sequence is what the session holds, or its beginning. To
 * be called before that is shortened. */
void ph_session_drop_draft(ph_session *session);

/* How many of the tokens held are computed. */
size_t ph_session_computed(const ph_session *session);

/* ---- session_generate.c ------------------------------------------------ */

/* Begins a turn if there is none. *full: the context is, and the turn ends. */
phial_status ph_session_begin_turn(ph_session *session, bool *full);

/* Takes in the token that the logits give. */
phial_status ph_session_sample(ph_session *session);

/* Generates one token, or finds that the turn is over. */
phial_status ph_session_generate(ph_session *session);

#endif /* PH_SESSION_STATE_H */
