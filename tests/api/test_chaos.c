/* SPDX-License-Identifier: MIT
 * Eight sessions of one model on eight threads, each doing one thing after the
 * other by chance, while yet another thread cancels them: what each gives is
 * what it gives when it is the only one. Meant to be run under ThreadSanitizer
 * too. */
#include "api_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { N_WORKERS = 8, N_STEPS = 60, LONGEST = 150 };

typedef struct worker {
    pthread_t thread;
    const phial_model *model;
    uint64_t random;
    uint64_t digest; /* of all that the session gave */
    phial_session *session;
    _Atomic(phial_session *) shown; /* whom to cancel */
    atomic_int n_cancelled;
    atomic_bool finished;
} worker;

/* Sebastiano Vigna's splitmix64. */
static uint64_t draw(worker *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void digest(worker *w, const void *data, size_t n)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < n; i++)
        w->digest = (w->digest ^ bytes[i]) * 0x100000001b3;
}

/* A cancelled call is made once more. */
static bool again(worker *w, phial_status status)
{
    if (status != PHIAL_E_CANCELLED) {
        ck_assert_int_ge(status, 0);
        return false;
    }
    atomic_fetch_add(&w->n_cancelled, 1);
    return true;
}

static void write_some(worker *w, uint64_t n)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_status status;

    for (uint64_t i = 0; i < n; i++) {
        do
            status = phial_session_next(w->session, &event);
        while (again(w, status));
        if (status != PHIAL_OK)
            break;
        digest(w, event.text, event.text_len);
        digest(w, &event.logprob, sizeof event.logprob);
    }
}

static size_t n_held(const worker *w)
{
    size_t n;

    phial_session_get_tokens(w->session, NULL, 0, &n);
    return n;
}

/* n tokens: how many steps these take depends on what others have read. */
static void step_some(worker *w, uint64_t n)
{
    phial_event event = PHIAL_INIT(phial_event);
    const size_t enough = n_held(w) + n;
    phial_status status = PHIAL_OK;

    while (n_held(w) < enough && status != PHIAL_END) {
        ck_assert_int_ge(phial_step(&w->session, 1), 0);
        while ((status = phial_session_next(w->session, &event)) == PHIAL_OK)
            digest(w, event.text, event.text_len);
        again(w, status);
    }
}

static void add_some(worker *w, uint64_t random)
{
    const size_t from = random % 40, len = 1 + (random >> 8) % 80;

    if (n_held(w) > LONGEST)
        ck_status(phial_session_rewind(w->session, random % 64 + 1), PHIAL_OK);
    ck_status(phial_session_add_text(w->session, prompt + from, len, 0),
              PHIAL_OK);
}

static void look(worker *w)
{
    const float *logits;
    phial_status status;
    size_t n;

    do
        status = phial_session_get_logits(w->session, &logits, &n);
    while (again(w, status));
    digest(w, logits, n * sizeof *logits);
}

/* What was saved takes the place of what it was made from. */
static void save_and_load(worker *w)
{
    size_t n = 0;
    uint8_t *bytes;

    phial_session_save_bytes(w->session, NULL, 0, &n);
    bytes = malloc(n);
    ck_status(phial_session_save_bytes(w->session, bytes, n, &n), PHIAL_OK);
    ck_status(phial_session_load_bytes(w->session, bytes, n), PHIAL_OK);
    free(bytes);
}

/* The copy goes on in the session's place. */
static void fork_it(worker *w)
{
    phial_session *copy = NULL, *old = w->session;

    ck_status(phial_session_fork(old, &copy), PHIAL_OK);
    w->session = copy;
    atomic_store(&w->shown, copy);
}

static void do_something(worker *w)
{
    const uint64_t random = draw(w);

    switch (random % 9) {
    case 0:
    case 1:
        add_some(w, random >> 8);
        break;
    case 2:
        ck_status(
            phial_session_rewind(w->session, 1 + (random >> 8) % n_held(w)),
            PHIAL_OK);
        break;
    case 3:
        look(w);
        break;
    case 4:
        step_some(w, (random >> 8) % 6);
        break;
    case 5:
        save_and_load(w);
        break;
    default:
        write_some(w, (random >> 8) % 12);
    }
}

/* Sessions that were forked from live to the end: somebody may be about to
 * cancel one. */
static void *work(void *arg)
{
    phial_session *all[N_STEPS / 20 + 1];
    worker *w = arg;
    size_t n = 0;

    w->session = new_session(w->model);
    atomic_store(&w->shown, w->session);
    set_sampling(w->session, seeded(1000));
    add_some(w, 0);
    for (int i = 0; i < N_STEPS; i++) {
        do_something(w);
        if (i % 20 == 19) {
            all[n++] = w->session;
            fork_it(w);
        }
    }
    look(w);
    atomic_store(&w->shown, NULL);
    all[n++] = w->session;
    for (size_t i = 0; i < n - 1; i++)
        phial_session_free(all[i]);
    atomic_store(&w->finished, true);
    return NULL;
}

static void start(worker *w, const phial_model *model, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->model = model;
    w->random = seed;
}

static uint64_t alone(const phial_model *model, uint64_t seed)
{
    worker w;

    start(&w, model, seed);
    work(&w);
    phial_session_free(w.session);
    return w.digest;
}

/* Workers that a busy machine has not let begin yet. */
static bool still_uncancelled(worker *workers)
{
    bool finished = true;

    for (int i = 0; i < N_WORKERS; i++) {
        if (atomic_load(&workers[i].n_cancelled) > 0)
            return false;
        finished = finished && atomic_load(&workers[i].finished);
    }
    return !finished;
}

START_TEST(whatever_others_do_a_session_gives_the_same)
{
    phial_model *model = open_model(families[_i], 2);
    static worker workers[N_WORKERS];
    int n_cancelled = 0;

    for (uint64_t i = 0; i < N_WORKERS; i++) {
        start(&workers[i], model, i / 2); /* two do the same */
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < 400 || still_uncancelled(workers); i++) {
        phial_session_cancel(atomic_load(&workers[i % N_WORKERS].shown));
        sched_yield();
    }
    for (uint64_t i = 0; i < N_WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        n_cancelled += atomic_load(&workers[i].n_cancelled);
    }
    for (uint64_t i = 0; i < N_WORKERS; i++) {
        ck_assert_msg(workers[i].digest == alone(model, i / 2),
                      "session %d gave something else", (int)i);
        phial_session_free(workers[i].session);
    }
    ck_assert_int_gt(n_cancelled, 0);
    phial_model_free(model);
}
END_TEST

TCase *chaos_case(void)
{
    TCase *t = tcase_create("chaos");

    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, whatever_others_do_a_session_gives_the_same, 0,
                        N_FAMILIES);
    return t;
}
