/* SPDX-License-Identifier: MIT
 * Several threads at one model and one session. Meant to be run under
 * ThreadSanitizer too. */
#include "api_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { N_WORKERS = 4, N_ROUNDS = 2 };

typedef struct worker {
    pthread_t thread;
    phial_model *model;
    uint64_t seed;
    turn t;
} worker;

static turn write_something(const phial_model *model, uint64_t seed)
{
    phial_session *session = new_session(model);
    phial_sampling s = seeded(30);
    turn t;

    s.seed = seed;
    set_sampling(session, s);
    ck_status(phial_session_add_text(session, prompt, PHIAL_NUL_TERMINATED, 0),
              PHIAL_OK);
    t = run_turn(session);
    phial_session_free(session);
    return t;
}

static void *work(void *arg)
{
    worker *w = arg;

    for (int i = 0; i < N_ROUNDS; i++)
        w->t = write_something(w->model, w->seed);
    return NULL;
}

START_TEST(sessions_of_one_model_do_not_influence_each_other)
{
    phial_model *model = open_model("phi-4-mini", (uint32_t)_i + 1);
    worker workers[N_WORKERS];

    for (size_t i = 0; i < N_WORKERS; i++) {
        workers[i] = (worker){.model = model, .seed = i};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (size_t i = 0; i < N_WORKERS; i++) {
        turn alone;

        pthread_join(workers[i].thread, NULL);
        alone = write_something(model, i);
        ck_assert_uint_eq(alone.len, workers[i].t.len);
        ck_assert_mem_eq(alone.text, workers[i].t.text, alone.len);
    }
    phial_model_free(model);
}
END_TEST

/* ---- One session, two threads ------------------------------------------ */

typedef struct shared {
    phial_session *session;
    atomic_int stop;
    atomic_int n_cancelled, n_busy;
} shared;

/* Reads the prompt again and again. */
static void *compute(void *arg)
{
    shared *s = arg;
    size_t n = 0, left;

    while (!atomic_load(&s->stop)) {
        phial_status status = phial_session_rewind(s->session, 0);

        if (status == PHIAL_OK)
            status = phial_session_add_text(s->session, prompt,
                                            PHIAL_NUL_TERMINATED, 0);
        if (status == PHIAL_OK)
            status = phial_session_prefill(s->session, SIZE_MAX, &left);
        if (status == PHIAL_E_CANCELLED)
            atomic_fetch_add(&s->n_cancelled, 1);
        else if (status == PHIAL_E_BUSY)
            atomic_fetch_add(&s->n_busy, 1);
        else if (status < 0)
            return (void *)1;
        n++;
    }
    return n ? NULL : (void *)1;
}

static void start(shared *s, pthread_t *thread)
{
    phial_model *model = open_model("phi-4-mini", 2);

    memset(s, 0, sizeof *s);
    s->session = new_session(model);
    phial_model_free(model);
    ck_assert_int_eq(pthread_create(thread, NULL, compute, s), 0);
}

START_TEST(another_thread_may_cancel_at_any_time)
{
    shared s;
    pthread_t thread;
    void *failed;

    start(&s, &thread);
    while (atomic_load(&s.n_cancelled) < 50)
        phial_session_cancel(s.session);
    atomic_store(&s.stop, 1);
    pthread_join(thread, &failed);
    ck_assert_ptr_null(failed);
    phial_session_free(s.session);
}
END_TEST

/* ---- In the middle of a call ------------------------------------------- */

/* The log hook stops the call in its middle until the test lets it go on. */
typedef struct gate {
    sem_t inside, go_on;
    phial_session *session;
    phial_status status;
} gate;

static void wait_in_hook(void *user, int32_t level, const char *line)
{
    gate *g = user;

    (void)level;
    if (strstr(line, "LongRoPE")) {
        sem_post(&g->inside);
        sem_wait(&g->go_on);
    }
}

static void *read_all(void *arg)
{
    gate *g = arg;
    size_t left;

    g->status = phial_session_prefill(g->session, SIZE_MAX, &left);
    return NULL;
}

/* A thread that stands in the middle of reading tokens again. */
static void enter_gate(gate *g, pthread_t *thread)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_model *model;
    size_t left;

    memset(g, 0, sizeof *g);
    sem_init(&g->inside, 0, 0);
    sem_init(&g->go_on, 0, 0);
    o.n_threads = 2;
    o.log = wait_in_hook;
    o.log_user = g;
    o.log_level = PHIAL_LOG_INFO;
    ck_status(phial_model_open(model_path("phi-4-mini"), &o, &model), PHIAL_OK);
    g->session = new_session(model);
    phial_model_free(model);
    ck_status(phial_session_add_text(g->session, "a", 1, 0), PHIAL_OK);
    ck_status(phial_session_prefill(g->session, 1, &left), PHIAL_OK);
    ck_status(
        phial_session_add_text(g->session, prompt, PHIAL_NUL_TERMINATED, 0),
        PHIAL_OK);
    ck_assert_int_eq(pthread_create(thread, NULL, read_all, g), 0);
    sem_wait(&g->inside);
}

