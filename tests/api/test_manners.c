/* SPDX-License-Identifier: MIT
 * Manners in somebody else's process: what the library says about itself,
 * forks, floating point, small stacks, the log and the last error. */
#include "api_fixture.h"

#include <fenv.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

START_TEST(the_library_says_what_it_is)
{
    uint32_t version = phial_version();
    const char *info = phial_build_info();

    ck_assert_uint_eq(version, PHIAL_VERSION_MAJOR << 16 |
                                   PHIAL_VERSION_MINOR << 8 |
                                   PHIAL_VERSION_PATCH);
    ck_assert(info[0] == '{' && info[strlen(info) - 1] == '}');
    ck_assert_ptr_null(strchr(info, '\n'));
    ck_assert_ptr_nonnull(strstr(info, "\"version\":\""));
    ck_assert_str_eq(phial_status_name(PHIAL_E_FORMAT), "PHIAL_E_FORMAT");
    ck_assert_str_eq(phial_status_name(PHIAL_OK), "PHIAL_OK");
    ck_assert_ptr_nonnull(phial_status_name(12345));
    ck_assert_ptr_nonnull(phial_status_name(INT32_MIN));
}
END_TEST

static void *error_of_another_thread(void *arg)
{
    (void)arg;
    ck_assert_str_eq(phial_last_error(), "");
    phial_chat_new(NULL);
    ck_assert_str_ne(phial_last_error(), "");
    return NULL;
}

START_TEST(the_last_error_is_of_this_thread_and_survives_success)
{
    phial_session *session;
    char before[512];
    pthread_t thread;

    ck_assert_str_eq(phial_last_error(), "");
    ck_status(
        phial_model_open("/nowhere/at-all.gguf", NULL, &(phial_model *){NULL}),
        PHIAL_E_IO);
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "/nowhere/at-all.gguf"));
    strcpy(before, phial_last_error());
    session = prepared("phi-4-mini", 2, 0);
    run_turn(session);
    phial_session_free(session);
    ck_assert_str_eq(phial_last_error(), before);
    pthread_create(&thread, NULL, error_of_another_thread, NULL);
    pthread_join(thread, NULL);
    ck_assert_str_eq(phial_last_error(), before);
}
END_TEST

/* ---- The process ------------------------------------------------------- */

/* In the child: 0 if every call says that it is one. */
static int try_in_child(phial_model *model, phial_session *session,
                        phial_tokenizer *tokenizer)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_session *another;
    phial_token ids[8];
    size_t n;

    alarm(10);
    if (phial_session_next(session, &event) != PHIAL_E_STATE ||
        !strstr(phial_last_error(), "fork"))
        return 1;
    if (phial_session_new(model, NULL, &another) != PHIAL_E_STATE ||
        phial_model_get_info(model, &info) != PHIAL_E_STATE)
        return 2;
    if (phial_tokenizer_encode(tokenizer, "ab", 2, 0, ids, 8, &n) != PHIAL_OK)
        return 3;
    phial_model_free(model);
    phial_session_free(session);
    phial_tokenizer_free(tokenizer);
    model = open_model("phi-4-mini", 2);
    session = new_session(model);
    phial_model_free(model);
    if (phial_session_add_text(session, "ab", 2, 0) != PHIAL_OK ||
        phial_session_next(session, &event) != PHIAL_OK)
        return 4;
    phial_session_free(session);
    return 0;
}

START_TEST(a_forked_child_is_told_so_and_can_start_over)
{
    phial_model *model = open_model("phi-4-mini", 3);
    phial_session *session = new_session(model);
    phial_tokenizer *tokenizer;
    phial_event event = PHIAL_INIT(phial_event);
    int status = -1;
    pid_t child;

    ck_status(phial_model_get_tokenizer(model, &tokenizer), PHIAL_OK);
    ck_status(phial_session_add_text(session, "ab", 2, 0), PHIAL_OK);
    set_sampling(session, just(20));
    ck_status(phial_session_next(session, &event), PHIAL_OK);
    child = fork();
    if (child == 0)
        _exit(try_in_child(model, session, tokenizer));
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    run_turn(session);
    phial_session_free(session);
    phial_tokenizer_free(tokenizer);
    phial_model_free(model);
}
END_TEST

static turn write_story(void)
{
    phial_session *session = prepared("phi-4-mini", 2, 0);
    turn t = run_turn(session);

    phial_session_free(session);
    return t;
}

