/* SPDX-License-Identifier: MIT
 * Pages that sequences share: found by their tokens, copied before they are
 * written to, kept within a limit; never other bits. */
#include "engine_cases.h"
#include "engine/page_store.h"

enum { BATCH = 40, LONG = 4 * PH_PAGE + 9 };

static ph_model *model;
static ph_pool *pool;
static ph_page_store *store;
static float *logits;

static void set_up(void)
{
    model = open_tiny(TINY_PHI4_MINI, PH_Q8_0);
    pool = new_pool(2);
    ck_status(ph_page_store_new(&ph_libc_heap, 0, &store), PHIAL_OK);
    logits = malloc(model->hp.n_vocab * sizeof *logits);
}

static void tear_down(void)
{
    ck_assert_uint_eq(ph_page_store_bytes(store), 0);
    free(logits);
    ph_page_store_free(store);
    ph_pool_free(pool);
    ph_model_free(model);
}

static ph_sequence *start(int32_t format)
{
    const ph_sequence_config config = {.n_context = model->hp.n_context,
                                       .n_batch = BATCH,
                                       .cache_format = format,
                                       .store = store};
    ph_sequence *seq = NULL;

    ck_status(ph_sequence_new(model, pool, &config, &seq), PHIAL_OK);
    return seq;
}

/* Reads what is missing of n tokens, with or without the pages of others. */
static phial_status read_to(ph_sequence *seq, const phial_token *tokens,
                            uint32_t n, bool share)
{
    uint32_t at = share
                      ? ph_sequence_take_pages(seq, tokens, n - 1, PH_ROPE_LONG)
                      : ph_sequence_length(seq);

    while (at < n) {
        const uint32_t count = n - at < BATCH ? n - at : BATCH;

        PH_TRY(ph_sequence_forward(seq, tokens + at, count, PH_ROPE_LONG,
                                   PH_LOGITS_LAST, logits, NULL));
        if (share)
            ph_sequence_share_pages(seq, tokens, n);
        at += count;
    }
    return PHIAL_OK;
}

/* logits are those behind n tokens. */
static void check_logits(const phial_token *tokens, uint32_t n, int32_t format)
{
    float *want = logits_of(model, 1, n, format, tokens, n, PH_ROPE_LONG);
    const size_t row = model->hp.n_vocab;

    ck_assert_mem_eq(logits, want + (n - 1) * row, row * sizeof *want);
    free(want);
}

static uint64_t page_bytes(int32_t format)
{
    ph_sequence *seq = start(format);
    const phial_token token = 1;
    const uint64_t before = ph_page_store_bytes(store);
    uint64_t bytes;

    ck_status(read_to(seq, &token, 1, false), PHIAL_OK);
    bytes = ph_page_store_bytes(store) - before;
    ph_sequence_free(seq);
    return bytes;
}

START_TEST(sequences_that_begin_alike_share_their_beginning)
{
    const int32_t format = PHIAL_CACHE_F32 + _i;
    const uint64_t page = page_bytes(format);
    ph_sequence *a = start(format), *b = start(format);
    ph_sequence *c =
        start(format == PHIAL_CACHE_F32 ? PHIAL_CACHE_F16 : PHIAL_CACHE_F32);
    phial_token tokens[LONG], other[LONG];

    make_tokens(tokens, LONG, 1);
    memcpy(other, tokens, sizeof other);
    other[2 * PH_PAGE + 5] ^= 1;
    ck_status(read_to(a, tokens, LONG, true), PHIAL_OK);
    ck_assert_uint_eq(ph_page_store_bytes(store), 5 * page);
    ck_assert_uint_eq(ph_sequence_take_pages(b, other, LONG - 1, PH_ROPE_LONG),
                      2 * PH_PAGE);
    ck_assert_uint_eq(ph_page_store_bytes(store), 5 * page);
    ck_status(read_to(b, other, LONG, true), PHIAL_OK);
    ck_assert_uint_eq(ph_page_store_bytes(store), 8 * page);
    check_logits(other, LONG, format);
    ck_assert_uint_eq(ph_sequence_take_pages(c, tokens, LONG, PH_ROPE_LONG), 0);
    ph_sequence_free(a);
    ck_assert_uint_eq(ph_page_store_bytes(store), 5 * page);
    ph_sequence_truncate(b, 3);
    ck_status(read_to(b, tokens, LONG, true), PHIAL_OK);
    check_logits(tokens, LONG, format);
    ph_sequence_free(b);
    ph_sequence_free(c);
}
END_TEST

