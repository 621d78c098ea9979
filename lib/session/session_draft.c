/* SPDX-License-Identifier: MIT
 * Speculation from the session's own text (Leviathan et al. 2023, "Fast
 * Inference from Transformers via Speculative Decoding"; Saxena 2023, "Prompt
 * Lookup Decoding"): what followed the last tokens when they stood in the text
 * before is guessed to follow again, and computed in the same pass. Each token
 * is still sampled from its own logits, in its turn; a guess that proves wrong
 * is forgotten. So nothing depends on guesses but the time, and they are made
 * only as far as they should save some. */
#include "session/session_state.h"

enum { LEAST_MATCH = 2, LONGEST_MATCH = 16 };

/* How much more a guess must promise than a pass of one token: the estimates
 * are rough. */
static const double margin = 1.03;

/* What wrong guesses may cost, as a share of the time of all passes; and how
 * many passes' worth of what was saved before may be lost besides. */
static const double most_lost = 0.01, most_kept = 4;

void ph_draft_init(ph_draft *draft)
{
    /* before anything was seen: the longer the match, the likelier */
    static const ph_odds odds[PH_N_ODDS] = {{0.4, 1}, {1, 1}, {2, 1}, {5, 1}};

    memcpy(draft->odds, odds, sizeof odds);
}

void ph_draft_copy(ph_draft *to, const ph_draft *from)
{
    memcpy(to->odds, from->odds, sizeof to->odds);
    memcpy(to->pass_ns, from->pass_ns, sizeof to->pass_ns);
    to->all_ns = from->all_ns;
    to->saved_ns = from->saved_ns;
}

static int class_of(size_t match)
{
    return match <= 2 ? 0 : match <= 4 ? 1 : match <= 8 ? 2 : 3;
}

/* How long the text before place at ends like the whole one of n tokens. */
static size_t match_at(const phial_token *tokens, size_t n, size_t at)
{
    size_t match = 0;

    while (match < LONGEST_MATCH && match < at &&
           tokens[at - 1 - match] == tokens[n - 1 - match])
        match++;
    return match;
}

/* The place that follows the longest, then latest, text which ends like the
 * whole one; 0: there is none. */
static size_t find_match(const phial_token *tokens, size_t n, size_t *longest)
{
    size_t found = 0;

    *longest = LEAST_MATCH - 1;
    for (size_t at = n - 1; at > 0 && *longest < LONGEST_MATCH; at--) {
        size_t match;

        if (tokens[at - 1] != tokens[n - 1])
            continue;
        match = match_at(tokens, n, at);
        if (match > *longest) {
            *longest = match;
            found = at;
        }
    }
    return found;
}

/* What a pass of so many tokens takes, as far as it was seen. */
static double cost_of(const ph_draft *draft, uint32_t n)
{
    return draft->pass_ns[n] > 0 ? draft->pass_ns[n]
                                 : draft->pass_ns[1] * (1 + 0.03 * (n - 1));
}

/* How many guesses, at most `most`, give the most tokens in a time if each
 * proves right with probability p. */
static uint32_t best_length(const ph_draft *draft, uint32_t most, double p)
{
    double best = margin / cost_of(draft, 1), tokens = 1, all_right = 1;
    uint32_t length = 0;

    for (uint32_t k = 1; k <= most; k++) {
        double rate;

        all_right *= p;
        tokens += all_right;
        rate = tokens / cost_of(draft, k + 1);
        if (rate > best) {
            best = rate;
            length = k;
        }
    }
    return length;
}

/* Guesses that can be of use: within the context, the turn and one pass; and
 * not beyond where LongRoPE has all read again. */
static uint32_t most_guesses(const ph_session *s)
{
    const ph_hparams *hp = &s->model->hp;
    const size_t n = s->tokens.len;
    size_t most = ph_min(PH_MAX_DRAFT, s->config.n_prefill - 1);

    most = ph_min(most, s->config.n_context - n);
    if (s->max_tokens)
        most = ph_min(most, (size_t)(s->max_tokens - s->turn.n_generated - 1));
    if (s->rope == PH_ROPE_SHORT && s->config.rope == PHIAL_ROPE_AUTO &&
        hp->longrope)
        most = ph_min(most, hp->n_context_original - n);
    return (uint32_t)most;
}