static void leave_gate(gate *g, pthread_t thread)
{
    sem_post(&g->go_on);
    pthread_join(thread, NULL);
    sem_destroy(&g->inside);
    sem_destroy(&g->go_on);
}

START_TEST(a_second_thread_is_told_that_the_session_is_busy)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_memory memory = PHIAL_INIT(phial_memory);
    phial_stats stats = PHIAL_INIT(phial_stats);
    pthread_t thread;
    size_t n;
    gate g;

    enter_gate(&g, &thread);
    ck_status(phial_session_next(g.session, &event), PHIAL_E_BUSY);
    ck_status(phial_session_rewind(g.session, 0), PHIAL_E_BUSY);
    ck_status(phial_session_save(g.session, "/nowhere"), PHIAL_E_BUSY);
    ck_status(phial_session_load(g.session, "/nowhere"), PHIAL_E_BUSY);
    ck_status(phial_session_save_bytes(g.session, NULL, 0, &n), PHIAL_E_BUSY);
    ck_status(phial_session_load_bytes(g.session, NULL, 0), PHIAL_E_BUSY);
    ck_status(phial_session_add_text(g.session, "a", 1, 0), PHIAL_E_BUSY);
    ck_status(phial_session_set_sampling(g.session, NULL), PHIAL_E_BUSY);
    ck_status(phial_session_get_tokens(g.session, NULL, 0, &n), PHIAL_E_BUSY);
    ck_status(phial_session_get_stats(g.session, &stats), PHIAL_E_BUSY);
    ck_status(phial_session_get_memory(g.session, &memory), PHIAL_E_BUSY);
    leave_gate(&g, thread);
    ck_assert_int_eq(g.status, PHIAL_OK);
    ck_status(phial_session_get_stats(g.session, &stats), PHIAL_OK);
    phial_session_free(g.session);
}
END_TEST

START_TEST(a_session_freed_during_a_call_goes_when_the_call_returns)
{
    pthread_t thread;
    gate g;

    enter_gate(&g, &thread);
    phial_session_free(g.session);
    leave_gate(&g, thread); /* leaks are for the sanitizer to see */
    ck_assert_int_eq(g.status, PHIAL_OK);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("threads");
    TCase *t = tcase_create("threads");

    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, sessions_of_one_model_do_not_influence_each_other, 0,
                        2);
    tcase_add_test(t, a_second_thread_is_told_that_the_session_is_busy);
    tcase_add_test(t, another_thread_may_cancel_at_any_time);
    tcase_add_test(t, a_session_freed_during_a_call_goes_when_the_call_returns);
    suite_add_tcase(s, t);
    suite_add_tcase(s, chaos_case());
    return s;
}

PH_CHECK_MAIN(suite())
