/* SPDX-License-Identifier: MIT
 * chat: OpenAI-shaped messages and tools: what is read, ignored and refused. */
#include "chat/messages.h"
#include "chat_tests.h"

#include <stdio.h>

/* The prompt of messages in JSON, in the format of Phi-4-mini. */
static void expect_text(const char *json, const char *expected)
{
    ph_chat *chat = new_chat();
    ph_buf out;

    ck_status(ph_chat_add_json(chat, ph_str_of(json)), PHIAL_OK);
    out = render(chat, "phi-4-mini", PHIAL_TEXT_PROMPT);
    ck_assert_str_eq(out.data, expected);
    ph_buf_free(&out);
    ph_chat_free(chat);
}

START_TEST(one_message_or_a_list_is_read)
{
    expect_text("{\"role\":\"user\",\"content\":\"a\"}",
                "<|user|>a<|end|><|assistant|>");
    expect_text("[]", "<|assistant|>");
    expect_text("[{\"content\":\"a\",\"role\":\"user\"},"
                "{\"role\":\"assistant\",\"content\":\"b\"}]",
                "<|user|>a<|end|><|assistant|>b<|end|><|assistant|>");
}
END_TEST

START_TEST(roles_have_their_other_names)
{
    expect_text("{\"role\":\"developer\",\"content\":\"a\"}",
                "<|system|>a<|end|><|assistant|>");
    expect_text("{\"role\":\"function\",\"name\":\"f\",\"content\":\"a\"}",
                "<|tool_response|>a<|end|><|assistant|>");
}
END_TEST

START_TEST(unknown_fields_are_ignored)
{
    expect_text("{\"role\":\"user\",\"content\":\"a\",\"name\":\"n\",\"x\":[{"
                "\"role\":\"system\"}],\"refusal\":null,\"tool_calls\":null,"
                "\"audio\":null}",
                "<|user|>a<|end|><|assistant|>");
    expect_text("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                "\"a\",\"cache_control\":{\"type\":\"ephemeral\"}}]}",
                "<|user|>a<|end|><|assistant|>");
    expect_text("{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[]}",
                "<|assistant|>a<|end|><|assistant|>");
}
END_TEST

/* An assistant's message with one call of these arguments. */
static void expect_arguments(const char *arguments, const char *expected)
{
    char json[500], text[500];

    snprintf(json, sizeof json,
             "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":"
             "\"function\",\"function\":{\"name\":\"f\",\"arguments\":%s}}]}",
             arguments);
    snprintf(text, sizeof text,
             "<|assistant|><|tool_call|>[{\"name\": \"f\", \"arguments\": %s}]"
             "<|/tool_call|><|end|><|assistant|>",
             expected);
    expect_text(json, text);
}

START_TEST(arguments_are_an_object_or_its_text)
{
    expect_arguments("{\"a\":[1,2.50,\"\\u00e9\"]}",
                     "{\"a\": [1, 2.50, \"\xc3\xa9\"]}");
    expect_arguments("\"{\\\"a\\\":1}\"", "{\"a\": 1}");
    expect_arguments("\" [1 ,2] \"", "[1, 2]");
    expect_arguments("\"\"", "{}");
    expect_arguments("null", "{}");
}
END_TEST

START_TEST(arguments_that_are_no_json_stay_a_string)
{
    ph_fail(PHIAL_E_IO, "an earlier error");
    expect_arguments("\"{a\\n\"", "\"{a\\n\"");
    ck_assert_str_eq(ph_error_text(), "an earlier error");
}
END_TEST

START_TEST(a_call_may_be_the_function_alone)
{
    expect_text("{\"role\":\"assistant\",\"content\":\"So: \",\"tool_calls\":["
                "{\"name\":\"f\"},{\"name\":\"g\",\"arguments\":{}}]}",
                "<|assistant|>So: <|tool_call|>[{\"name\": \"f\", "
                "\"arguments\": {}}, {\"name\": \"g\", \"arguments\": {}}]"
                "<|/tool_call|><|end|><|assistant|>");
}
END_TEST

