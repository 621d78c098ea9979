/* SPDX-License-Identifier: MIT
 * Memory: what is reported, what is taken through the hooks, and that all of it
 * is given back. */
#include "api_fixture.h"

#include <pthread.h>

typedef struct books {
    pthread_mutex_t lock;
    size_t n_allocations, n_live, bytes;
} books;

static void *counted_alloc(void *user, size_t size, size_t alignment)
{
    books *b = user;
    void *ptr = NULL;

    ck_assert(alignment && !(alignment & (alignment - 1)));
    if (posix_memalign(&ptr, alignment, size ? size : 1))
        return NULL;
    pthread_mutex_lock(&b->lock);
    b->n_allocations++;
    b->n_live++;
    b->bytes += size;
    pthread_mutex_unlock(&b->lock);
    return ptr;
}

static void counted_free(void *user, void *ptr, size_t size, size_t alignment)
{
    books *b = user;

    (void)alignment;
    ck_assert_ptr_nonnull(ptr);
    pthread_mutex_lock(&b->lock);
    b->n_live--;
    b->bytes -= size;
    pthread_mutex_unlock(&b->lock);
    free(ptr);
}

START_TEST(handles_may_be_freed_in_any_order)
{
    for (int order = 0; order < 6; order++) {
        phial_model_options o = PHIAL_INIT(phial_model_options);
        books b = {.lock = PTHREAD_MUTEX_INITIALIZER};
        phial_model *model;
        phial_session *session;
        phial_tokenizer *tokenizer;

        o.mem_alloc = counted_alloc;
        o.mem_free = counted_free;
        o.mem_user = &b;
        o.n_threads = 2;
        ck_status(phial_model_open(model_path("phi-4-mini"), &o, &model),
                  PHIAL_OK);
        session = new_session(model);
        ck_status(phial_model_get_tokenizer(model, &tokenizer), PHIAL_OK);
        ck_status(phial_session_add_text(session, "ab", 2, 0), PHIAL_OK);
        set_sampling(session, just(3));
        for (int step = 0; step < 3; step++) {
            int what = (order / 2 + (order % 2 ? 3 - step : step)) % 3;

            if (what == 0)
                phial_model_free(model);
            else if (what == 1)
                run_turn(session), phial_session_free(session);
            else
                phial_tokenizer_free(tokenizer);
        }
        ck_assert_uint_gt(b.n_allocations, 10);
        ck_assert_uint_eq(b.n_live, 0);
        ck_assert_uint_eq(b.bytes, 0);
    }
}
END_TEST

START_TEST(an_estimate_is_what_open_and_session_then_report)
{
    static const int32_t formats[] = {PHIAL_CACHE_AUTO, PHIAL_CACHE_F32,
                                      PHIAL_CACHE_F16, PHIAL_CACHE_Q8};
    phial_model *model = open_model(families[_i], 1);

    for (size_t i = 0; i < 12; i++) {
        phial_session_options o = PHIAL_INIT(phial_session_options);
        phial_memory guess = PHIAL_INIT(phial_memory);
        phial_memory m = guess, s = guess;
        phial_session *session = NULL;
        size_t left;

        o.cache_format = formats[i % 4];
        o.n_context = i / 4 ? 16 * (uint32_t)i : 0;
        o.n_prefill = (uint32_t)i;
        ck_status(phial_estimate(model_path(families[_i]), NULL, &o, &guess),
                  PHIAL_OK);
        ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
        ck_status(phial_model_get_memory(model, &m), PHIAL_OK);
        ck_status(phial_session_get_memory(session, &s), PHIAL_OK);
        ck_assert_uint_eq(guess.weights, m.weights);
        ck_assert_uint_eq(guess.mapped, m.mapped);
        ck_assert_uint_eq(guess.cache_max, s.cache_max);
        ck_assert_uint_eq(guess.scratch, s.scratch);
        ck_assert(guess.cache == 0 && s.cache <= s.cache_max);
        ck_assert(s.weights == 0 && m.cache == 0 && m.weights > 0);
        ck_status(phial_session_add_text(session, "a", 1, 0), PHIAL_OK);
        ck_status(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_OK);
        ck_status(phial_session_get_memory(session, &s), PHIAL_OK);
        ck_assert(s.cache > 0 && s.cache <= s.cache_max);
        phial_session_free(session);
    }
    phial_model_free(model);
}
END_TEST

/* But for small things: handles, the tokens themselves. */
START_TEST(a_session_takes_what_it_reports)
{
    enum { SMALL = 6000 };
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_memory m = PHIAL_INIT(phial_memory);
    books b = {.lock = PTHREAD_MUTEX_INITIALIZER};
    phial_model *model;
    phial_session *session;
    size_t before, left;

    o.mem_alloc = counted_alloc;
    o.mem_free = counted_free;
    o.mem_user = &b;
    ck_status(phial_model_open(model_path(families[_i]), &o, &model), PHIAL_OK);
    before = b.bytes;
    session = new_session(model);
    for (int i = 0; i < 3; i++) {
        ck_status(phial_session_get_memory(session, &m), PHIAL_OK);
        ck_assert_uint_ge(b.bytes - before, m.cache + m.scratch);
        ck_assert_uint_le(b.bytes - before, m.cache + m.scratch + SMALL);
        ck_status(phial_session_add_text(session, prompt, 100, 0), PHIAL_OK);
        ck_status(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_OK);
    }
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

START_TEST(an_estimate_needs_a_model_file)
{
    phial_memory memory = PHIAL_INIT(phial_memory);

    memory.weights = 5;
    ck_status(phial_estimate("/nowhere.gguf", NULL, NULL, &memory), PHIAL_E_IO);
    ck_status(phial_estimate("/", NULL, NULL, &memory), PHIAL_E_IO);
    ck_assert_uint_eq(memory.weights, 5);
}
END_TEST

TCase *memory_case(void)
{
    TCase *t = tcase_create("memory");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, handles_may_be_freed_in_any_order);
    tcase_add_loop_test(t, an_estimate_is_what_open_and_session_then_report, 0,
                        N_FAMILIES);
    tcase_add_loop_test(t, a_session_takes_what_it_reports, 0, N_FAMILIES);
    tcase_add_test(t, an_estimate_needs_a_model_file);
    return t;
}
