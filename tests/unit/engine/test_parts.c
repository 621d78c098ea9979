/* SPDX-License-Identifier: MIT
 * Several sequences in one pass: each gets its own bits and its own errors. */
#include "engine_cases.h"

enum { N_SEQS = 5, N_TOKENS = 70, BATCH = 48 };

static const int32_t formats[] = {PHIAL_CACHE_F32, PHIAL_CACHE_F16,
                                  PHIAL_CACHE_Q8, PHIAL_CACHE_F16,
                                  PHIAL_CACHE_F32};

/* A sequence with what it reads and the logits that it has to give. */
typedef struct reader {
    ph_sequence *sequence;
    phial_token tokens[N_TOKENS];
    int rope;
    float *want, *got;
    ph_part part;
} reader;

static void open_readers(reader *readers, const ph_model *model, ph_pool *pool)
{
    const size_t floats = (size_t)N_TOKENS * model->hp.n_vocab;

    for (int i = 0; i < N_SEQS; i++) {
        reader *r = &readers[i];

        memset(r, 0, sizeof *r);
        r->sequence = new_sequence(model, pool, BATCH, formats[i]);
        r->rope = model->hp.longrope && i % 2;
        make_tokens(r->tokens, N_TOKENS, 20 + (uint64_t)i);
        r->want = logits_of(model, 1, N_TOKENS, formats[i], r->tokens, N_TOKENS,
                            r->rope);
        r->got = malloc(floats * sizeof *r->got);
    }
}

static void close_readers(reader *readers)
{
    for (int i = 0; i < N_SEQS; i++) {
        ph_sequence_free(readers[i].sequence);
        free(readers[i].want);
        free(readers[i].got);
    }
}

/* The reader's next n tokens as a part. */
static ph_part *next_part(reader *r, const ph_model *model, uint32_t n)
{
    const uint32_t at = ph_sequence_length(r->sequence);

    r->part = (ph_part){.sequence = r->sequence,
                        .tokens = r->tokens + at,
                        .n = n < N_TOKENS - at ? n : N_TOKENS - at,
                        .rope = r->rope,
                        .want = PH_LOGITS_ALL,
                        .logits = r->got + (size_t)at * model->hp.n_vocab};
    return &r->part;
}

/* All of them to the end, in passes of changing parts. */
static void read_together(reader *readers, const ph_model *model, uint64_t seed)
{
    for (uint64_t step = 0, done = 0; done < N_SEQS; step++) {
        ph_part *parts[N_SEQS];
        uint32_t n_parts = 0, n = 0;

        done = 0;
        for (uint64_t i = 0; i < N_SEQS; i++) {
            reader *r = &readers[(i + step) % N_SEQS];
            const uint64_t draw = tiny_random(seed, step * N_SEQS + i);
            const uint32_t chunk = draw % 3 ? 1 : (uint32_t)(draw / 3 % 20 + 1);

            done += ph_sequence_length(r->sequence) == N_TOKENS;
            if (ph_sequence_length(r->sequence) == N_TOKENS || draw % 7 == 0 ||
                n + chunk > BATCH)
                continue;
            parts[n_parts] = next_part(r, model, chunk);
            n += parts[n_parts++]->n;
        }
        if (n_parts)
            ck_status(ph_forward_parts(parts[0]->sequence, parts, n_parts),
                      PHIAL_OK);
        for (uint32_t i = 0; i < n_parts; i++)
            ck_status(parts[i]->failure.status, PHIAL_OK);
    }
}

START_TEST(a_part_gets_the_bits_that_it_gets_alone)
{
    ph_model *model =
        open_tiny((tiny_family)(_i % 4), _i < 4 ? PH_Q4_K : PH_F32);
    ph_pool *pool = new_pool(1 + (uint32_t)_i % 3);
    reader readers[N_SEQS];

    open_readers(readers, model, pool);
    read_together(readers, model, (uint64_t)_i);
    for (int i = 0; i < N_SEQS; i++)
        ck_assert_msg(
            memcmp(readers[i].got, readers[i].want,
                   (size_t)N_TOKENS * model->hp.n_vocab * sizeof(float)) == 0,
            "other bits in sequence %d", i);
    close_readers(readers);
    ph_pool_free(pool);
    ph_model_free(model);
}
END_TEST

static void says(const ph_part *part, phial_status status, const char *what)
{
    ck_status(part->failure.status, status);
    ck_assert_msg(strstr(part->failure.text, what) != NULL, "\"%s\" in \"%s\"",
                  what, part->failure.text);
    ck_assert_uint_eq(ph_sequence_length(part->sequence), 0);
}

START_TEST(a_part_that_fails_does_not_disturb_the_others)
{
    ph_model *model = open_tiny(TINY_PHI4, PH_Q4_K);
    ph_pool *pool = new_pool(2);
    reader r[N_SEQS];
    ph_part *parts[N_SEQS];
    atomic_int cancel;

    atomic_init(&cancel, 1);
    open_readers(r, model, pool);
    for (int i = 0; i < N_SEQS; i++)
        parts[i] = next_part(&r[i], model, 5);
    r[0].tokens[3] = -7;
    parts[1]->rope = 9;
    parts[3]->cancel = &cancel;
    ck_status(ph_forward_parts(parts[0]->sequence, parts, N_SEQS), PHIAL_OK);
    says(parts[0], PHIAL_E_ARGUMENT, "token 3 of the input is -7");
    says(parts[1], PHIAL_E_ARGUMENT, "factors number 9");
    says(parts[3], PHIAL_E_CANCELLED, "cancelled");
    for (int i = 2; i < N_SEQS; i += 2) {
        ck_status(parts[i]->failure.status, PHIAL_OK);
        ck_assert_uint_eq(ph_sequence_length(r[i].sequence), 5);
        ck_assert_mem_eq(r[i].got, r[i].want,
                         5 * model->hp.n_vocab * sizeof(float));
    }
    ck_status(ph_forward_parts(parts[0]->sequence, parts, 2),
              PHIAL_OK); /* none is left */
    says(parts[0], PHIAL_E_ARGUMENT, "token 3");
    close_readers(r);
    ph_pool_free(pool);
    ph_model_free(model);
}
END_TEST

START_TEST(more_tokens_than_the_buffers_have_room_for)
{
    ph_model *model = open_tiny(TINY_PHI4, PH_Q4_K);
    ph_pool *pool = new_pool(1);
    reader r[N_SEQS];
    ph_part *parts[N_SEQS];

    open_readers(r, model, pool);
    for (int i = 0; i < N_SEQS; i++)
        parts[i] = next_part(&r[i], model, BATCH / N_SEQS + 1);
    ck_status(ph_forward_parts(parts[0]->sequence, parts, N_SEQS),
              PHIAL_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "50 tokens in one pass"));
    for (int i = 0; i < N_SEQS; i++)
        ck_assert_uint_eq(ph_sequence_length(r[i].sequence), 0);
    ck_status(ph_forward_parts(parts[0]->sequence, parts, N_SEQS - 1),
              PHIAL_OK);
    close_readers(r);
    ph_pool_free(pool);
    ph_model_free(model);
}
END_TEST

TCase *parts_cases(void)
{
    TCase *t = tcase_create("parts");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_part_gets_the_bits_that_it_gets_alone, 0, 8);
    tcase_add_test(t, a_part_that_fails_does_not_disturb_the_others);
    tcase_add_test(t, more_tokens_than_the_buffers_have_room_for);
    return t;
}
