/* SPDX-License-Identifier: MIT
 * Guesses change nothing but the time: a session that always guesses, rightly
 * or wrongly, beside one that never does. */
#include "session/session_state.h"
#include "session_cases.h"

enum { N_STEPS = 700, CONTEXT = 200 };

/* The same session twice. */
typedef struct twins {
    ph_session *plain, *bold;
    uint64_t n_drafted, n_accepted; /* of those before a fork */
} twins;

static ph_session *start_with(const world *w, ph_page_store *store, bool drafts)
{
    const ph_session_config config = {.n_context = CONTEXT,
                                      .cache_format = PHIAL_CACHE_F32,
                                      .n_prefill = 16,
                                      .is_private = !drafts,
                                      .no_drafts = !drafts,
                                      .store = store};
    ph_session *session = NULL;

    ck_status(ph_session_new(w->model, w->pool, &config, &session), PHIAL_OK);
    return session;
}

/* Passes seem to cost the same whatever is in them. */
static void make_bold(ph_session *session)
{
    for (int i = 0; i < PH_MAX_DRAFT + 2; i++)
        session->draft.pass_ns[i] = 1;
    session->draft.saved_ns = 0;
}

/* A text of four tokens repeats itself often, and not for long. */
static void choose_sampling(twins *t, uint64_t draw)
{
    static const phial_token ids[] = {20, 21, 22, 23};
    static const float values[] = {1000, 1000, 1000, 1000};
    phial_sampling s = {.flags = PHIAL_SAMPLING_IGNORE_EOS |
                                 PHIAL_SAMPLING_SEEDED |
                                 PHIAL_SAMPLING_LOGPROBS,
                        .seed = draw,
                        .temperature = (float)(draw % 3) * 0.4F,
                        .max_tokens = 40 + draw % 100,
                        .repeat_penalty = draw % 5 ? 0 : 1.2F,
                        .bias_tokens = ids,
                        .bias_values = values,
                        .n_bias = 4};

    ck_status(ph_session_set_sampling(t->plain, &s), PHIAL_OK);
    ck_status(ph_session_set_sampling(t->bold, &s), PHIAL_OK);
}

static void next_event(twins *t)
{
    phial_event a = {.text = ""}, b = {.text = ""};

    make_bold(t->bold);
    ck_status(ph_session_next(t->bold, &b), ph_session_next(t->plain, &a));
    ck_assert_uint_eq(a.text_len, b.text_len);
    ck_assert_mem_eq(a.text, b.text, a.text_len);
    ck_assert(a.kind == b.kind && a.token == b.token &&
              a.n_tokens == b.n_tokens && a.reason == b.reason &&
              memcmp(&a.logprob, &b.logprob, sizeof a.logprob) == 0);
}

static void same_logits(twins *t)
{
    const float *a = NULL, *b = NULL;
    size_t n = 0;

    ck_status(ph_session_get_logits(t->bold, &b, &n),
              ph_session_get_logits(t->plain, &a, &n));
    if (a) /* not cancelled */
        ck_assert_mem_eq(a, b, n * sizeof *a);
}

static void same_top(twins *t)
{
    phial_token a[5] = {0}, b[5] = {0};
    float x[5] = {0}, y[5] = {0};
    size_t n;

    ck_status(ph_session_get_top(t->bold, b, y, 5, &n),
              ph_session_get_top(t->plain, a, x, 5, &n));
    ck_assert_mem_eq(a, b, sizeof a);
    ck_assert_mem_eq(x, y, sizeof x);
}

static size_t same_tokens(twins *t, phial_token *a)
{
    phial_token b[CONTEXT];
    size_t n, m;

    ck_status(ph_session_get_tokens(t->plain, a, CONTEXT, &n), PHIAL_OK);
    ck_status(ph_session_get_tokens(t->bold, b, CONTEXT, &m), PHIAL_OK);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(a, b, n * sizeof *a);
    return n;
}

static void add_input(twins *t, uint64_t draw)
{
    phial_token tokens[6];
    const size_t n = 1 + draw % 6;

    for (size_t i = 0; i < n; i++)
        tokens[i] = (phial_token)(20 + (draw >> (8 + i)) % 4);
    ck_status(ph_session_add_tokens(t->bold, tokens, n),
              ph_session_add_tokens(t->plain, tokens, n));
}

static void rewind_to(twins *t, uint64_t draw)
{
    phial_token tokens[CONTEXT];
    size_t n = same_tokens(t, tokens);

    n = n > 8 ? n - draw % (n - 4) : n;
    ck_status(ph_session_rewind(t->plain, n), PHIAL_OK);
    ck_status(ph_session_rewind(t->bold, n), PHIAL_OK);
}