/* Nothing is added by a list with something wrong in it. */
static void refuse(const char *json, phial_status status, const char *sentence)
{
    ph_chat *chat = new_chat();
    char list[1000];

    ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, PH_STR("a")), PHIAL_OK);
    snprintf(list, sizeof list, "[{\"role\":\"user\",\"content\":\"b\"},%s]",
             json);
    ck_status(ph_chat_add_json(chat, ph_str_of(list)), status);
    ck_assert_msg(strstr(ph_error_text(), "message 1: ") != NULL &&
                      strstr(ph_error_text(), sentence) != NULL,
                  "%s: %s", json, ph_error_text());
    ck_assert_uint_eq(chat->n_messages, 1);
    ph_chat_free(chat);
}

START_TEST(malformed_messages_are_refused)
{
    static const char *const cases[][2] = {
        {"1", "is no object"},
        {"null", "is no object"},
        {"[]", "is no object"},
        {"\"user\"", "is no object"},
        {"{}", "\"role\" is missing"},
        {"{\"role\":null}", "\"role\" is missing"},
        {"{\"role\":1}", "no string"},
        {"{\"role\":\"user\"}", "\"content\" is missing or null"},
        {"{\"role\":\"user\",\"content\":null}", "missing or null"},
        {"{\"role\":\"assistant\"}", "missing or null"},
        {"{\"role\":\"assistant\",\"tool_calls\":[]}", "missing or null"},
        {"{\"role\":\"user\",\"content\":1}", "neither a string nor a list"},
        {"{\"role\":\"user\",\"content\":{}}", "neither a string nor a list"},
        {"{\"role\":\"user\",\"content\":[1]}", "a part of \"content\""},
        {"{\"role\":\"user\",\"content\":[{}]}", "has no \"type\""},
        {"{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}", "\"text\""},
        {"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}",
         "\"text\""},
        {"{\"role\":\"user\",\"content\":\"\",\"tool_calls\":[{}]}",
         "only an assistant"},
        {"{\"role\":\"assistant\",\"tool_calls\":{}}", "no list"},
        {"{\"role\":\"assistant\",\"tool_calls\":[1]}", "no object"},
        {"{\"role\":\"assistant\",\"tool_calls\":[{}]}", "\"name\""},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"name\":1}]}", "\"name\""},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"id\":1}]}", "\"id\""},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"function\":1}]}",
         "\"function\""},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"name\":\"f\","
         "\"arguments\":1}]}",
         "\"arguments\""},
        {"{\"role\":\"tool\",\"content\":\"\"}", "has no \"tool_call_id\""},
        {"{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":1}",
         "is no string"},
        {"{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"1\"}",
         "is not the \"id\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(cases[i][0], PHIAL_E_FORMAT, cases[i][1]);
}
END_TEST

START_TEST(messages_that_we_cannot_honour_are_refused)
{
    refuse("{\"role\":\"critic\",\"content\":\"\"}", PHIAL_E_UNSUPPORTED,
           "none of system, developer, user");
    refuse("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
           "\"image_url\":{\"url\":\"x\"}}]}",
           PHIAL_E_UNSUPPORTED, "images");
}
END_TEST

START_TEST(results_name_a_call_of_the_last_assistant_message)
{
    static const char start[] =
        "[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"name\":\"f\"}"
        ",{\"id\":\"b\",\"name\":\"f\"},{\"name\":\"no_id\"}]},{\"role\":"
        "\"tool\",\"tool_call_id\":\"b\",\"content\":\"\"}]";
    static const char a[] =
        "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"\"}";
    static const char c[] =
        "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"\"}";
    ph_chat *chat = new_chat();

    ck_status(ph_chat_add_json(chat, PH_STR(start)), PHIAL_OK);
    ck_status(ph_chat_add_json(chat, PH_STR(c)), PHIAL_E_FORMAT);
    ck_status(ph_chat_add_json(chat, PH_STR(a)), PHIAL_OK);
    ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, PH_STR("x")), PHIAL_OK);
    ck_status(ph_chat_add_json(chat, PH_STR(a)), PHIAL_E_FORMAT);
    ck_assert_uint_eq(chat->n_messages, 4);
    ph_chat_free(chat);
}
END_TEST

