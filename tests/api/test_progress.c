/* SPDX-License-Identifier: MIT
 * The progress hook of a session: what it is told while a prompt is read and
 * when LongRoPE has all read again, and that it may give up at any time.
 */
#include "api_fixture.h"

enum { FIRST_CONTEXT = 64, N_PROMPT = 50, CHUNK = 16, MAX_TOLD = 64 };

typedef struct witness {
    float told[MAX_TOLD];
    int n, n_begun;
    int gives_up; /* at which call; 0: never */
    int n_given_up;
} witness;

static int32_t on_progress(void *user, float fraction)
{
    witness *w = user;

    ck_assert_int_lt(w->n, MAX_TOLD);
    ck_assert(fraction >= 0 && fraction <= 1);
    if (fraction == 0)
        w->n_begun++;
    else
        ck_assert_float_gt(fraction, w->told[w->n - 1]);
    w->told[w->n++] = fraction;
    if (w->n != w->gives_up)
        return 0;
    w->n_given_up += fraction < 1;
    return 1;
}

/* A session that crosses the first context when it has generated 15 tokens. */
static phial_session *watched(phial_model *model, witness *w)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_token ids[N_PROMPT];
    phial_session *session = NULL;

    for (int i = 0; i < N_PROMPT; i++)
        ids[i] = 10 + i;
    o.n_prefill = CHUNK;
    o.flags = PHIAL_SESSION_PRIVATE;
    o.progress = w ? on_progress : NULL;
    o.progress_user = w;
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    set_sampling(session, seeded(30));
    ck_status(phial_session_add_tokens(session, ids, N_PROMPT), PHIAL_OK);
    return session;
}

static void check_told(const witness *w, int from, int n, int all)
{
    for (int i = 0; i <= n; i++) {
        const int done = i * CHUNK < all ? i * CHUNK : all;

        ck_assert_float_eq(w->told[from + i],
                           (float)(1 - (double)(all - done) / (double)all));
    }
}

START_TEST(reading_is_told_from_0_to_1_each_time)
{
    phial_model *model = open_model("phi-4-mini", 1);
    witness w = {0};
    phial_session *session = watched(model, &w);
    phial_session *other = watched(model, NULL);
    turn got, want;
    size_t left;

    ck_status(phial_session_prefill(session, CHUNK, &left), PHIAL_OK);
    ck_assert_int_eq(w.n, 2);
    ck_status(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_OK);
    ck_assert_int_eq(w.n, 5);
    check_told(&w, 0, 4, N_PROMPT);
    got = run_turn(session);
    want = run_turn(other);
    ck_assert_uint_eq(got.logprob_bits, want.logprob_bits);
    ck_assert_int_eq(w.n_begun, 2);
    ck_assert_int_eq(w.n, 5 + 6);
    check_told(&w, 5, 5, FIRST_CONTEXT + 1);
    phial_session_free(session);
    phial_session_free(other);
    phial_model_free(model);
}
END_TEST

static void run_stepped(phial_session *const *sessions, size_t n, turn *turns)
{
    phial_status status;

    while ((status = phial_step(sessions, n)) == PHIAL_OK)
        for (size_t i = 0; i < n; i++) {
            const phial_status got = take_events(sessions[i], &turns[i]);

            ck_assert(got == PHIAL_PENDING || got == PHIAL_END ||
                      got == PHIAL_E_CANCELLED);
        }
    ck_status(status, PHIAL_END);
}

START_TEST(giving_up_at_any_time_changes_no_bit)
{
    phial_model *model = open_model("phi-4-mini", 2);
    phial_session *plain = watched(model, NULL);
    const turn want = run_turn(plain);
    int n_given_up = 0;

    for (int at = 1; at < 14; at++) {
        witness w = {.gives_up = at}, w2 = {.gives_up = 14 - at};
        phial_session *alone = watched(model, &w);
        phial_session *pair[] = {watched(model, &w2), watched(model, NULL)};
        turn got = {0}, pair_got[2] = {{.len = 0}, {.len = 0}};
        phial_status status;

        while ((status = take_events(alone, &got)) != PHIAL_END)
            ck_status(status, PHIAL_E_CANCELLED);
        run_stepped(pair, 2, pair_got);
        ck_assert_uint_eq(got.logprob_bits, want.logprob_bits);
        ck_assert_uint_eq(pair_got[0].logprob_bits, want.logprob_bits);
        ck_assert_uint_eq(pair_got[1].logprob_bits, want.logprob_bits);
        n_given_up += w.n_given_up + w2.n_given_up;
        phial_session_free(alone);
        phial_session_free(pair[0]);
        phial_session_free(pair[1]);
    }
    ck_assert_int_gt(n_given_up, 15);
    phial_session_free(plain);
    phial_model_free(model);
}
END_TEST

START_TEST(a_score_that_is_given_up_adds_nothing)
{
    phial_model *model = open_model("phi-4-mini", 1);
    witness w = {.gives_up = 3};
    phial_session *session = watched(model, &w);
    phial_token ids[N_PROMPT];
    float scores[N_PROMPT];
    size_t n;

    for (int i = 0; i < N_PROMPT; i++)
        ids[i] = 10 + i;
    ck_status(phial_session_score(session, ids, N_PROMPT, scores),
              PHIAL_E_CANCELLED);
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "progress hook"));
    ck_status(phial_session_get_tokens(session, NULL, 0, &n), PHIAL_E_BUFFER);
    ck_assert_uint_eq(n, N_PROMPT);
    ck_status(phial_session_score(session, ids, N_PROMPT, scores), PHIAL_OK);
    ck_assert_float_eq(w.told[w.n - 1], 1);
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("progress");
    TCase *t = tcase_create("progress");

    tcase_add_test(t, reading_is_told_from_0_to_1_each_time);
    tcase_add_test(t, giving_up_at_any_time_changes_no_bit);
    tcase_add_test(t, a_score_that_is_given_up_adds_nothing);
    suite_add_tcase(s, t);
    return s;
}

PH_CHECK_MAIN(suite())
