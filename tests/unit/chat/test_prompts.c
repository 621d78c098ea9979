/* SPDX-License-Identifier: MIT
 * chat: formats against Jinja's rendering of the published templates
 * (tests/golden/make_chat_goldens.py), as text and as tokens. */
#include "chat/format.h"
#include "chat_tests.h"

#include <jansson.h>

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_ALLOW_NUL, &error);

    ck_assert_msg(json != NULL, "%s:%d: %s", path, error.line, error.text);
    return json;
}

static ph_str string_of(const json_t *object, const char *key)
{
    const json_t *s = json_object_get(object, key);

    return (ph_str){json_string_value(s), json_string_length(s)};
}

START_TEST(published_templates_are_recognised)
{
    json_t *entries = load("tests/golden/chat_templates.json"), *entry;
    size_t i, n = 0;

    json_array_foreach(entries, i, entry)
    {
        ph_str text = string_of(entry, "text");
        const ph_format *f = ph_format_by_name(string_of(entry, "format").data);
        const ph_format *found = NULL;

        ck_assert_ptr_nonnull(f);
        if (!json_is_true(json_object_get(entry, "recognised")))
            continue;
        ck_status(ph_format_find(text, tiny_tokenizer(f->vocab), &found),
                  PHIAL_OK);
        ck_assert_str_eq(ph_format_name(found), ph_format_name(f));
        n++;
    }
    ck_assert_uint_ge(n, 17);
    json_decref(entries);
}
END_TEST

START_TEST(templates_that_differ_at_all_are_refused)
{
    json_t *entries = load("tests/golden/chat_templates.json"), *entry;
    size_t i;

    json_array_foreach(entries, i, entry)
    {
        ph_str text = string_of(entry, "text");
        const ph_format *f = ph_format_by_name(string_of(entry, "format").data);
        const ph_format *found = f;
        char *copy = malloc(text.len + 1);

        for (size_t at = 0; at < text.len; at += 13) {
            memcpy(copy, text.data, text.len);
            copy[at] ^= 1;
            ck_status(ph_format_find((ph_str){copy, text.len},
                                     tiny_tokenizer(f->vocab), &found),
                      PHIAL_E_UNSUPPORTED);
        }
        memcpy(copy, text.data, text.len);
        copy[text.len] = ' ';
        ck_status(ph_format_find((ph_str){copy, text.len + 1},
                                 tiny_tokenizer(f->vocab), &found),
                  PHIAL_E_UNSUPPORTED);
        ck_status(ph_format_find((ph_str){copy, text.len - 1},
                                 tiny_tokenizer(f->vocab), &found),
                  PHIAL_E_UNSUPPORTED);
        ck_assert_ptr_eq(found, f);
        free(copy);
    }
    json_decref(entries);
}
END_TEST

START_TEST(a_refusal_names_the_formats_to_choose_from)
{
    const ph_format *found = NULL;

    ck_status(ph_format_find(PH_STR("{{ x }}"),
                             tiny_tokenizer(PH_VOCAB_PHI4_MINI), &found),
              PHIAL_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(
        strstr(ph_error_text(), "phi-4-mini, phi-4-mini-reasoning"));
    ck_assert_ptr_null(found);
}
END_TEST

START_TEST(a_template_of_another_vocabulary_is_refused)
{
    json_t *entries = load("tests/golden/chat_templates.json");
    const ph_format *found;

    ck_status(ph_format_find(string_of(json_array_get(entries, 0), "text"),
                             tiny_tokenizer(PH_VOCAB_PHI3), &found),
              PHIAL_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "that of phi-4"));
    json_decref(entries);
}
END_TEST

START_TEST(without_a_template_the_vocabulary_decides)
{
    static const char *const names[] = {
        [PH_VOCAB_PHI3] = "phi-3.5",
        [PH_VOCAB_PHI4] = "phi-4",
        [PH_VOCAB_PHI4_MINI] = "phi-4-mini",
    };
    const ph_format *found;

    for (ph_vocab v = PH_VOCAB_PHI3; v <= PH_VOCAB_PHI4_MINI; v++) {
        ck_status(ph_format_find((ph_str){NULL, 0}, tiny_tokenizer(v), &found),
                  PHIAL_OK);
        ck_assert_str_eq(ph_format_name(found), names[v]);
    }
}
END_TEST

