/* SPDX-License-Identifier: MIT
 * Generation through the public header: events and what ends a turn. */
#include "api_fixture.h"

static void decode_tail(const phial_session *session, phial_model *model,
                        size_t from, turn *out)
{
    phial_tokenizer *tokenizer;
    size_t n;
    phial_token *tokens = held_tokens(session, &n);

    ck_status(phial_model_get_tokenizer(model, &tokenizer), PHIAL_OK);
    out->n_tokens = (uint32_t)(n - from);
    ck_status(phial_tokenizer_decode(tokenizer, tokens + from, n - from, 0,
                                     out->text, sizeof out->text, &out->len),
              PHIAL_OK);
    phial_tokenizer_free(tokenizer);
    free(tokens);
}

START_TEST(events_are_whole_characters_and_account_for_every_token)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *session = new_session(model);
    phial_event event = PHIAL_INIT(phial_event);
    turn t = {0}, whole = {0};
    size_t before;

    ck_status(phial_session_add_text(session, "Hello", 5, 0), PHIAL_OK);
    free(held_tokens(session, &before));
    set_sampling(session, seeded(200));
    while (phial_session_next(session, &event) == PHIAL_OK) {
        ck_assert(is_whole_utf8(event.text, event.text_len));
        memcpy(t.text + t.len, event.text, event.text_len);
        t.len += event.text_len;
        t.n_tokens += event.n_tokens;
    }
    ck_assert_int_eq(event.kind, PHIAL_EVENT_STOP);
    ck_assert_int_eq(event.reason, PHIAL_STOP_LENGTH);
    ck_assert_int_eq(phial_session_next(session, &event), PHIAL_END);
    decode_tail(session, model, before, &whole);
    ck_assert_uint_eq(whole.n_tokens, 200);
    ck_assert_uint_eq(t.n_tokens, 200);
    ck_assert_uint_eq(t.len, whole.len);
    ck_assert_mem_eq(t.text, whole.text, t.len);
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

START_TEST(a_stop_text_is_never_emitted_wherever_it_lies)
{
    phial_session *session = session_with("Hello");
    phial_sampling s = seeded(60);
    size_t n, n_tried = 0;
    turn all;

    free(held_tokens(session, &n));
    set_sampling(session, s);
    all = run_turn(session);
    for (size_t at = 0; at + 12 < all.len; at += 5) {
        for (size_t len = 1; len <= 12; len += 3) {
            char stop[16] = {0};
            const char *texts[2] = {"\x01never\x01", stop};
            const char *found;
            turn t;

            memcpy(stop, all.text + at, len);
            if (!is_whole_utf8(stop, len) || strlen(stop) != len)
                continue;
            found = strstr(all.text, stop);
            s.stop = texts;
            s.n_stop = 2;
            set_sampling(session, s);
            ck_status(phial_session_rewind(session, n), PHIAL_OK);
            t = run_turn(session);
            ck_assert_int_eq(t.reason, PHIAL_STOP_TEXT);
            ck_assert_uint_eq(t.len, (size_t)(found - all.text));
            ck_assert_mem_eq(t.text, all.text, t.len);
            n_tried++;
        }
    }
    ck_assert_uint_gt(n_tried, 10);
    phial_session_free(session);
}
END_TEST

START_TEST(text_held_back_for_a_stop_text_comes_out_at_the_end)
{
    phial_session *session = session_with("Hello");
    phial_sampling s = seeded(60);
    char stop[MAX_TEXT];
    const char *texts[1] = {stop};
    size_t n, tail;
    turn all, t;

    free(held_tokens(session, &n));
    set_sampling(session, s);
    all = run_turn(session);
    tail = all.len < 40 ? all.len : 40;
    while (!is_whole_utf8(all.text + all.len - tail, tail))
        tail--;
    memcpy(stop, all.text + all.len - tail, tail);
    memcpy(stop + tail, "!!", 3); /* all of it may become the stop text */
    s.stop = texts;
    s.n_stop = 1;
    set_sampling(session, s);
    ck_status(phial_session_rewind(session, n), PHIAL_OK);
    t = run_turn(session);
    ck_assert_int_eq(t.reason, PHIAL_STOP_LENGTH);
    ck_assert_uint_eq(t.len, all.len);
    ck_assert_mem_eq(t.text, all.text, t.len);
    ck_assert_uint_eq(t.n_tokens, 60);
    phial_session_free(session);
}
END_TEST

