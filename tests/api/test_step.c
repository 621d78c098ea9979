/* SPDX-License-Identifier: MIT
 * phial_step and phial_session_fork: many sessions at once, each as if alone.
 */
#include "api_fixture.h"

#include <stdio.h>

enum { N_SESSIONS = 8, MAX_TURN = 24 };

/* Session i of a set: no two are alike in prompt, sampling and chunk. */
static phial_session *session_of(const phial_model *model, int i)
{
    static const uint32_t chunks[] = {0, 7, 64, 1, 16};
    static const int32_t formats[] = {PHIAL_CACHE_F32, PHIAL_CACHE_F16,
                                      PHIAL_CACHE_Q8};
    static const char *const stop[] = {"e"};
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_sampling s = seeded(MAX_TURN - (uint64_t)i);
    phial_session *session = NULL;

    o.n_prefill = chunks[i % 5];
    o.cache_format = formats[i % 3];
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    s.seed = (uint64_t)i;
    s.temperature = i % 4 == 3 ? 0 : 1;
    if (i % 4 == 1) {
        s.stop = stop;
        s.n_stop = 1;
    }
    set_sampling(session, s);
    ck_status(phial_session_add_text(session, prompt,
                                     strlen(prompt) / (1 + (size_t)i % 3), 0),
              PHIAL_OK);
    return session;
}

static void check_same(const turn *got, const turn *want, int i)
{
    ck_assert_msg(got->len == want->len &&
                      memcmp(got->text, want->text, want->len) == 0,
                  "session %d: \"%s\", alone \"%s\"", i, got->text, want->text);
    ck_assert_uint_eq(got->n_tokens, want->n_tokens);
    ck_assert_uint_eq(got->n_events, want->n_events);
    ck_assert_uint_eq(got->logprob_bits, want->logprob_bits);
    ck_assert_int_eq(got->reason, want->reason);
}

/* Steps until all turns are over; interrupts as many sessions as it can. */
static void step_all(phial_session **sessions, turn *turns, bool cancel)
{
    size_t n_cancelled = 0, n_steps = 0;

    phial_status status;

    while ((status = phial_step(sessions, N_SESSIONS)) == PHIAL_OK) {
        for (int i = 0; i < N_SESSIONS; i++) {
            const phial_status got = take_events(sessions[i], &turns[i]);

            n_cancelled += got == PHIAL_E_CANCELLED;
            if (got < 0)
                ck_status(got, PHIAL_E_CANCELLED);
            else
                ck_status(got, turns[i].reason ? PHIAL_END : PHIAL_PENDING);
        }
        if (cancel && n_steps++ % 2)
            phial_session_cancel(sessions[n_steps / 2 % N_SESSIONS]);
    }
    ck_status(status, PHIAL_END);
    if (cancel)
        ck_assert_uint_gt(n_cancelled, 5);
}

START_TEST(a_step_gives_each_session_what_it_has_alone)
{
    phial_model *model = open_model(families[_i % 4], 1 + (uint32_t)_i % 3);
    phial_session *sessions[N_SESSIONS];
    static turn turns[N_SESSIONS], alone[N_SESSIONS];

    memset(turns, 0, sizeof turns);
    for (int i = 0; i < N_SESSIONS; i++) {
        phial_session *session = session_of(model, i);

        alone[i] = run_turn(session);
        phial_session_free(session);
        sessions[i] = session_of(model, i);
    }
    step_all(sessions, turns, _i >= 4);
    for (int i = 0; i < N_SESSIONS; i++) {
        check_same(&turns[i], &alone[i], i);
        phial_session_free(sessions[i]);
    }
    phial_model_free(model);
}
END_TEST

/* A session may be stepped in one turn and run alone in the next, and a prompt
 * may be begun alone. */
