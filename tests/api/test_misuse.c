/* SPDX-License-Identifier: MIT
 * Every function of phial.h with every argument wrong in turn: a status, a
 * sentence that names it, outputs untouched, the handles as good as before. */
#include "api_fixture.h"
#include "misuse.h"

phial_model *model;
phial_session *session;
static phial_tokenizer *tokenizer;
static phial_chat *chat;

static void setup(void)
{
    model = open_model("phi-4-mini", 1);
    session = new_session(model);
    ck_status(phial_model_get_tokenizer(model, &tokenizer), PHIAL_OK);
    ck_status(phial_chat_new(&chat), PHIAL_OK);
}

/* In an order in which dependants outlive what they depend on; before, all of
 * them still work. */
static void teardown(void)
{
    phial_sampling s = PHIAL_INIT(phial_sampling);
    phial_token tokens[8];
    size_t n;

    phial_model_free(model);
    s.max_tokens = 3;
    s.flags = PHIAL_SAMPLING_IGNORE_EOS;
    ck_status(phial_session_set_sampling(session, &s), PHIAL_OK);
    ck_status(phial_chat_add(chat, PHIAL_ROLE_USER, "hi", 2), PHIAL_OK);
    ck_status(phial_session_set_chat(session, chat), PHIAL_OK);
    ck_assert_uint_eq(run_turn(session).n_tokens, 3);
    phial_session_free(session);
    ck_status(phial_tokenizer_encode(tokenizer, "hi", 2, 0, tokens, 8, &n),
              PHIAL_OK);
    phial_tokenizer_free(tokenizer);
    phial_chat_free(chat);
}

START_TEST(null_is_accepted_by_what_frees_and_cancels)
{
    phial_model_free(NULL);
    phial_tokenizer_free(NULL);
    phial_adapter_free(NULL);
    phial_constraint_free(NULL);
    phial_chat_free(NULL);
    phial_session_free(NULL);
    phial_session_cancel(NULL);
}
END_TEST

START_TEST(models_check_their_arguments)
{
    const char *path = model_path("phi-4-mini");
    phial_model *out = BAD_POINTER;
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_memory memory = PHIAL_INIT(phial_memory);
    size_t n = 77;
    char buf[1];

    refused(phial_model_open(NULL, NULL, &out), "path");
    refused(phial_model_open(path, NULL, NULL), "out");
    ck_assert_ptr_eq(out, BAD_POINTER);
    refused(phial_model_get_info(NULL, &info), "model");
    refused(phial_model_get_info(model, NULL), "info");
    refused(phial_model_describe(NULL, buf, 1, &n), "model");
    refused(phial_model_describe(model, NULL, 1, &n), "buf");
    refused(phial_model_describe(model, buf, 1, NULL), "n");
    ck_assert_uint_eq(n, 77);
    ck_status(phial_model_describe(model, buf, 1, &n), PHIAL_E_BUFFER);
    ck_assert_uint_gt(n, 77);
    refused(phial_model_get_memory(NULL, &memory), "model");
    refused(phial_model_get_memory(model, NULL), "memory");
    refused(phial_session_get_memory(NULL, &memory), "session");
    refused(phial_session_get_memory(session, NULL), "memory");
    refused(phial_estimate(NULL, NULL, NULL, &memory), "path");
    refused(phial_estimate(path, NULL, NULL, NULL), "memory");
}
END_TEST

static void refuse_options(phial_model_options o, const char *word)
{
    phial_memory memory = PHIAL_INIT(phial_memory);
    phial_model *out = BAD_POINTER;

    refused(phial_model_open(model_path("phi-4-mini"), &o, &out), word);
    ck_assert_ptr_eq(out, BAD_POINTER);
    refused(phial_estimate(model_path("phi-4-mini"), &o, NULL, &memory), word);
}

static void *no_alloc(void *user, size_t size, size_t alignment)
{
    (void)user;
    (void)size;
    (void)alignment;
    return NULL;
}