static void score(twins *t, uint64_t draw)
{
    const phial_token tokens[] = {20 + (phial_token)(draw % 4), 21, 22};
    float a[3] = {0}, b[3] = {0};

    ck_status(ph_session_score(t->bold, tokens, 3, b),
              ph_session_score(t->plain, tokens, 3, a));
    ck_assert_mem_eq(a, b, sizeof a);
}

static void step(twins *t)
{
    ph_step one = {0}, other = {0};

    make_bold(t->bold);
    ph_step_add(&one, t->plain);
    ph_step_add(&other, t->bold);
    ck_status(ph_step_run(&other), ph_step_run(&one));
}

/* Both of them in one pass. */
static void step_together(twins *t)
{
    ph_step both = {0};

    ph_step_add(&both, t->plain);
    ph_step_add(&both, t->bold);
    ck_status(ph_step_run(&both) < 0, false);
}

static ph_session *forked(ph_session *session)
{
    ph_session *copy = NULL;

    ck_status(ph_session_fork(session, &copy), PHIAL_OK);
    ph_session_free(session);
    return copy;
}

static void fork_both(twins *t)
{
    phial_stats stats;

    ph_session_get_stats(t->bold, &stats);
    t->n_drafted += stats.n_drafted;
    t->n_accepted += stats.n_accepted;
    t->plain = forked(t->plain);
    t->bold = forked(t->bold);
}

static void do_something(twins *t, uint64_t draw)
{
    switch (draw % 64) {
    case 0:
        choose_sampling(t, draw >> 8);
        break;
    case 1:
    case 2:
        add_input(t, draw >> 8);
        break;
    case 3:
    case 4:
        rewind_to(t, draw >> 8);
        break;
    case 5:
        score(t, draw >> 8);
        break;
    case 6:
        fork_both(t);
        break;
    case 7:
        ph_session_cancel(t->plain);
        ph_session_cancel(t->bold);
        break;
    case 8:
        step_together(t);
        break;
    case 9:
    case 10:
        step(t);
        break;
    case 11:
        same_logits(t);
        break;
    case 12:
    case 13:
        same_top(t);
        break;
    default:
        next_event(t);
    }
}

START_TEST(guesses_change_nothing)
{
    phial_token held[CONTEXT];
    ph_page_store *store;
    phial_stats stats;
    twins t = {0};
    world w;

    open_world(&w, (tiny_family)(_i % 4), _i < 4 ? PH_Q8_0 : PH_F32);
    ck_status(ph_page_store_new(&ph_libc_heap, 0, &store), PHIAL_OK);
    t.plain = start_with(&w, store, false);
    t.bold = start_with(&w, store, true);
    choose_sampling(&t, 1);
    add_input(&t, 77);
    for (uint64_t i = 0; i < N_STEPS; i++) {
        do_something(&t, tiny_random((uint64_t)_i, i));
        same_tokens(&t, held);
    }
    ph_session_get_stats(t.bold, &stats);
    t.n_drafted += stats.n_drafted;
    t.n_accepted += stats.n_accepted;
    ck_assert_uint_gt(t.n_accepted, 50);
    ck_assert_uint_gt(t.n_drafted, t.n_accepted + 50);
    ph_session_free(t.plain);
    ph_session_free(t.bold);
    ph_page_store_free(store);
    close_world(&w);
}
END_TEST

/* Passes of more tokens cost as much as several. */
static void make_dear(ph_session *session)
{
    for (int i = 0; i < PH_MAX_DRAFT + 2; i++)
        session->draft.pass_ns[i] = i;
}

/* Guesses promise much, but so many were wrong that all is lost that may be. */
static void make_poor(ph_session *session)
{
    make_bold(session);
    session->draft.saved_ns = -1e18;
}

/* Where they do not pay, or never did, none are made. */
START_TEST(nothing_is_guessed_that_would_not_pay)
{
    static void (*const makes[])(ph_session *) = {make_dear, make_poor};
    phial_stats stats;
    phial_event event;
    ph_page_store *store;
    twins t = {0};
    world w;

    open_world(&w, TINY_PHI4, PH_Q8_0);
    ck_status(ph_page_store_new(&ph_libc_heap, 0, &store), PHIAL_OK);
    t.plain = start_with(&w, store, false);
    t.bold = start_with(&w, store, true);
    choose_sampling(&t, 30);
    add_input(&t, 77);
    do
        makes[_i](t.bold);
    while (ph_session_next(t.bold, &event) == PHIAL_OK);
    ph_session_get_stats(t.bold, &stats);
    ck_assert_uint_eq(stats.n_drafted, 0);
    ph_session_free(t.plain);
    ph_session_free(t.bold);
    ph_page_store_free(store);
    close_world(&w);
}
END_TEST

TCase *drafts_case(void)
{
    TCase *t = tcase_create("drafts");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, guesses_change_nothing, 0, 8);
    tcase_add_loop_test(t, nothing_is_guessed_that_would_not_pay, 0, 2);
    return t;
}
