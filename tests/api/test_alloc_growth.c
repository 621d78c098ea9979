/* SPDX-License-Identifier: MIT
 * Sessions that hold more pages of keys and values than their model's table has
 * room for at first. Where every allocation fails in turn on the way there, one
 * that the table needs is done without, and any other is PHIAL_E_MEMORY; the
 * pages can be found again, and the bits are the same. */
#include "api_fixture.h"

#include <stdio.h>

/* Two sessions of 31 full pages each, and one more: the table begins with room
 * for 64. */
enum { N_HELD = 31 * 64 + 50, N_MORE = 5 * 64 + 9 };

/* The model's heap. */
typedef struct counts {
    size_t nth, number, n_failed, n_live; /* nth 0: none fails */
    bool ever_after;
} counts;

static void *take(void *user, size_t size, size_t alignment)
{
    counts *c = user;
    const size_t now = ++c->number;
    void *ptr;

    if (c->nth && (c->ever_after ? now >= c->nth : now == c->nth)) {
        c->n_failed++;
        return NULL;
    }
    ptr = aligned_alloc(alignment,
                        (size + alignment - 1) / alignment * alignment);
    c->n_live += ptr != NULL;
    return ptr;
}

static void give(void *user, void *ptr, size_t size, size_t alignment)
{
    (void)size;
    (void)alignment;
    ((counts *)user)->n_live--;
    free(ptr);
}

static phial_model *open_counted(counts *c)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_model *model = NULL;

    o.n_threads = 1;
    o.mem_alloc = take;
    o.mem_free = give;
    o.mem_user = c;
    ck_status(phial_model_open(model_path("short"), &o, &model), PHIAL_OK);
    return model;
}

/* What is missing of n tokens that nobody else begins with. */
static phial_status read_tokens(phial_session *session, int first, size_t n)
{
    phial_token tokens[N_HELD];
    phial_status status = PHIAL_OK;
    size_t held, left;

    for (size_t i = 0; i < n; i++)
        tokens[i] = (phial_token)((size_t)first + i * 7 % 90);
    phial_session_get_tokens(session, NULL, 0, &held);
    if (!held)
        status = phial_session_add_tokens(session, tokens, n);
    if (status >= 0)
        status = phial_session_prefill(session, SIZE_MAX, &left);
    return status;
}

static phial_session *reader(const phial_model *model, int first, size_t n)
{
    phial_session *session = new_session(model);

    ck_status(read_tokens(session, first, n), PHIAL_OK);
    return session;
}

/* That session holds what a reader of its tokens reuses, whole pages of it, and
 * has its logits. */
static void check_pages(const phial_model *model, phial_session *session)
{
    phial_session *again = reader(model, 3, N_MORE);
    phial_stats stats = PHIAL_INIT(phial_stats);
    size_t n;
    float *got = next_logits(session, &n), *want = next_logits(again, &n);

    ck_status(phial_session_get_stats(again, &stats), PHIAL_OK);
    ck_assert_uint_eq(stats.n_reused, N_MORE / 64 * 64);
    ck_assert_mem_eq(got, want, n * sizeof *got);
    free(got);
    free(want);
    phial_session_free(again);
}

static float *logits_alone(size_t *n)
{
    counts c = {0};
    phial_model *model = open_counted(&c);
    phial_session *session = reader(model, 3, N_MORE);
    float *logits = next_logits(session, n);

    phial_session_free(session);
    phial_model_free(model);
    return logits;
}

/* False once nothing fails any more; *without: the table did not grow then. */
static bool outgrow(size_t nth, bool ever_after, const float *want,
                    bool *without)
{
    counts c = {0};
    phial_model *model = open_counted(&c);
    phial_session *one = reader(model, 1, N_HELD);
    phial_session *two = reader(model, 2, N_HELD);
    phial_session *three = new_session(model);
    phial_status status;
    float *got;
    size_t n;

    c.number = 0;
    c.ever_after = ever_after;
    c.nth = nth;
    status = read_tokens(three, 3, N_MORE);
    c.nth = 0;
    *without = c.n_failed && status == PHIAL_OK;
    if (status < 0) {
        ck_assert_uint_gt(c.n_failed, 0);
        ck_status(status, PHIAL_E_MEMORY);
        ck_status(read_tokens(three, 3, N_MORE), PHIAL_OK);
    }
    got = next_logits(three, &n);
    ck_assert_mem_eq(got, want, n * sizeof *got);
    free(got);
    check_pages(model, three);
    phial_session_free(one);
    phial_session_free(two);
    check_pages(model, three);
    phial_session_free(three);
    phial_model_free(model);
    ck_assert_uint_eq(c.n_live, 0);
    return c.n_failed > 0;
}

START_TEST(a_table_of_pages_grows_or_does_without)
{
    size_t n, n_points = 0, n_without = 0;
    float *want = logits_alone(&n);
    bool without;

    while (outgrow(n_points + 1, _i == 1, want, &without)) {
        n_points++;
        n_without += without;
    }
    free(want);
    printf("growth, %s: %zu points, %zu done without\n",
           _i == 1 ? "ever after" : "once", n_points, n_without);
    ck_assert_uint_ge(n_points, 7);
    if (_i == 0)
        ck_assert_uint_eq(n_without, 1);
}
END_TEST

TCase *growth_case(void)
{
    TCase *t = tcase_create("growth");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, a_table_of_pages_grows_or_does_without, 0, 2);
    return t;
}
