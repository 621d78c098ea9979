/* SPDX-License-Identifier: MIT
 * Chats: what was computed of them stays. */
#include "api_fixture.h"

static phial_stats stats_of(const phial_session *session)
{
    phial_stats stats = PHIAL_INIT(phial_stats);

    ck_status(phial_session_get_stats(session, &stats), PHIAL_OK);
    return stats;
}

START_TEST(the_next_turn_of_a_chat_reuses_all_that_was_said)
{
    phial_model *model = open_model(families[_i], 1);
    phial_session *session = new_session(model), *fresh = new_session(model);
    phial_chat *chat;
    phial_tokenizer *tokenizer;
    phial_token end;
    size_t n, n_first, n_logits;
    float *kept, *anew;
    phial_stats stats;

    ck_status(phial_chat_new(&chat), PHIAL_OK);
    ck_status(phial_model_get_tokenizer(model, &tokenizer), PHIAL_OK);
    end = phial_tokenizer_special(tokenizer, PHIAL_TOKEN_END_OF_TURN);
    ck_status(phial_chat_add(chat, PHIAL_ROLE_USER, "hi there", 8), PHIAL_OK);
    ck_status(phial_session_set_chat(session, chat), PHIAL_OK);
    set_sampling(session, only(&end));
    ck_assert_int_eq(run_turn(session).reason, PHIAL_STOP_EOS);
    free(held_tokens(session, &n_first));
    ck_status(phial_chat_add(chat, PHIAL_ROLE_ASSISTANT, "", 0), PHIAL_OK);
    ck_status(phial_chat_add(chat, PHIAL_ROLE_USER, "more", 4), PHIAL_OK);
    ck_status(phial_session_set_chat(session, chat), PHIAL_OK);
    ck_status(phial_session_set_chat(fresh, chat), PHIAL_OK);
    free(held_tokens(session, &n));
    ck_assert_uint_gt(n, n_first);
    stats = stats_of(session);
    ck_assert_uint_eq(stats.n_reused, n_first - 1); /* the end was not read */
    kept = next_logits(session, &n_logits);
    anew = next_logits(fresh, &n_logits);
    ck_assert_mem_eq(kept, anew, n_logits * sizeof *kept);
    stats = stats_of(session);
    ck_assert_uint_eq(stats.n_prompt + stats.n_reused, n + n_first - 1);
    ck_assert_uint_eq(stats_of(fresh).n_prompt, n);
    free(kept);
    free(anew);
    phial_chat_free(chat);
    phial_tokenizer_free(tokenizer);
    phial_session_free(session);
    phial_session_free(fresh);
    phial_model_free(model);
}
END_TEST

START_TEST(setting_the_same_chat_again_starts_the_turn_anew)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *session = new_session(model);
    phial_chat *chat;
    turn first, again;

    ck_status(phial_chat_new(&chat), PHIAL_OK);
    ck_status(phial_chat_add(chat, PHIAL_ROLE_USER, "hi", 2), PHIAL_OK);
    set_sampling(session, seeded(20));
    ck_status(phial_session_set_chat(session, chat), PHIAL_OK);
    first = run_turn(session);
    ck_status(phial_session_set_chat(session, chat), PHIAL_OK);
    again = run_turn(session);
    ck_assert_uint_eq(first.len, again.len);
    ck_assert_mem_eq(first.text, again.text, first.len);
    phial_chat_free(chat);
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

START_TEST(a_chat_that_does_not_fit_changes_nothing)
{
    phial_session *session = small_session(24);
    phial_chat *chat;
    phial_token ids[4] = {5, 6, 7, 8}, *held;
    size_t n;

    ck_status(phial_chat_new(&chat), PHIAL_OK);
    ck_status(phial_chat_add(chat, PHIAL_ROLE_USER, prompt, strlen(prompt)),
              PHIAL_OK);
    ck_status(phial_session_add_tokens(session, ids, 4), PHIAL_OK);
    ck_status(phial_session_set_chat(session, chat), PHIAL_E_CONTEXT);
    held = held_tokens(session, &n);
    ck_assert_uint_eq(n, 4);
    ck_assert_mem_eq(held, ids, sizeof ids);
    free(held);
    phial_chat_free(chat);
    phial_session_free(session);
}
END_TEST

TCase *chat_case(void)
{
    TCase *t = tcase_create("chats");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, the_next_turn_of_a_chat_reuses_all_that_was_said, 0,
                        N_FAMILIES);
    tcase_add_test(t, setting_the_same_chat_again_starts_the_turn_anew);
    tcase_add_test(t, a_chat_that_does_not_fit_changes_nothing);
    return t;
}
