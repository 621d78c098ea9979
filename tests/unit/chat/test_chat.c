/* SPDX-License-Identifier: MIT
 * chat: plain messages, and every allocation failed in turn. */
#include "chat/messages.h"
#include "chat_tests.h"
#include "support/failing_heap.h"

START_TEST(messages_hold_any_characters)
{
    static const char text[] = "a\0b\xf0\x9f\x99\x82\xe2\x80\xa8";
    ph_chat *chat = new_chat();
    ph_buf out;

    ck_status(
        ph_chat_add(chat, PHIAL_ROLE_USER, (ph_str){text, sizeof text - 1}),
        PHIAL_OK);
    ck_status(ph_chat_add(chat, PHIAL_ROLE_ASSISTANT, (ph_str){NULL, 0}),
              PHIAL_OK);
    out = render(chat, "phi-4-mini", 0);
    ck_assert_uint_eq(out.len, 8 + sizeof text - 1 + 7 + 13 + 7 + 13);
    ck_assert_mem_eq(out.data + 8, text, sizeof text - 1);
    ph_buf_free(&out);
    ph_chat_free(chat);
}
END_TEST

START_TEST(messages_are_copied)
{
    char text[] = "hello";
    ph_chat *chat = new_chat();
    ph_buf out;

    ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, ph_str_of(text)), PHIAL_OK);
    text[0] = 'j';
    out = render(chat, "phi-4-mini", PHIAL_TEXT_PROMPT);
    ck_assert_str_eq(out.data, "<|user|>hello<|end|><|assistant|>");
    ph_buf_free(&out);
    ph_chat_free(chat);
}
END_TEST

START_TEST(unknown_roles_are_refused)
{
    static const int32_t roles[] = {0, 5, -1, INT32_MIN, INT32_MAX};
    ph_chat *chat = new_chat();

    for (size_t i = 0; i < 5; i++)
        ck_status(ph_chat_add(chat, roles[i], PH_STR("x")), PHIAL_E_ARGUMENT);
    ck_assert_uint_eq(chat->n_messages, 0);
    ph_chat_free(chat);
    ph_chat_free(NULL);
}
END_TEST

START_TEST(invalid_utf8_is_refused_with_its_place)
{
    static const ph_str bad[] = {
        {"abc\x80", 4},     {"abc\xff", 4},
        {"abc\xc0\x80", 5}, {"abc\xed\xa0\x80", 6},
        {"abc\xe2\x82", 5}, {"abc\xf8", 4},
        {"abc\xc1\xbf", 5}, {"abc\xf4\x90\x80\x80", 7},
    };
    ph_chat *chat = new_chat();

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, bad[i]), PHIAL_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(ph_error_text(), "at byte 3"));
    }
    ck_assert_uint_eq(chat->n_messages, 0);
    ph_chat_free(chat);
}
END_TEST

START_TEST(a_message_has_a_largest_size)
{
    size_t size = (size_t)PH_CHAT_MAX_BYTES + 1;
    char *text = malloc(size);
    ph_chat *chat = new_chat();

    memset(text, 'x', size);
    ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, (ph_str){text, size}),
              PHIAL_E_MEMORY);
    ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, (ph_str){text, size - 1}),
              PHIAL_OK);
    free(text);
    ph_chat_free(chat);
}
END_TEST

START_TEST(a_chat_has_a_largest_number_of_messages)
{
    ph_chat *chat = new_chat();

    for (int i = 0; i < PH_CHAT_MAX_MESSAGES; i++)
        ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, PH_STR("")), PHIAL_OK);
    ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, PH_STR("")), PHIAL_E_MEMORY);
    ph_chat_free(chat);
}
END_TEST

/* The tokenizer has a heap of its own; all else comes from this one. */
static phial_status use_everything(void *user, const ph_heap *heap)
{
    static const char messages[] =
        "[{\"role\":\"system\",\"content\":\"s\\n\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},"
        "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"function\":"
        "{\"name\":\"f\",\"arguments\":\"{\\\"x\\\": [1, {}]}\"}},"
        "{\"id\":\"2\",\"function\":{\"name\":\"g\",\"arguments\":\"no\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":\"r\"}]";
    ph_chat *chat = NULL;
    ph_buf text = {.heap = heap};
    ph_tokens tokens = {.heap = heap};
    const ph_format *f = ph_format_by_name("phi-4-mini");
    phial_status status = ph_chat_new(heap, &chat);

    if (status == PHIAL_OK)
        status = ph_chat_add(chat, PHIAL_ROLE_USER, PH_STR("hello"));
    if (status == PHIAL_OK) {
        status = ph_chat_add_json(chat, PH_STR(messages));
        if (status < 0)
            ck_assert_uint_eq(chat->n_messages, 1);
    }
    if (status == PHIAL_OK)
        status = ph_chat_set_tools(
            chat, PH_STR("[{\"name\":\"f\",\"parameters\":{\"a\":[\"b\"]}}]"));
    if (status == PHIAL_OK)
        status = ph_chat_render_text(chat, f, PHIAL_TEXT_PROMPT, &text);
    if (status == PHIAL_OK)
        status = ph_chat_render_tokens(chat, f, user, 0, &tokens);
    ph_chat_free(chat);
    ph_buf_free(&text);
    ph_tokens_free(&tokens);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    const ph_tokenizer *tokenizer = tiny_tokenizer(PH_VOCAB_PHI4_MINI);
    size_t n_points = 0;

    ck_assert_uint_eq(
        failing_heap_loop(use_everything, (void *)tokenizer, &n_points), 0);
    ck_assert_uint_ge(n_points, 60);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("chat");
    TCase *t = tcase_create("plain");

    tcase_add_test(t, messages_hold_any_characters);
    tcase_add_test(t, messages_are_copied);
    tcase_add_test(t, unknown_roles_are_refused);
    tcase_add_test(t, invalid_utf8_is_refused_with_its_place);
    tcase_add_test(t, a_message_has_a_largest_size);
    tcase_add_test(t, a_chat_has_a_largest_number_of_messages);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    suite_add_tcase(s, format_tests());
    suite_add_tcase(s, injection_tests());
    suite_add_tcase(s, message_tests());
    return s;
}

PH_CHECK_MAIN(suite())