START_TEST(model_options_are_checked_field_by_field)
{
    phial_model_options good = PHIAL_INIT(phial_model_options), o;
    phial_model *out = BAD_POINTER;

    o = good, o.flags = 4, refuse_options(o, "flags");
    o = good, o.flags = UINT32_MAX, refuse_options(o, "flags");
    o = good, o.n_threads = 1025, refuse_options(o, "n_threads");
    o = good, o.n_threads = UINT32_MAX, refuse_options(o, "n_threads");
    o = good, o.isa = -1, refuse_options(o, "isa");
    o = good, o.isa = INT32_MAX, refuse_options(o, "isa");
    o = good, o.log_level = -1, refuse_options(o, "log_level");
    o = good, o.log_level = 5, refuse_options(o, "log_level");
    o = good, o.log_level = 1, refuse_options(o, "log is NULL");
    o = good, o.mem_alloc = no_alloc, refuse_options(o, "mem_free");
#if defined(__aarch64__)
    o = good, o.isa = PHIAL_ISA_AVX2;
#else
    o = good, o.isa = PHIAL_ISA_NEON;
#endif
    ck_status(phial_model_open(model_path("phi-4-mini"), &o, &out),
              PHIAL_E_UNSUPPORTED);
    o = good, o.weight_format = 1000;
    ck_status(phial_model_open(model_path("phi-4-mini"), &o, &out),
              PHIAL_E_UNSUPPORTED);
    ck_assert_ptr_eq(out, BAD_POINTER);
}
END_TEST

START_TEST(tokenizers_check_their_arguments)
{
    phial_tokenizer *out = BAD_POINTER;
    phial_token ids[2] = {0, 0}, wrong[] = {-1, INT32_MAX, INT32_MIN};
    char text[8];
    size_t n = 77;

    refused(phial_tokenizer_open(NULL, &out), "path");
    refused(phial_tokenizer_open(model_path("phi-4-mini"), NULL), "out");
    refused(phial_model_get_tokenizer(NULL, &out), "model");
    refused(phial_model_get_tokenizer(model, NULL), "out");
    ck_assert_ptr_eq(out, BAD_POINTER);
    refused(phial_tokenizer_encode(NULL, "a", 1, 0, ids, 2, &n), "tokenizer");
    refused(phial_tokenizer_encode(tokenizer, NULL, 1, 0, ids, 2, &n), "text");
    refused(phial_tokenizer_encode(tokenizer, "a", 1, 8, ids, 2, &n), "flags");
    refused(phial_tokenizer_encode(tokenizer, "a", 1, PHIAL_TEXT_PROMPT, ids, 2,
                                   &n),
            "flags");
    refused(phial_tokenizer_encode(tokenizer, "a", 1, 0, NULL, 2, &n), "buf");
    refused(phial_tokenizer_encode(tokenizer, "a", 1, 0, ids, 2, NULL), "n");
    refused(phial_tokenizer_decode(NULL, ids, 1, 0, text, 8, &n), "tokenizer");
    refused(phial_tokenizer_decode(tokenizer, NULL, 1, 0, text, 8, &n),
            "tokens");
    refused(phial_tokenizer_decode(tokenizer, ids, 1, 2, text, 8, &n), "flags");
    refused(phial_tokenizer_decode(tokenizer, ids, 1, 0, NULL, 8, &n), "buf");
    refused(phial_tokenizer_decode(tokenizer, ids, 1, 0, text, 8, NULL), "n");
    for (size_t i = 0; i < 3; i++)
        refused(phial_tokenizer_decode(tokenizer, wrong + i, 1, 0, text, 8, &n),
                "tokens[0]");
    ck_assert_uint_eq(n, 77);
    ck_assert_int_eq(phial_tokenizer_special(NULL, 1), PHIAL_NO_TOKEN);
    for (int32_t which = -1; which <= 5; which += 6)
        ck_assert_int_eq(phial_tokenizer_special(tokenizer, which),
                         PHIAL_NO_TOKEN);
}
END_TEST

