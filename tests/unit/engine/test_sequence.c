/* SPDX-License-Identifier: MIT
 * Sequences: what they refuse, what a failed pass leaves behind, and what they
 * take of memory. */
#include "engine_cases.h"
#include "failing_heap.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>

enum { BATCH = 40 };

static phial_token tokens[BATCH];
static float *logits;
static ph_model *model;
static ph_pool *pool;

static void setup(void)
{
    make_tokens(tokens, BATCH, 3);
    model = open_tiny(TINY_PHI4, PH_Q4_K);
    pool = new_pool(2);
    logits = calloc((size_t)BATCH * model->hp.n_vocab, sizeof *logits);
}

static void teardown(void)
{
    free(logits);
    ph_pool_free(pool);
    ph_model_free(model);
}

static phial_status forward(ph_sequence *seq, const phial_token *t, uint32_t n)
{
    return ph_sequence_forward(seq, t, n, PH_ROPE_SHORT, PH_LOGITS_LAST, logits,
                               NULL);
}

static void check_says(const char *part)
{
    ck_assert_msg(strstr(ph_error_text(), part) != NULL, "\"%s\" in \"%s\"",
                  part, ph_error_text());
}

START_TEST(calls_that_make_no_sense_are_refused)
{
    const phial_token wrong[] = {5, -1, 5, (phial_token)model->hp.n_vocab};
    ph_sequence *seq = new_sequence(model, pool, BATCH, PHIAL_CACHE_F32);

    ck_status(forward(seq, tokens, 0), PHIAL_E_ARGUMENT);
    ck_status(forward(seq, tokens, BATCH + 1), PHIAL_E_ARGUMENT);
    check_says("41");
    ck_status(forward(seq, wrong, 2), PHIAL_E_ARGUMENT);
    check_says("token 1 of the input is -1");
    ck_status(forward(seq, wrong + 2, 2), PHIAL_E_ARGUMENT);
    ck_status(
        ph_sequence_forward(seq, tokens, 1, 2, PH_LOGITS_NONE, NULL, NULL),
        PHIAL_E_ARGUMENT);
    ck_assert_uint_eq(ph_sequence_length(seq), 0);
    ck_status(forward(seq, tokens, 1), PHIAL_OK);
    ck_status(ph_sequence_forward(seq, tokens, 1, PH_ROPE_LONG, PH_LOGITS_NONE,
                                  NULL, NULL),
              PHIAL_E_STATE);
    ck_assert_uint_eq(ph_sequence_length(seq), 1);
    ph_sequence_free(seq);
}
END_TEST

START_TEST(configurations_out_of_range_are_refused)
{
    const ph_sequence_config bad[] = {
        {0, 1, PHIAL_CACHE_F32, NULL},
        {model->hp.n_context + 1, 1, PHIAL_CACHE_F32, NULL},
        {1, 0, PHIAL_CACHE_F32, NULL},
        {1, PH_MAX_BATCH + 1, PHIAL_CACHE_F32, NULL},
        {1, 1, PHIAL_CACHE_AUTO, NULL},
        {1, 1, PHIAL_CACHE_Q8 + 1, NULL},
    };
    ph_sequence *seq = NULL;

    for (int i = 0; i < 6; i++)
        ck_status(ph_sequence_new(model, pool, &bad[i], &seq),
                  PHIAL_E_ARGUMENT);
    ck_assert_ptr_null(seq);
    ph_sequence_free(NULL);
}
END_TEST

START_TEST(the_context_is_full_at_exactly_its_length)
{
    const ph_sequence_config config = {BATCH + 3, BATCH, PHIAL_CACHE_F16, NULL};
    ph_sequence *seq = NULL;

    ck_status(ph_sequence_new(model, pool, &config, &seq), PHIAL_OK);
    ck_status(forward(seq, tokens, BATCH), PHIAL_OK);
    ck_status(forward(seq, tokens, 4), PHIAL_E_CONTEXT);
    ck_status(forward(seq, tokens, 3), PHIAL_OK);
    ck_status(forward(seq, tokens, 1), PHIAL_E_CONTEXT);
    check_says("43");
    ck_assert_uint_eq(ph_sequence_length(seq), BATCH + 3);
    ph_sequence_free(seq);
}
END_TEST

static atomic_int cancel;

static void *cancel_soon(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--)
        sched_yield();
    atomic_store(&cancel, 1);
    return NULL;
}

START_TEST(a_cancelled_pass_leaves_the_sequence_as_it_was)
{
    const size_t bytes = model->hp.n_vocab * sizeof *logits;
    ph_sequence *seq = new_sequence(model, pool, BATCH, PHIAL_CACHE_F32);
    float *want = malloc(bytes);
    int n_cancelled = 0;

    ck_status(forward(seq, tokens, 30), PHIAL_OK);
    ck_status(forward(seq, tokens, BATCH), PHIAL_OK);
    memcpy(want, logits, bytes);
    for (int i = 0; i < 40 || (n_cancelled == 0 && i < 4000); i++) {
        int yields = i % 40;
        pthread_t thread;
        phial_status status;

        ph_sequence_truncate(seq, 30);
        atomic_store(&cancel, 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, &yields),
                         0);
        status = ph_sequence_forward(seq, tokens, BATCH, PH_ROPE_SHORT,
                                     PH_LOGITS_LAST, logits, &cancel);
        pthread_join(thread, NULL);
        if (status != PHIAL_OK) {
            ck_status(status, PHIAL_E_CANCELLED);
            ck_assert_uint_eq(ph_sequence_length(seq), 30);
            ck_status(forward(seq, tokens, BATCH), PHIAL_OK);
            n_cancelled++;
        }
        ck_assert_mem_eq(logits, want, bytes);
    }
    ck_assert_int_gt(n_cancelled, 0);
    free(want);
    ph_sequence_free(seq);
}
END_TEST