START_TEST(other_factors_are_another_beginning)
{
    ph_sequence *a = start(PHIAL_CACHE_F16), *b = start(PHIAL_CACHE_F16);
    phial_token tokens[LONG];

    make_tokens(tokens, LONG, 1);
    ck_status(read_to(a, tokens, LONG, true), PHIAL_OK);
    ck_assert_uint_eq(ph_sequence_take_pages(b, tokens, LONG, PH_ROPE_SHORT),
                      0);
    ck_assert_uint_eq(ph_sequence_take_pages(b, tokens, LONG, PH_ROPE_LONG),
                      4 * PH_PAGE);
    ph_sequence_free(a);
    ph_sequence_free(b);
}
END_TEST

/* B has begun a page in which A went further. */
START_TEST(adapters_make_other_beginnings)
{
    const uint64_t first = ph_page_beginning(store, 0, 1, 1);
    const uint64_t second = ph_page_beginning(store, first, 2, 0.5f);

    ck_assert(first >= PH_N_BEGINNINGS && second != first);
    ck_assert(ph_page_beginning(store, 1, 1, 1) != first);
    ck_assert(ph_page_beginning(store, 0, 2, 1) != first);
    ck_assert(ph_page_beginning(store, 0, 1, -1) != first);
    ck_assert(ph_page_beginning(store, 0, 1, 1) == first);
    ck_assert(ph_page_beginning(store, first, 2, 0.5f) == second);
    /* One that is forgotten comes back as another, never as that of others. */
    for (uint64_t i = 0; i < 300; i++)
        ck_assert(ph_page_beginning(store, 0, 10 + i, 1) > second);
    ck_assert(ph_page_beginning(store, 0, 1, 1) > second);
}
END_TEST

START_TEST(a_page_that_was_begun_is_taken_over_whole)
{
    ph_sequence *a = start(PHIAL_CACHE_F16), *b = start(PHIAL_CACHE_F16);
    phial_token tokens[LONG];

    make_tokens(tokens, LONG, 1);
    ck_status(read_to(b, tokens, PH_PAGE + 7, true), PHIAL_OK);
    ck_status(read_to(a, tokens, LONG, true), PHIAL_OK);
    ck_assert_uint_eq(ph_sequence_take_pages(b, tokens, LONG, PH_ROPE_LONG),
                      4 * PH_PAGE);
    ck_status(read_to(b, tokens, LONG, true), PHIAL_OK);
    check_logits(tokens, LONG, PHIAL_CACHE_F16);
    ph_sequence_free(a);
    ph_sequence_free(b);
}
END_TEST

/* A page that two made at the same time is kept once. */
START_TEST(twins_become_one)
{
    ph_sequence *a = start(PHIAL_CACHE_F16), *b = start(PHIAL_CACHE_F16);
    phial_token tokens[LONG];
    uint64_t bytes;

    make_tokens(tokens, LONG, 1);
    ck_status(read_to(a, tokens, LONG, false), PHIAL_OK);
    ck_status(read_to(b, tokens, LONG, false), PHIAL_OK);
    bytes = ph_page_store_bytes(store);
    ph_sequence_share_pages(a, tokens, LONG);
    ph_sequence_share_pages(b, tokens, LONG);
    ck_assert_uint_eq(ph_page_store_bytes(store), bytes / 10 * 6);
    ph_sequence_free(a);
    ph_sequence_free(b);
}
END_TEST

enum { N_SEQS = 6, N_STEPS = 120, N_STREAMS = 3 };

/* What a sequence should hold. */
typedef struct history {
    ph_sequence *sequence;
    phial_token tokens[LONG];
    uint32_t n;
} history;

static void do_something(history *all, history *h, uint64_t draw,
                         const phial_token streams[N_STREAMS][LONG])
{
    const uint32_t cut = (uint32_t)(draw >> 8) % (h->n + 1);
    const phial_token *stream = streams[(draw >> 40) % N_STREAMS];
    const history *from = &all[(draw >> 24) % N_SEQS];

    if (draw % 8 == 0 && from != h) {
        ph_sequence_free(h->sequence);
        *h = *from;
        ck_status(ph_sequence_fork(from->sequence, &h->sequence), PHIAL_OK);
    } else if (draw % 8 == 1) {
        ph_sequence_free(h->sequence);
        h->sequence = start(PHIAL_CACHE_F16);
        h->n = 0;
    } else {
        ph_sequence_truncate(h->sequence, cut);
        h->n = cut + (uint32_t)(draw >> 16) % (LONG - cut) + 1;
        h->n = h->n < LONG ? h->n : LONG;
        memcpy(h->tokens + cut, stream + cut, (h->n - cut) * sizeof *stream);
        ck_status(read_to(h->sequence, h->tokens, h->n, draw >> 60 != 0),
                  PHIAL_OK);
        check_logits(h->tokens, h->n, PHIAL_CACHE_F16);
    }
    ck_assert_uint_eq(ph_sequence_length(h->sequence), h->n);
}