START_TEST(turns_alone_and_turns_stepped_follow_each_other)
{
    phial_session *one = prepared("phi-4-mini", 2, 16);
    phial_session *other = prepared("phi-4-mini", 1, 0);
    turn a = {.len = 0}, b = run_turn(other);
    size_t left;

    ck_status(phial_session_prefill(one, 20, &left), PHIAL_OK);
    while (phial_step(&one, 1) == PHIAL_OK)
        continue;
    ck_status(take_events(one, &a), PHIAL_END);
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_mem_eq(a.text, b.text, a.len);
    ck_status(phial_session_add_text(one, " More", 5, 0), PHIAL_OK);
    ck_status(phial_session_add_text(other, " More", 5, 0), PHIAL_OK);
    a = run_turn(one);
    b = run_turn(other);
    check_same(&a, &b, 0);
    phial_session_free(one);
    phial_session_free(other);
}
END_TEST

START_TEST(what_a_step_refuses)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *s[] = {session_of(model, 0), session_of(model, 1),
                          prepared("phi-4-mini", 1, 0), NULL};
    phial_session *twice[] = {s[0], s[1], s[0]};
    phial_event event = PHIAL_INIT(phial_event);

    ck_status(phial_step(NULL, 1), PHIAL_E_ARGUMENT);
    ck_status(phial_step(NULL, 0), PHIAL_END);
    ck_status(phial_step(s, 4), PHIAL_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "sessions[2]"));
    ck_status(phial_step(s + 3, 1), PHIAL_E_ARGUMENT);
    ck_status(phial_step(twice, 3), PHIAL_E_ARGUMENT);
    ck_assert_ptr_nonnull(
        strstr(phial_last_error(), "sessions[2] is sessions[0] once more"));
    ck_status(phial_step(s, 2), PHIAL_OK); /* nothing is left in use */
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "once more"));
    ck_status(phial_session_next(s[0], &event), PHIAL_PENDING);
    for (int i = 0; i < 3; i++)
        phial_session_free(s[i]);
    phial_model_free(model);
}
END_TEST

START_TEST(a_session_that_fails_says_so_and_the_others_carry_on)
{
    phial_model *model = open_model("phi-4-mini", 2);
    phial_session *s[] = {new_session(model), session_of(model, 1)};
    phial_event event = PHIAL_INIT(phial_event);
    turn t = {.len = 0};

    while (phial_step(s, 2) == PHIAL_OK && !t.reason) {
        ck_status(phial_session_next(s[0], &event), PHIAL_E_STATE);
        ck_assert_ptr_nonnull(strstr(phial_last_error(), "no tokens"));
        ck_status(phial_session_next(s[0], &event), PHIAL_E_STATE);
        take_events(s[1], &t);
    }
    ck_assert_int_ne(t.reason, 0);
    phial_session_free(s[0]);
    phial_session_free(s[1]);
    phial_model_free(model);
}
END_TEST

/* ---- Forks ------------------------------------------------------------- */

START_TEST(a_fork_goes_on_as_its_origin_does)
{
    phial_session *session = prepared(families[_i], 2, 16), *copy = NULL;
    phial_event event = PHIAL_INIT(phial_event);
    phial_session *alone = prepared(families[_i], 1, 0);
    const turn whole = run_turn(alone);
    turn a = {.len = 0};

    phial_session_free(alone);
    for (int cut = 0;; cut++) {
        turn b;

        ck_status(phial_session_fork(session, &copy), PHIAL_OK);
        b = a;
        ck_status(take_events(copy, &b), PHIAL_END);
        check_same(&b, &whole, cut);
        phial_session_free(copy);
        if (phial_session_next(session, &event) == PHIAL_END)
            break;
        add_event(&a, &event);
    }
    check_same(&a, &whole, -1);
    phial_session_free(session);
}
END_TEST

/* Branches that are written at the same time, from a point within a page. */
START_TEST(branches_do_not_disturb_each_other)
{
    phial_session *trunk = prepared(families[_i], 2, 0);
    phial_session *branches[N_SESSIONS];
    static turn turns[N_SESSIONS];
    size_t left;

    memset(turns, 0, sizeof turns);
    ck_status(phial_session_prefill(trunk, SIZE_MAX, &left), PHIAL_OK);
    for (uint64_t i = 0; i < N_SESSIONS; i++) {
        phial_sampling s = seeded(20);

        ck_status(phial_session_fork(trunk, &branches[i]), PHIAL_OK);
        s.seed = i;
        set_sampling(branches[i], s);
    }
    phial_session_free(trunk);
    step_all(branches, turns, false);
    for (uint64_t i = 0; i < N_SESSIONS; i++) {
        phial_session *alone = prepared(families[_i], 1, 0);
        phial_sampling s = seeded(20);
        turn t;

        s.seed = i;
        set_sampling(alone, s);
        t = run_turn(alone);
        check_same(&turns[i], &t, (int)i);
        phial_session_free(alone);
        phial_session_free(branches[i]);
    }
}
END_TEST