/* Whatever the estimates promise: the loss is bounded. */
static bool may_guess(const ph_session *session)
{
    const ph_draft *draft = &session->draft;

    return draft->rows && session->turn.active && draft->pass_ns[1] > 0 &&
           draft->saved_ns >= -most_lost * draft->all_ns;
}

uint32_t ph_session_guess(ph_session *session)
{
    ph_draft *draft = &session->draft;
    const phial_token *tokens = session->tokens.data;
    const size_t n = session->tokens.len;
    uint32_t length = may_guess(session) ? most_guesses(session) : 0;
    size_t match, from;

    if (!length)
        return 0;
    from = find_match(tokens, n, &match);
    if (!from)
        return 0;
    draft->class = class_of(match);
    length = best_length(draft, length,
                         draft->odds[draft->class].right /
                             (draft->odds[draft->class].right +
                              draft->odds[draft->class].wrong));
    for (uint32_t i = 0; i < length; i++)
        draft->tokens[i] =
            from + i < n ? tokens[from + i] : draft->tokens[from + i - n];
    return length;
}

/* Older passes count less: the text changes, and the cost grows with it. */
void ph_draft_passed(ph_draft *draft, uint32_t n, uint64_t ns)
{
    double *known;

    if (n > PH_MAX_DRAFT + 1)
        return;
    draft->last_ns = (double)ns;
    draft->all_ns += (double)ns;
    known = &draft->pass_ns[n];
    *known = *known > 0 ? 0.75 * *known + 0.25 * (double)ns : (double)ns;
    for (uint32_t i = 2; n == 1 && i <= PH_MAX_DRAFT + 1; i++)
        if (draft->pass_ns[i] > 0) /* or one that was slow is never tried */
            draft->pass_ns[i] =
                0.98 * draft->pass_ns[i] + 0.02 * draft->pass_ns[1];
}

/* Guesses that what the session holds has borne out. */
static uint32_t count_right(const ph_session *session)
{
    const ph_draft *draft = &session->draft;
    const ph_tokens *held = &session->tokens;
    uint32_t right = 0;

    while (right < draft->n && draft->at + right < held->len &&
           held->data[draft->at + right] == draft->tokens[right])
        right++;
    return right;
}

/* By what the pass took, not by what such passes are thought to take. More than
 * as many single ones is the machine's doing. */
static void keep_books(ph_draft *draft, uint32_t right)
{
    const double single = draft->pass_ns[1];
    const double most = (draft->n + 1) * single;

    draft->saved_ns +=
        (1 + right) * single - (draft->last_ns < most ? draft->last_ns : most);
    if (draft->saved_ns > most_kept * single)
        draft->saved_ns = most_kept * single;
}

static void end_draft(ph_session *session, uint32_t right)
{
    ph_draft *draft = &session->draft;
    ph_odds *odds = &draft->odds[draft->class];

    odds->right = 0.9 * odds->right + right;
    odds->wrong = 0.9 * odds->wrong + (right < draft->n);
    keep_books(draft, right);
    session->stats.n_accepted += right;
    ph_sequence_truncate(session->sequence, (uint32_t)draft->at + right);
    draft->n = 0;
}

void ph_session_settle(ph_session *session)
{
    const ph_draft *draft = &session->draft;
    const size_t n_vocab = session->model->hp.n_vocab;
    const size_t held = session->tokens.len;
    const uint32_t right = count_right(session);

    if (!draft->n)
        return;
    if (draft->at + right == held && session->logits_len != held) {
        memcpy(session->logits, draft->rows + right * n_vocab,
               n_vocab * sizeof *session->logits);
        session->logits_len = held;
    }
    if (draft->at + right < held || right == draft->n)
        end_draft(session, right);
}

void ph_session_drop_draft(ph_session *session)
{
    if (session->draft.n)
        end_draft(session, count_right(session));
}

size_t ph_session_computed(const ph_session *session)
{
    if (session->draft.n)
        return session->draft.at + count_right(session);
    return ph_sequence_length(session->sequence);
}