START_TEST(formats_have_names_of_their_own)
{
    size_t n = 0;

    for (const ph_format *f; (f = ph_format_at(n)) != NULL; n++)
        ck_assert_ptr_eq(ph_format_by_name(ph_format_name(f)), f);
    ck_assert_uint_eq(n, 11);
    ck_assert_ptr_null(ph_format_by_name("phi-5"));
    ck_assert_ptr_null(ph_format_by_name(""));
}
END_TEST

/* The chat of a golden case, through the JSON interface. */
static ph_chat *chat_of(const json_t *item)
{
    ph_chat *chat = new_chat();
    char *messages = json_dumps(json_object_get(item, "messages"), 0);
    char *tools = json_dumps(json_object_get(item, "tools"),
                             JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    ck_status(ph_chat_add_json(chat, ph_str_of(messages)), PHIAL_OK);
    ck_status(ph_chat_set_tools(chat, ph_str_of(tools)), PHIAL_OK);
    free(messages);
    free(tools);
    return chat;
}

/* What a golden has in place of <PREAMBLE>. */
static ph_buf expected_text(const json_t *item)
{
    static const char mark[] = "<PREAMBLE>";
    ph_str text = string_of(item, "text");
    ph_buf out = {.heap = &ph_libc_heap};
    const char *at = memmem(text.data, text.len, mark, sizeof mark - 1);

    if (at) {
        ph_buf_put(&out, text.data, (size_t)(at - text.data));
        ph_buf_puts(&out, ph_reasoning_preamble);
        at += sizeof mark - 1;
        ph_buf_put(&out, at, (size_t)(text.data + text.len - at));
    } else {
        ph_buf_put(&out, text.data, text.len);
    }
    return out;
}

START_TEST(texts_are_those_of_the_templates)
{
    json_t *items = load("tests/golden/chat_goldens.json"), *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        ph_chat *chat = chat_of(item);
        bool prompt = json_is_true(json_object_get(item, "prompt"));
        ph_buf got = render(chat, string_of(item, "format").data,
                            prompt ? PHIAL_TEXT_PROMPT : 0);
        ph_buf expected = expected_text(item);

        ck_assert_msg(got.len == expected.len &&
                          memcmp(got.data, expected.data, got.len) == 0,
                      "case %zu, %s:\n%s\nis not\n%s", i,
                      string_of(item, "format").data, got.data, expected.data);
        ph_buf_free(&got);
        ph_buf_free(&expected);
        ph_chat_free(chat);
    }
    ck_assert_uint_ge(i, 300);
    json_decref(items);
}
END_TEST

/* Where messages spell no control tokens, encoding the text with control tokens
 * recognised, as the reference does, gives the same tokens. */
START_TEST(tokens_are_those_of_the_whole_text)
{
    json_t *items = load("tests/golden/chat_goldens.json"), *item;
    size_t i, n = 0;

    json_array_foreach(items, i, item)
    {
        const ph_format *f = ph_format_by_name(string_of(item, "format").data);
        bool prompt = json_is_true(json_object_get(item, "prompt"));
        uint32_t flags = prompt ? PHIAL_TEXT_PROMPT : 0;
        ph_tokens got = {.heap = &ph_libc_heap};
        ph_tokens expected = {.heap = &ph_libc_heap};
        ph_chat *chat = chat_of(item);
        ph_buf text = render(chat, f->name, flags);

        if (!memmem(text.data, text.len, "forged", 6)) {
            ck_status(ph_chat_render_tokens(chat, f, tiny_tokenizer(f->vocab),
                                            flags, &got),
                      PHIAL_OK);
            ck_status(ph_tokenizer_encode(tiny_tokenizer(f->vocab), text.data,
                                          text.len, PHIAL_TEXT_SPECIAL,
                                          &expected),
                      PHIAL_OK);
            ck_assert_uint_eq(got.len, expected.len);
            if (got.len)
                ck_assert_mem_eq(got.data, expected.data,
                                 got.len * sizeof *got.data);
            n++;
        }
        ph_tokens_free(&got);
        ph_tokens_free(&expected);
        ph_buf_free(&text);
        ph_chat_free(chat);
    }
    ck_assert_uint_ge(n, 300);
    json_decref(items);
}
END_TEST