START_TEST(a_cancelled_first_pass_keeps_no_page)
{
    ph_sequence *seq = new_sequence(model, pool, BATCH, PHIAL_CACHE_F32);
    ph_sequence_bytes before, after;

    atomic_store(&cancel, 1);
    ph_sequence_get_bytes(seq, &before);
    ck_status(ph_sequence_forward(seq, tokens, BATCH, PH_ROPE_SHORT,
                                  PH_LOGITS_LAST, logits, &cancel),
              PHIAL_E_CANCELLED);
    ph_sequence_get_bytes(seq, &after);
    ck_assert_uint_eq(after.cache, before.cache);
    ph_sequence_free(seq);
}
END_TEST

/* A model whose output row 7 of the head is not a number. */
static ph_model *open_poisoned(float poison)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    gguf_writer *w = tiny_model_build(&m);
    const uint64_t dims[] = {m.n_embd, model->hp.n_vocab};
    float *head = calloc(dims[0] * dims[1], sizeof *head);

    for (uint32_t i = 0; i < m.n_embd; i++)
        head[7 * m.n_embd + i] = poison;
    gguf_put_tensor(w, "output.weight", PH_F32, dims, 2, head);
    free(head);
    return open_writer(w);
}

START_TEST(a_logit_that_is_no_number_is_an_error)
{
    const float poisons[] = {NAN, INFINITY, 3e38f};
    ph_model *bad = open_poisoned(poisons[_i]);
    ph_sequence *seq = new_sequence(bad, pool, BATCH, PHIAL_CACHE_F32);
    phial_status status = PHIAL_OK;

    ck_status(ph_sequence_forward(seq, tokens, 5, PH_ROPE_SHORT, PH_LOGITS_NONE,
                                  NULL, NULL),
              PHIAL_OK);
    for (int i = 0; i < 20 && status == PHIAL_OK; i++)
        status = forward(seq, tokens + i, 1);
    ck_status(status, PHIAL_E_NUMERIC);
    ck_assert_uint_ge(ph_sequence_length(seq), 5);
    ph_sequence_truncate(seq, 0);
    ph_sequence_free(seq);
    ph_model_free(bad);
}
END_TEST

START_TEST(memory_is_what_the_estimate_says)
{
    const int32_t formats[] = {PHIAL_CACHE_F32, PHIAL_CACHE_F16,
                               PHIAL_CACHE_Q8};
    const ph_sequence_config config = {200, BATCH, formats[_i], NULL};
    failing_heap heap;
    ph_sequence_bytes estimate, now;
    ph_sequence *seq = NULL;
    size_t fixed;

    failing_heap_init(&heap, 0, FAIL_NEVER);
    model->heap = &heap.heap;
    ck_assert(ph_sequence_estimate(&model->hp, &config, &estimate));
    ck_status(ph_sequence_new(model, pool, &config, &seq), PHIAL_OK);
    ph_sequence_get_bytes(seq, &now);
    ck_assert_uint_eq(now.scratch, estimate.scratch);
    ck_assert_uint_eq(now.cache_max, estimate.cache_max);
    ck_assert_uint_eq(now.cache, estimate.cache);
    fixed = heap.live_bytes - (size_t)(now.scratch + now.cache);
    ck_assert_uint_le(fixed, 2048); /* structs, and what heads a block */
    for (int i = 0; i < 5; i++)
        ck_status(forward(seq, tokens, BATCH), PHIAL_OK);
    ph_sequence_get_bytes(seq, &now);
    ck_assert_uint_eq(now.cache, estimate.cache_max);
    ck_assert_uint_eq(heap.live_bytes,
                      now.scratch + now.cache + fixed + 4 * 64);
    ph_sequence_truncate(seq, 64);
    ph_sequence_get_bytes(seq, &now);
    ck_assert_uint_eq(heap.live_bytes,
                      now.scratch + now.cache + fixed + 1 * 64);
    ph_sequence_free(seq);
    ck_assert_uint_eq(failing_heap_check(&heap), 0);
    model->heap = &ph_libc_heap;
}
END_TEST

START_TEST(an_estimate_that_overflows_says_so)
{
    ph_hparams hp = model->hp;
    ph_sequence_config config = {1 << 20, UINT32_MAX, PHIAL_CACHE_F32, NULL};
    ph_sequence_bytes bytes = {1, 2, 3};

    hp.n_layers = hp.n_kv_heads = hp.head_dim = hp.n_ff = UINT32_MAX;
    ck_assert(!ph_sequence_estimate(&hp, &config, &bytes));
    ck_assert_uint_eq(bytes.scratch, 3);
}
END_TEST

TCase *sequence_cases(void)
{
    TCase *t = tcase_create("sequence");

    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, calls_that_make_no_sense_are_refused);
    tcase_add_test(t, configurations_out_of_range_are_refused);
    tcase_add_test(t, the_context_is_full_at_exactly_its_length);
    tcase_add_test(t, a_cancelled_pass_leaves_the_sequence_as_it_was);
    tcase_add_test(t, a_cancelled_first_pass_keeps_no_page);
    tcase_add_loop_test(t, a_logit_that_is_no_number_is_an_error, 0, 3);
    tcase_add_loop_test(t, memory_is_what_the_estimate_says, 0, 3);
    tcase_add_test(t, an_estimate_that_overflows_says_so);
    return t;
}