START_TEST(the_hosts_floating_point_state_neither_matters_nor_changes)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD,
                                FE_TOWARDZERO};
    turn first = write_story();

    for (size_t i = 0; i < 4; i++) {
        turn t;

        fesetround(modes[i]);
#ifdef __SSE2__
        _mm_setcsr(_mm_getcsr() | 0x8040u); /* flush to zero, both ways */
#endif
        t = write_story();
        ck_assert_int_eq(fegetround(), modes[i]);
#ifdef __SSE2__
        ck_assert_uint_eq(_mm_getcsr() & 0x8040u, 0x8040u);
        _mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
        fesetround(FE_TONEAREST);
        ck_assert_uint_eq(t.len, first.len);
        ck_assert_mem_eq(t.text, first.text, t.len);
        ck_assert_uint_eq(t.logprob_bits, first.logprob_bits);
    }
}
END_TEST

static void *write_on_small_stack(void *arg)
{
    phial_chat *chat;
    phial_session *session = prepared("phi-4-mini", 2, 0);
    phial_event event = PHIAL_INIT(phial_event);
    size_t *n_events = arg;

    ck_status(phial_chat_new(&chat), PHIAL_OK);
    ck_status(phial_chat_add_json(chat,
                                  "[{\"role\":\"user\",\"content\":\"hi\"}]",
                                  PHIAL_NUL_TERMINATED),
              PHIAL_OK);
    ck_status(phial_session_set_chat(session, chat), PHIAL_OK);
    while (phial_session_next(session, &event) == PHIAL_OK)
        ++*n_events;
    phial_chat_free(chat);
    phial_session_free(session);
    return NULL;
}

/* The program's own frames and the thread's start are the rest. */
START_TEST(a_stack_of_64_kib_is_enough)
{
    size_t n_events = 0;
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, (64 * STACK_FACTOR + 16) * 1024);
    ck_assert_int_eq(
        pthread_create(&thread, &attr, write_on_small_stack, &n_events), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    ck_assert_uint_gt(n_events, 1);
}
END_TEST

/* ---- The log ----------------------------------------------------------- */

typedef struct lines {
    int n_lines, n_again;
    char last[512];
} lines;

static void keep_line(void *user, int32_t level, const char *line)
{
    lines *l = user;

    ck_assert(level >= PHIAL_LOG_ERROR && level <= PHIAL_LOG_DEBUG);
    ck_assert_ptr_null(strchr(line, '\n'));
    ck_assert_uint_lt(strlen(line), sizeof l->last);
    strcpy(l->last, line);
    l->n_lines++;
    l->n_again += strstr(line, "again") != NULL;
}

START_TEST(crossing_the_first_context_is_announced_and_shows_in_what_is_left)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_stats stats = PHIAL_INIT(phial_stats);
    phial_token ids[80];
    lines log = {0};
    phial_model *model;
    phial_session *session;
    size_t left;

    for (int i = 0; i < 80; i++)
        ids[i] = 10 + i;
    o.n_threads = 1;
    o.log = keep_line;
    o.log_user = &log;
    o.log_level = PHIAL_LOG_INFO;
    ck_status(phial_model_open(model_path("phi-4-mini"), &o, &model), PHIAL_OK);
    session = new_session(model);
    phial_model_free(model);
    ck_status(phial_session_add_tokens(session, ids, 64), PHIAL_OK);
    ck_status(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_OK);
    ck_assert(left == 0 && log.n_again == 0);
    ck_status(phial_session_add_tokens(session, ids + 64, 6), PHIAL_OK);
    ck_status(phial_session_prefill(session, 10, &left), PHIAL_OK);
    ck_assert_uint_eq(left, 60); /* all 70 are read again */
    ck_assert_int_eq(log.n_again, 1);
    ck_assert_ptr_nonnull(strstr(log.last, "70"));
    ck_status(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_OK);
    ck_status(phial_session_get_stats(session, &stats), PHIAL_OK);
    ck_assert_uint_eq(stats.n_prompt, 64 + 70);
    ck_status(phial_session_rewind(session, 64), PHIAL_OK);
    ck_status(phial_session_prefill(session, 0, &left), PHIAL_OK);
    ck_assert(left == 64 && log.n_again == 2);
    phial_session_free(session);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("manners");
    TCase *t = tcase_create("manners");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_library_says_what_it_is);
    tcase_add_test(t, the_last_error_is_of_this_thread_and_survives_success);
    tcase_add_test(t, a_forked_child_is_told_so_and_can_start_over);
    tcase_add_test(t,
                   the_hosts_floating_point_state_neither_matters_nor_changes);
    tcase_add_test(t, a_stack_of_64_kib_is_enough);
    tcase_add_test(
        t, crossing_the_first_context_is_announced_and_shows_in_what_is_left);
    suite_add_tcase(s, t);
    suite_add_tcase(s, memory_case());
    return s;
}

PH_CHECK_MAIN(suite())