START_TEST(a_full_context_stops_the_turn_and_refuses_input)
{
    phial_session *session = small_session(16);
    phial_token ids[17] = {0};
    turn t;
    size_t n;

    for (int i = 0; i < 17; i++)
        ids[i] = i + 1;
    ck_status(phial_session_add_tokens(session, ids, 17), PHIAL_E_CONTEXT);
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "17"));
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "16"));
    ck_status(phial_session_add_tokens(session, ids, 10), PHIAL_OK);
    ck_status(phial_session_add_tokens(session, ids, 7), PHIAL_E_CONTEXT);
    ck_status(phial_session_score(session, ids, 7, (float[7]){0}),
              PHIAL_E_CONTEXT);
    set_sampling(session, just(0));
    t = run_turn(session);
    ck_assert_int_eq(t.reason, PHIAL_STOP_CONTEXT);
    ck_assert_uint_eq(t.n_tokens, 6);
    free(held_tokens(session, &n));
    ck_assert_uint_eq(n, 16);
    ck_status(phial_session_rewind(session, 3), PHIAL_OK);
    ck_status(phial_session_add_tokens(session, ids, 13), PHIAL_OK);
    ck_assert_int_eq(run_turn(session).reason, PHIAL_STOP_CONTEXT);
    phial_session_free(session);
}
END_TEST

START_TEST(every_end_token_ends_the_turn_and_stays_in_the_history)
{
    static const int32_t kinds[] = {PHIAL_TOKEN_EOS, PHIAL_TOKEN_END_OF_TURN};
    phial_model *model = open_model(families[_i], 1);
    phial_session *session = new_session(model);
    phial_tokenizer *tokenizer;

    ck_status(phial_model_get_tokenizer(model, &tokenizer), PHIAL_OK);
    for (size_t i = 0; i < 2; i++) {
        phial_token end = phial_tokenizer_special(tokenizer, kinds[i]);
        phial_sampling s = only(&end);
        phial_token *tokens;
        size_t n;
        turn t;

        ck_assert_int_ne(end, PHIAL_NO_TOKEN);
        ck_status(phial_session_add_text(session, "a", 1, 0), PHIAL_OK);
        set_sampling(session, s);
        t = run_turn(session);
        ck_assert(t.reason == PHIAL_STOP_EOS && t.len == 0 && t.n_tokens == 1);
        tokens = held_tokens(session, &n);
        ck_assert_int_eq(tokens[n - 1], end);
        free(tokens);
        s.flags = PHIAL_SAMPLING_IGNORE_EOS;
        s.max_tokens = 3;
        ck_status(phial_session_add_text(session, "a", 1, 0), PHIAL_OK);
        set_sampling(session, s);
        t = run_turn(session);
        ck_assert(t.reason == PHIAL_STOP_LENGTH && t.len == 0);
        ck_assert_uint_eq(t.n_tokens, 3);
    }
    phial_tokenizer_free(tokenizer);
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

static TCase *event_case(void)
{
    TCase *t = tcase_create("events");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, events_are_whole_characters_and_account_for_every_token);
    tcase_add_test(t, a_stop_text_is_never_emitted_wherever_it_lies);
    tcase_add_test(t, text_held_back_for_a_stop_text_comes_out_at_the_end);
    tcase_add_test(t, a_full_context_stops_the_turn_and_refuses_input);
    tcase_add_loop_test(t,
                        every_end_token_ends_the_turn_and_stays_in_the_history,
                        0, N_FAMILIES);
    return t;
}

static Suite *suite(void)
{
    Suite *s = suite_create("generate");

    suite_add_tcase(s, event_case());
    suite_add_tcase(s, bits_case());
    suite_add_tcase(s, chat_case());
    suite_add_tcase(s, score_case());
    return s;
}

PH_CHECK_MAIN(suite())
