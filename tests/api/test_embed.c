/* SPDX-License-Identifier: MIT
 * phial_model_embed: one text, one vector, whatever else goes on. */
#include "api_fixture.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { MAX_VECTOR = 1024 };

typedef struct vector {
    float x[MAX_VECTOR];
    size_t n;
} vector;

static vector embed(const phial_model *model, const char *text, int32_t pool)
{
    vector v = {.n = 0};

    ck_status(phial_model_embed(model, text, PHIAL_NUL_TERMINATED, pool, v.x,
                                MAX_VECTOR, &v.n),
              PHIAL_OK);
    return v;
}

static void check_same(const vector *a, const vector *b)
{
    ck_assert_uint_eq(a->n, b->n);
    ck_assert_mem_eq(a->x, b->x, a->n * sizeof *a->x);
}

static double product(const vector *a, const vector *b)
{
    double sum = 0;

    for (size_t i = 0; i < a->n; i++)
        sum += (double)a->x[i] * (double)b->x[i];
    return sum;
}

/* The prompt crosses LongRoPE's first context. */
START_TEST(vectors_have_length_1_and_the_same_bits_on_any_threads)
{
    for (int32_t pool = PHIAL_POOL_MEAN; pool <= PHIAL_POOL_LAST; pool++) {
        phial_model *model = open_model(families[_i], 1);
        phial_model_info info = PHIAL_INIT(phial_model_info);
        const vector alone = embed(model, prompt, pool);
        const vector again = embed(model, prompt, pool);

        ck_status(phial_model_get_info(model, &info), PHIAL_OK);
        ck_assert_uint_eq(alone.n, info.n_embedding);
        ck_assert_double_eq_tol(product(&alone, &alone), 1, 1e-6);
        check_same(&alone, &again);
        phial_model_free(model);
        for (uint32_t n = 2; n <= 3; n++) {
            vector other;

            model = open_model(families[_i], n);
            other = embed(model, prompt, pool);
            check_same(&alone, &other);
            phial_model_free(model);
        }
    }
}
END_TEST

START_TEST(the_text_and_the_pooling_matter)
{
    phial_model *model = open_model(families[_i], 1);
    const vector mean = embed(model, prompt, PHIAL_POOL_MEAN);
    const vector last = embed(model, prompt, PHIAL_POOL_LAST);
    const vector other = embed(model, "Another text.", PHIAL_POOL_MEAN);

    ck_assert_double_le(fabs(product(&mean, &last)), 0.999);
    ck_assert_double_le(fabs(product(&mean, &other)), 0.999);
    phial_model_free(model);
}
END_TEST

START_TEST(a_token_by_itself_is_both_its_mean_and_its_last)
{
    phial_model *model = open_model("phi-4", 1);
    const vector mean = embed(model, "a", PHIAL_POOL_MEAN);
    const vector last = embed(model, "a", PHIAL_POOL_LAST);

    check_same(&mean, &last);
    phial_model_free(model);
}
END_TEST

static char *long_text(size_t n)
{
    char *text = malloc(n + 1);

    memset(text, 'z', n);
    text[n] = 0;
    for (size_t i = 1; i < n; i += 2)
        text[i] = ' ';
    return text;
}

START_TEST(what_cannot_be_embedded_is_refused)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_model_info info = PHIAL_INIT(phial_model_info);
    vector v = {.n = 77};
    char *text;

    v.x[0] = 7;
    ck_status(phial_model_get_info(model, &info), PHIAL_OK);
    text = long_text(2 * (size_t)info.n_context + 2);
    ck_status(phial_model_embed(model, text, PHIAL_NUL_TERMINATED,
                                PHIAL_POOL_MEAN, v.x, MAX_VECTOR, &v.n),
              PHIAL_E_CONTEXT);
    ck_status(phial_model_embed(model, NULL, 0, PHIAL_POOL_MEAN, v.x,
                                MAX_VECTOR, &v.n),
              PHIAL_E_ARGUMENT);
    ck_assert_uint_eq(v.n, 77);
    ck_status(phial_model_embed(model, "a", 1, PHIAL_POOL_MEAN, v.x,
                                info.n_embedding - 1, &v.n),
              PHIAL_E_BUFFER);
    ck_assert_uint_eq(v.n, info.n_embedding);
    ck_assert(v.x[0] == 7.0f);
    free(text);
    phial_model_free(model);
}
END_TEST