START_TEST(chats_check_their_arguments)
{
    static const int32_t roles[] = {INT32_MIN, -1, 0, 5, INT32_MAX};
    size_t n = 77;
    char buf[4];

    refused(phial_chat_new(NULL), "out");
    refused(phial_chat_add(NULL, PHIAL_ROLE_USER, "a", 1), "chat");
    refused(phial_chat_add(chat, PHIAL_ROLE_USER, NULL, 1), "text");
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        refused(phial_chat_add(chat, roles[i], "a", 1), "role");
    refused(phial_chat_add_json(NULL, "{}", 2), "chat");
    refused(phial_chat_add_json(chat, NULL, 2), "json");
    refused(phial_chat_set_tools(NULL, "[]", 2), "chat");
    refused(phial_chat_set_tools(chat, NULL, 2), "json");
    refused(phial_chat_render(NULL, model, 0, buf, 4, &n), "chat");
    refused(phial_chat_render(chat, NULL, 0, buf, 4, &n), "model");
    refused(phial_chat_render(chat, model, 1, buf, 4, &n), "flags");
    refused(phial_chat_render(chat, model, 0, NULL, 4, &n), "buf");
    refused(phial_chat_render(chat, model, 0, buf, 4, NULL), "n");
    ck_assert_uint_eq(n, 77);
}
END_TEST

START_TEST(sessions_check_what_they_are_made_from)
{
    phial_session_options good = PHIAL_INIT(phial_session_options), o;
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_session *out = BAD_POINTER;

    ck_status(phial_model_get_info(model, &info), PHIAL_OK);
    refused(phial_session_new(NULL, NULL, &out), "model");
    refused(phial_session_new(model, NULL, NULL), "out");
    o = good, o.flags = 4;
    refused(phial_session_new(model, &o, &out), "flags");
    o = good, o.n_context = info.n_context + 1;
    refused(phial_session_new(model, &o, &out), "n_context");
    o = good, o.cache_format = -1;
    refused(phial_session_new(model, &o, &out), "cache_format");
    o = good, o.cache_format = 4;
    refused(phial_session_new(model, &o, &out), "cache_format");
    o = good, o.rope = 3;
    refused(phial_session_new(model, &o, &out), "rope");
    o = good, o.rope = -1;
    refused(phial_session_new(model, &o, &out), "rope");
    ck_assert_ptr_eq(out, BAD_POINTER);
}
END_TEST