START_TEST(too_many_calls_or_tools_are_refused)
{
    ph_chat *chat = new_chat();
    ph_buf calls = {.heap = &ph_libc_heap}, tools = {.heap = &ph_libc_heap};

    ph_buf_puts(&calls, "{\"role\":\"assistant\",\"tool_calls\":[");
    ph_buf_puts(&tools, "[");
    for (int i = 0; i <= PH_CHAT_MAX_CALLS; i++) {
        ph_buf_puts(&calls, i ? ",{\"name\":\"f\"}" : "{\"name\":\"f\"}");
        ph_buf_puts(&tools, i ? ",{\"name\":\"f\"}" : "{\"name\":\"f\"}");
    }
    ph_buf_puts(&calls, "]}");
    ph_buf_puts(&tools, "]");
    ck_status(ph_chat_add_json(chat, (ph_str){calls.data, calls.len}),
              PHIAL_E_MEMORY);
    ck_status(ph_chat_set_tools(chat, (ph_str){tools.data, tools.len}),
              PHIAL_E_MEMORY);
    ck_assert_uint_eq(chat->n_messages + chat->tools.len, 0);
    ph_buf_free(&calls);
    ph_buf_free(&tools);
    ph_chat_free(chat);
}
END_TEST

START_TEST(tools_replace_the_ones_before)
{
    static const char *const none[] = {"[]", "null"};
    ph_chat *chat = new_chat();

    for (int i = 0; i < 2; i++) {
        ck_status(ph_chat_set_tools(chat, PH_STR("[{\"name\":\"f\"}]")),
                  PHIAL_OK);
        ck_status(ph_chat_set_tools(chat, PH_STR("[ {\"type\":\"function\","
                                                 "\"function\":{\"name\":\"g\","
                                                 "\"strict\":true} } ]")),
                  PHIAL_OK);
        ck_assert_str_eq(chat->tools.data,
                         "[{\"name\": \"g\", \"strict\": true}]");
        ck_status(ph_chat_set_tools(chat, PH_STR("[1]")), PHIAL_E_FORMAT);
        ck_assert_uint_ne(chat->tools.len, 0);
        ck_status(ph_chat_set_tools(chat, ph_str_of(none[i])), PHIAL_OK);
        ck_assert_uint_eq(chat->tools.len, 0);
    }
    ph_chat_free(chat);
}
END_TEST

START_TEST(malformed_tools_are_refused)
{
    static const struct {
        const char *json;
        phial_status status;
        const char *sentence;
    } cases[] = {
        {"{}", PHIAL_E_FORMAT, "no list"},
        {"[1]", PHIAL_E_FORMAT, "tool 0: is no object"},
        {"[{}]", PHIAL_E_FORMAT, "tool 0: \"name\""},
        {"[{\"name\":\"f\"},{\"name\":\"\"}]", PHIAL_E_FORMAT, "tool 1:"},
        {"[{\"name\":1}]", PHIAL_E_FORMAT, "\"name\""},
        {"[{\"function\":1}]", PHIAL_E_FORMAT, "\"function\" is no object"},
        {"[{\"type\":\"function\",\"function\":{}}]", PHIAL_E_FORMAT,
         "\"name\""},
        {"[{\"type\":\"custom\",\"custom\":{}}]", PHIAL_E_UNSUPPORTED,
         "\"type\" is not \"function\""},
        {"[", PHIAL_E_FORMAT, "tools: the JSON ends at byte 1"},
    };
    ph_chat *chat = new_chat();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_status(ph_chat_set_tools(chat, ph_str_of(cases[i].json)),
                  cases[i].status);
        ck_assert_msg(strstr(ph_error_text(), cases[i].sentence) != NULL, "%s",
                      ph_error_text());
    }
    ck_assert_uint_eq(chat->tools.len, 0);
    ph_chat_free(chat);
}
END_TEST

TCase *message_tests(void)
{
    TCase *t = tcase_create("messages");

    tcase_add_test(t, one_message_or_a_list_is_read);
    tcase_add_test(t, roles_have_their_other_names);
    tcase_add_test(t, unknown_fields_are_ignored);
    tcase_add_test(t, arguments_are_an_object_or_its_text);
    tcase_add_test(t, arguments_that_are_no_json_stay_a_string);
    tcase_add_test(t, a_call_may_be_the_function_alone);
    tcase_add_test(t, malformed_messages_are_refused);
    tcase_add_test(t, messages_that_we_cannot_honour_are_refused);
    tcase_add_test(t, results_name_a_call_of_the_last_assistant_message);
    tcase_add_test(t, too_many_calls_or_tools_are_refused);
    tcase_add_test(t, tools_replace_the_ones_before);
    tcase_add_test(t, malformed_tools_are_refused);
    return t;
}