START_TEST(sessions_do_not_notice)
{
    phial_session *plain = prepared("phi-4-mini", 1, 0);
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *session = prepared_of(model, 0);
    phial_event event = PHIAL_INIT(phial_event);
    turn one = {0}, other = run_turn(plain);
    phial_memory before = PHIAL_INIT(phial_memory);
    phial_memory after = PHIAL_INIT(phial_memory);

    for (int i = 0; i < 5; i++) {
        ck_status(phial_session_next(session, &event), PHIAL_OK);
        add_event(&one, &event);
        ck_status(phial_model_get_memory(model, &before), PHIAL_OK);
        embed(model, prompt, PHIAL_POOL_MEAN);
        ck_status(phial_model_get_memory(model, &after), PHIAL_OK);
        ck_assert_uint_eq(before.cache, after.cache);
    }
    ck_status(take_events(session, &one), PHIAL_END);
    ck_assert_uint_eq(one.logprob_bits, other.logprob_bits);
    ck_assert_uint_eq(one.len, other.len);
    ck_assert_mem_eq(one.text, other.text, one.len);
    phial_session_free(plain);
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

START_TEST(it_keeps_within_the_limit_of_the_cache)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_model *model;
    vector v = {.n = 77};

    o.cache_limit = 1;
    ck_status(phial_model_open(model_path("phi-4-mini"), &o, &model), PHIAL_OK);
    ck_status(phial_model_embed(model, "a", 1, PHIAL_POOL_MEAN, v.x, MAX_VECTOR,
                                &v.n),
              PHIAL_E_MEMORY);
    ck_assert_uint_eq(v.n, 77);
    phial_model_free(model);
}
END_TEST

typedef struct worker {
    pthread_t thread;
    const phial_model *model;
    const char *text;
    vector v;
} worker;

static void *work(void *arg)
{
    worker *w = arg;

    for (int i = 0; i < 20; i++)
        w->v = embed(w->model, w->text, PHIAL_POOL_MEAN);
    return NULL;
}

START_TEST(many_threads_may_call_it)
{
    static const char *const texts[] = {"one", "another text", prompt};
    phial_model *model = open_model("phi-4-mini", 2);
    worker workers[3];

    for (int i = 0; i < 3; i++) {
        workers[i] = (worker){.model = model, .text = texts[i]};
        ck_assert_int_eq(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        vector want;

        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
        want = embed(model, texts[i], PHIAL_POOL_MEAN);
        check_same(&workers[i].v, &want);
    }
    phial_model_free(model);
}
END_TEST

static Suite *embed_suite(void)
{
    Suite *s = suite_create("embed");
    TCase *t = tcase_create("embed");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t,
                        vectors_have_length_1_and_the_same_bits_on_any_threads,
                        0, N_FAMILIES);
    tcase_add_loop_test(t, the_text_and_the_pooling_matter, 0, N_FAMILIES);
    tcase_add_test(t, a_token_by_itself_is_both_its_mean_and_its_last);
    tcase_add_test(t, what_cannot_be_embedded_is_refused);
    tcase_add_test(t, sessions_do_not_notice);
    tcase_add_test(t, it_keeps_within_the_limit_of_the_cache);
    tcase_add_test(t, many_threads_may_call_it);
    suite_add_tcase(s, t);
    return s;
}

PH_CHECK_MAIN(embed_suite())