START_TEST(sessions_check_their_input)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_token ids[] = {1, 2, -1};
    size_t left = 77, n;

    ck_status(phial_model_get_info(model, &info), PHIAL_OK);
    refused(phial_session_add_text(NULL, "a", 1, 0), "session");
    refused(phial_session_add_text(session, NULL, 1, 0), "text");
    refused(phial_session_add_text(session, "a", 1, 4), "flags");
    refused(phial_session_add_tokens(NULL, ids, 1), "session");
    refused(phial_session_add_tokens(session, NULL, 1), "tokens");
    refused(phial_session_add_tokens(session, ids, 3), "tokens[2]");
    ids[0] = (phial_token)info.n_vocab;
    refused(phial_session_add_tokens(session, ids, 1), "tokens[0]");
    refused(phial_session_set_chat(NULL, chat), "session");
    refused(phial_session_set_chat(session, NULL), "chat");
    refused(phial_session_prefill(NULL, 1, &left), "session");
    refused(phial_session_prefill(session, 1, NULL), "left");
    ck_assert_uint_eq(left, 77);
    ck_status(phial_session_get_tokens(session, NULL, 0, &n), PHIAL_OK);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(sessions_check_their_outputs)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_stats stats = PHIAL_INIT(phial_stats);
    phial_token id = 3;
    float p = 5;
    const float *logits = BAD_POINTER;
    size_t n = 77;

    refused(phial_session_next(NULL, &event), "session");
    refused(phial_session_next(session, NULL), "event");
    refused(phial_session_get_logits(NULL, &logits, &n), "session");
    refused(phial_session_get_logits(session, NULL, &n), "logits");
    refused(phial_session_get_logits(session, &logits, NULL), "n");
    refused(phial_session_get_top(NULL, &id, &p, 1, &n), "session");
    refused(phial_session_get_top(session, NULL, &p, 1, &n), "tokens");
    refused(phial_session_get_top(session, &id, NULL, 1, &n), "logprobs");
    refused(phial_session_get_top(session, &id, &p, 1, NULL), "n");
    refused(phial_session_get_tokens(NULL, &id, 1, &n), "session");
    refused(phial_session_get_tokens(session, NULL, 1, &n), "buf");
    refused(phial_session_get_tokens(session, &id, 1, NULL), "n");
    refused(phial_session_rewind(NULL, 0), "session");
    refused(phial_session_rewind(session, 1), "rewind");
    refused(phial_session_get_stats(NULL, &stats), "session");
    refused(phial_session_get_stats(session, NULL), "stats");
    refused(phial_session_score(NULL, &id, 1, &p), "session");
    refused(phial_session_score(session, NULL, 1, &p), "tokens");
    refused(phial_session_score(session, &id, 1, NULL), "logprobs");
    refused(phial_session_get_rows(NULL, 0, 0, &p, 1, &n), "session");
    refused(phial_session_get_rows(session, 0, 0, NULL, 1, &n), "buf");
    refused(phial_session_get_rows(session, 0, 0, &p, 1, NULL), "n");
    refused(phial_session_get_rows(session, 1, 0, &p, 1, &n), "holds 0");
    refused(phial_session_get_rows(session, 0, SIZE_MAX, &p, 1, &n), "holds 0");
    id = -1;
    refused(phial_session_score(session, &id, 1, &p), "tokens[0]");
    ck_status(phial_session_next(session, &event), PHIAL_E_STATE);
    ck_status(phial_session_get_logits(session, &logits, &n), PHIAL_E_STATE);
    ck_status(phial_session_get_top(session, &id, &p, 1, &n), PHIAL_E_STATE);
    ck_assert(id == -1 && p == 5 && n == 77 && logits == BAD_POINTER);
}
END_TEST