/* ---- Shared beginnings ------------------------------------------------- */

static phial_stats stats_of(const phial_session *session)
{
    phial_stats stats = PHIAL_INIT(phial_stats);

    ck_status(phial_session_get_stats(session, &stats), PHIAL_OK);
    return stats;
}

static phial_session *reader(const phial_model *model, uint32_t flags)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_session *session = NULL;

    o.flags = flags;
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    set_sampling(session, seeded(10));
    ck_status(phial_session_add_text(session, prompt, strlen(prompt), 0),
              PHIAL_OK);
    return session;
}

START_TEST(what_one_session_read_another_reuses_unless_it_is_private)
{
    phial_model *model = open_model(families[_i], 1);
    phial_session *a = reader(model, 0), *b = reader(model, 0);
    phial_session *c = reader(model, PHIAL_SESSION_PRIVATE);
    turn first = run_turn(a), t;

    t = run_turn(b);
    check_same(&t, &first, 1);
    ck_assert_uint_gt(stats_of(b).n_reused, 0);
    ck_assert_uint_eq(stats_of(b).n_reused % 64, 0);
    ck_assert_uint_eq(stats_of(b).n_reused + stats_of(b).n_prompt,
                      stats_of(a).n_prompt);
    t = run_turn(c);
    check_same(&t, &first, 2);
    ck_assert_uint_eq(stats_of(c).n_reused, 0);
    phial_session_free(a);
    phial_session_free(b);
    a = reader(model, 0); /* they are gone, and c shares nothing */
    run_turn(a);
    ck_assert_uint_eq(stats_of(a).n_reused, 0);
    phial_session_free(a);
    phial_session_free(c);
    phial_model_free(model);
}
END_TEST

START_TEST(within_a_limit_what_was_read_is_kept)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_memory memory = PHIAL_INIT(phial_memory);
    phial_model *model;
    phial_session *session;
    uint64_t n_reused;
    size_t left;

    o.cache_limit = 1 << 24;
    ck_status(phial_model_open(model_path("phi-4"), &o, &model), PHIAL_OK);
    session = reader(model, 0);
    run_turn(session);
    phial_session_free(session);
    ck_status(phial_model_get_memory(model, &memory), PHIAL_OK);
    ck_assert_uint_gt(memory.cache, 0);
    ck_assert_uint_le(memory.cache, o.cache_limit);
    session = reader(model, 0);
    run_turn(session);
    n_reused = stats_of(session).n_reused;
    ck_assert_uint_gt(n_reused, 0);
    phial_session_free(session);
    phial_model_free(model);

    o.cache_limit = 1000;
    ck_status(phial_model_open(model_path("phi-4"), &o, &model), PHIAL_OK);
    session = reader(model, 0);
    ck_status(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_E_MEMORY);
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "limit of 1000"));
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("step");
    TCase *t = tcase_create("step");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_step_gives_each_session_what_it_has_alone, 0, 8);
    tcase_add_test(t, turns_alone_and_turns_stepped_follow_each_other);
    tcase_add_test(t, what_a_step_refuses);
    tcase_add_test(t, a_session_that_fails_says_so_and_the_others_carry_on);
    tcase_add_loop_test(t, a_fork_goes_on_as_its_origin_does, 0, N_FAMILIES);
    tcase_add_loop_test(t, branches_do_not_disturb_each_other, 0, N_FAMILIES);
    tcase_add_loop_test(
        t, what_one_session_read_another_reuses_unless_it_is_private, 0,
        N_FAMILIES);
    tcase_add_test(t, within_a_limit_what_was_read_is_kept);
    suite_add_tcase(s, t);
    return s;
}

PH_CHECK_MAIN(suite())