START_TEST(tools_are_refused_where_there_is_no_place_for_them)
{
    static const char call[] =
        "[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\","
        "\"function\":{\"name\":\"f\"}}]}]";

    for (size_t i = 0; ph_format_at(i); i++) {
        const ph_format *f = ph_format_at(i);
        ph_chat *chats[3] = {new_chat(), new_chat(), new_chat()};
        phial_status expected =
            f->vocab == PH_VOCAB_PHI4_MINI ? PHIAL_OK : PHIAL_E_UNSUPPORTED;

        ck_status(ph_chat_set_tools(chats[0], PH_STR("[{\"name\":\"f\"}]")),
                  PHIAL_OK);
        ck_status(ph_chat_add(chats[1], PHIAL_ROLE_TOOL, PH_STR("result")),
                  PHIAL_OK);
        ck_status(ph_chat_add_json(chats[2], PH_STR(call)), PHIAL_OK);
        for (int k = 0; k < 3; k++) {
            ph_buf out = {.heap = &ph_libc_heap};
            ph_tokens tokens = {.heap = &ph_libc_heap};

            ck_status(ph_chat_render_text(chats[k], f, 0, &out), expected);
            ck_status(ph_chat_render_tokens(
                          chats[k], f, tiny_tokenizer(f->vocab), 0, &tokens),
                      expected);
            if (expected < 0) {
                ck_assert_ptr_nonnull(strstr(ph_error_text(), f->name));
                ck_assert_uint_eq(out.len + tokens.len, 0);
            }
            ph_buf_free(&out);
            ph_tokens_free(&tokens);
            ph_chat_free(chats[k]);
        }
    }
}
END_TEST

START_TEST(a_failed_rendering_leaves_the_output_as_it_was)
{
    ph_chat *chat = new_chat();
    ph_tokens tokens = {.heap = &ph_libc_heap};

    ck_status(ph_chat_add(chat, PHIAL_ROLE_USER, PH_STR("hello")), PHIAL_OK);
    ck_status(ph_tokens_put(&tokens, 7), PHIAL_OK);
    ck_status(ph_chat_render_tokens(chat, ph_format_by_name("phi-4"),
                                    tiny_tokenizer(PH_VOCAB_PHI3), 0, &tokens),
              PHIAL_E_MISMATCH);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "<|im_start|>"));
    ck_assert_uint_eq(tokens.len, 1);
    ck_status(ph_chat_render_tokens(chat, ph_format_by_name("phi-3"),
                                    tiny_tokenizer(PH_VOCAB_PHI3), 8, &tokens),
              PHIAL_E_UNSUPPORTED);
    ck_assert_uint_eq(tokens.len, 1);
    ph_tokens_free(&tokens);
    ph_chat_free(chat);
}
END_TEST

TCase *format_tests(void)
{
    TCase *t = tcase_create("formats");

    tcase_add_test(t, published_templates_are_recognised);
    tcase_add_test(t, templates_that_differ_at_all_are_refused);
    tcase_add_test(t, a_refusal_names_the_formats_to_choose_from);
    tcase_add_test(t, a_template_of_another_vocabulary_is_refused);
    tcase_add_test(t, without_a_template_the_vocabulary_decides);
    tcase_add_test(t, formats_have_names_of_their_own);
    tcase_add_test(t, texts_are_those_of_the_templates);
    tcase_add_test(t, tokens_are_those_of_the_whole_text);
    tcase_add_test(t, tools_are_refused_where_there_is_no_place_for_them);
    tcase_add_test(t, a_failed_rendering_leaves_the_output_as_it_was);
    tcase_set_timeout(t, 120);
    return t;
}