START_TEST(saved_sessions_check_their_arguments)
{
    uint8_t bytes[1] = {7};
    size_t n = 77;

    refused(phial_session_save(NULL, "x"), "session");
    refused(phial_session_save(session, NULL), "path");
    refused(phial_session_load(NULL, "x"), "session");
    refused(phial_session_load(session, NULL), "path");
    refused(phial_session_save_bytes(NULL, bytes, 1, &n), "session");
    refused(phial_session_save_bytes(session, NULL, 1, &n), "buf");
    refused(phial_session_save_bytes(session, bytes, 1, NULL), "n");
    refused(phial_session_load_bytes(NULL, bytes, 1), "session");
    refused(phial_session_load_bytes(session, NULL, 1), "data");
    ck_assert_uint_eq(n, 77);
    ck_status(phial_session_load(session, "/nowhere"), PHIAL_E_IO);
    ck_status(phial_session_load_bytes(session, bytes, 1), PHIAL_E_FORMAT);
    ck_status(phial_session_load_bytes(session, NULL, 0), PHIAL_E_FORMAT);
    ck_status(phial_session_save_bytes(session, bytes, 1, &n), PHIAL_E_BUFFER);
    ck_assert(n > 1 && bytes[0] == 7);
    ck_status(phial_session_get_tokens(session, NULL, 0, &n), PHIAL_OK);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(what_is_absent_checks_its_arguments_and_says_so)
{
    phial_constraint *constraint = BAD_POINTER;
    phial_adapter *adapter = BAD_POINTER;
    const phial_adapter *adapters[1] = {BAD_POINTER}, *missing = NULL;
    phial_session *out = BAD_POINTER, *none = NULL;
    float scale = 1;
    size_t n = 77;

    refused(phial_constraint_new(NULL, 1, "", 0, &constraint), "tokenizer");
    refused(phial_constraint_new(tokenizer, 0, "", 0, &constraint), "kind");
    refused(phial_constraint_new(tokenizer, 6, "", 0, &constraint), "kind");
    refused(phial_constraint_new(tokenizer, 2, NULL, 1, &constraint), "text");
    refused(phial_constraint_new(tokenizer, 1, NULL, 0, NULL), "out");
    refused(phial_adapter_open(NULL, "x", &adapter), "model");
    refused(phial_adapter_open(model, NULL, &adapter), "path");
    refused(phial_adapter_open(model, "x", NULL), "out");
    refused(phial_session_set_constraint(NULL, NULL), "session");
    refused(phial_session_set_adapters(NULL, NULL, NULL, 0), "session");
    refused(phial_session_set_adapters(session, NULL, &scale, 1), "adapters");
    refused(phial_session_set_adapters(session, adapters, NULL, 1), "scales");
    refused(phial_session_set_adapters(session, &missing, &scale, 1),
            "an adapter");
    refused(phial_step(NULL, 1), "sessions");
    refused(phial_step(&none, 1), "session");
    refused(phial_session_fork(NULL, &out), "session");
    refused(phial_session_fork(session, NULL), "out");
    refused(phial_model_embed(NULL, "a", 1, 1, &scale, 1, &n), "model");
    refused(phial_model_embed(model, NULL, 1, 1, &scale, 1, &n), "text");
    refused(phial_model_embed(model, "", 0, 1, &scale, 1, &n), "text");
    refused(phial_model_embed(model, "a", 1, 0, &scale, 1, &n), "pool");
    refused(phial_model_embed(model, "a", 1, 3, &scale, 1, &n), "pool");
    refused(phial_model_embed(model, "a", 1, 1, NULL, 1, &n), "buf");
    refused(phial_model_embed(model, "a", 1, 1, &scale, 1, NULL), "n");
    refused(phial_model_imatrix(NULL, "a", 1, "x", NULL), "model");
    refused(phial_model_imatrix(model, NULL, 1, "x", NULL), "text");
    refused(phial_model_imatrix(model, "", 0, "x", NULL), "text");
    refused(phial_model_imatrix(model, "a", 1, NULL, NULL), "out");

    ck_status(phial_session_set_constraint(session, NULL), PHIAL_OK);
    ck_status(phial_session_set_adapters(session, NULL, NULL, 0), PHIAL_OK);
    ck_status(phial_constraint_new(tokenizer, 1, NULL, 0, &constraint),
              PHIAL_E_UNSUPPORTED);
    ck_status(phial_session_set_constraint(session, BAD_POINTER),
              PHIAL_E_UNSUPPORTED);
    ck_status(phial_adapter_open(model, "x", &adapter), PHIAL_E_IO);
    ck_assert(constraint == BAD_POINTER && adapter == BAD_POINTER &&
              out == BAD_POINTER && n == 77);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("misuse");
    TCase *t = tcase_create("arguments");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, null_is_accepted_by_what_frees_and_cancels);
    tcase_add_test(t, models_check_their_arguments);
    tcase_add_test(t, model_options_are_checked_field_by_field);
    tcase_add_test(t, tokenizers_check_their_arguments);
    tcase_add_test(t, chats_check_their_arguments);
    tcase_add_test(t, sessions_check_what_they_are_made_from);
    tcase_add_test(t, sessions_check_their_input);
    tcase_add_test(t, sessions_check_their_outputs);
    tcase_add_test(t, saved_sessions_check_their_arguments);
    tcase_add_test(t, what_is_absent_checks_its_arguments_and_says_so);
    suite_add_tcase(s, t);
    t = struct_case();
    tcase_add_checked_fixture(t, setup, teardown);
    suite_add_tcase(s, t);
    return s;
}

PH_CHECK_MAIN(suite())