START_TEST(whatever_sequences_do_none_changes_the_bits_of_another)
{
    static history all[N_SEQS];
    phial_token streams[N_STREAMS][LONG];

    for (int i = 0; i < N_STREAMS; i++) {
        make_tokens(streams[i], LONG, 5);
        make_tokens(streams[i] + 70 * i, LONG - 70 * (uint32_t)i,
                    6 + (uint64_t)i);
    }
    for (int i = 0; i < N_SEQS; i++)
        all[i] = (history){.sequence = start(PHIAL_CACHE_F16)};
    for (uint64_t step = 0; step < N_STEPS; step++) {
        const uint64_t draw = tiny_random((uint64_t)_i, step);

        do_something(all, &all[draw % 1000 % N_SEQS], draw >> 4, streams);
    }
    for (int i = 0; i < N_SEQS; i++)
        ph_sequence_free(all[i].sequence);
}
END_TEST

/* Room for six pages: what nobody holds goes first, the oldest of it; then
 * there is no more. */
START_TEST(a_limit_is_kept)
{
    const uint64_t page = page_bytes(PHIAL_CACHE_F16);
    ph_sequence *a, *b, *c;
    phial_token one[LONG], two[LONG], three[LONG];

    ph_page_store_free(store);
    ck_status(ph_page_store_new(&ph_libc_heap, 6 * page, &store), PHIAL_OK);
    make_tokens(one, LONG, 1);
    make_tokens(two, LONG, 2);
    make_tokens(three, LONG, 3);
    a = start(PHIAL_CACHE_F16);
    b = start(PHIAL_CACHE_F16);
    c = start(PHIAL_CACHE_F16);
    ck_status(read_to(a, one, 2 * PH_PAGE, true), PHIAL_OK);
    ck_status(read_to(b, two, 2 * PH_PAGE, true), PHIAL_OK);
    ph_sequence_truncate(a, 0);
    ph_sequence_truncate(b, 0);
    ck_assert_uint_eq(ph_page_store_bytes(store), 4 * page);
    ck_status(read_to(c, three, 3 * PH_PAGE, true), PHIAL_OK);
    ck_assert_uint_eq(ph_page_store_bytes(store), 6 * page);
    ck_assert_uint_eq(ph_sequence_take_pages(b, two, LONG, PH_ROPE_LONG),
                      2 * PH_PAGE);
    ck_assert_uint_eq(ph_sequence_take_pages(a, one, LONG, PH_ROPE_LONG),
                      PH_PAGE);
    ck_status(read_to(b, two, LONG, true), PHIAL_E_MEMORY);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "exceed the limit"));
    ck_assert_uint_eq(ph_sequence_length(b), 2 * PH_PAGE);
    ph_sequence_free(c);
    ck_status(read_to(b, two, LONG, true), PHIAL_OK);
    check_logits(two, LONG, PHIAL_CACHE_F16);
    ph_sequence_free(a);
    ph_sequence_free(b);
    ph_page_store_free(store);
    ck_status(ph_page_store_new(&ph_libc_heap, 0, &store), PHIAL_OK);
}
END_TEST

START_TEST(a_fork_needs_a_store_in_common)
{
    ph_sequence *seq = new_sequence(model, pool, BATCH, PHIAL_CACHE_F16);
    ph_sequence *copy = NULL;

    ck_status(ph_sequence_fork(seq, &copy), PHIAL_E_STATE);
    ck_assert_ptr_null(copy);
    ph_sequence_free(seq);
}
END_TEST

TCase *pages_cases(void)
{
    TCase *t = tcase_create("pages");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, sequences_that_begin_alike_share_their_beginning, 0,
                        3);
    tcase_add_test(t, other_factors_are_another_beginning);
    tcase_add_test(t, adapters_make_other_beginnings);
    tcase_add_test(t, a_page_that_was_begun_is_taken_over_whole);
    tcase_add_test(t, twins_become_one);
    tcase_add_loop_test(
        t, whatever_sequences_do_none_changes_the_bits_of_another, 0, 4);
    tcase_add_test(t, a_limit_is_kept);
    tcase_add_test(t, a_fork_needs_a_store_in_common);
    return t;
}
