/* SPDX-License-Identifier: MIT
 * Sums of squares of what matrices are multiplied with: beside a plain
 * computation in double precision, and with the same bits however the text is
 * read. */
#include "engine_cases.h"

#include <math.h>
#include <stdlib.h>

enum { MOST = 1024 };

static phial_status read_with(const ph_model *model, uint32_t n_threads,
                              const ph_importance_config *config,
                              const phial_token *tokens, size_t n,
                              ph_importance *out)
{
    ph_pool *pool = new_pool(n_threads);
    ph_page_store *store;
    phial_status status;

    ck_status(ph_page_store_new(&ph_libc_heap, 0, &store), PHIAL_OK);
    ck_status(ph_importance_init(out, model), PHIAL_OK);
    status = ph_importance_read(out, pool, store, config, tokens, n);
    ck_assert_uint_eq(ph_page_store_bytes(store), 0);
    ph_page_store_free(store);
    ph_pool_free(pool);
    return status;
}

/* ---- One token by itself ----------------------------------------------- */

/* Attention to a single token gives its value, whatever query and key are. */
typedef struct plain {
    const ph_model *model;
    double x[MOST], normed[MOST], mid[MOST];
} plain;

static void norm(plain *p, const float *weight)
{
    const size_t n = p->model->hp.n_embd;
    double squares = 0;

    for (size_t i = 0; i < n; i++)
        squares += p->x[i] * p->x[i];
    squares = squares / (double)n + (double)p->model->hp.rms_eps;
    for (size_t i = 0; i < n; i++)
        p->normed[i] = p->x[i] / sqrt(squares) * (double)weight[i];
}

static double dot(const ph_matrix *w, uint32_t row, const double *x)
{
    float weights[MOST];
    double sum = 0;

    ck_assert_uint_le(w->cols, MOST);
    ph_matrix_row(w, row, weights);
    for (size_t i = 0; i < w->cols; i++)
        sum += (double)weights[i] * x[i];
    return sum;
}

static void add_product(plain *p, const ph_matrix *w)
{
    for (uint32_t i = 0; i < w->rows; i++)
        p->x[i] += dot(w, i, p->mid);
}

/* Adds the squares of n elements to what was expected so far. */
static double *expect(double *at, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] += x[i] * x[i];
    return at + n;
}

static double *expect_layer(plain *p, const ph_layer *layer, double *at)
{
    const ph_hparams *hp = &p->model->hp;
    const uint32_t group = hp->n_heads / hp->n_kv_heads, dim = hp->head_dim;

    norm(p, layer->attn_norm);
    at = expect(at, p->normed, hp->n_embd);
    for (uint32_t i = 0; i < hp->n_heads * dim; i++)
        p->mid[i] = dot(&layer->v, i / dim / group * dim + i % dim, p->normed);
    at = expect(at, p->mid, (size_t)hp->n_heads * dim);
    add_product(p, &layer->attn_out);
    norm(p, layer->ffn_norm);
    at = expect(at, p->normed, hp->n_embd);
    for (uint32_t i = 0; i < hp->n_ff; i++) {
        const double gate = dot(&layer->gate, i, p->normed);

        p->mid[i] = gate / (1 + exp(-gate)) * dot(&layer->up, i, p->normed);
    }
    at = expect(at, p->mid, hp->n_ff);
    add_product(p, &layer->down);
    return at;
}

static double *expect_token(const ph_model *model, phial_token token,
                            double *sums)
{
    plain p = {.model = model};
    float row[MOST];

    ph_matrix_row(&model->embedding, (uint32_t)token, row);
    for (size_t i = 0; i < model->hp.n_embd; i++)
        p.x[i] = (double)row[i];
    for (uint32_t i = 0; i < model->hp.n_layers; i++)
        sums = expect_layer(&p, &model->layers[i], sums);
    norm(&p, model->output_norm);
    return expect(sums, p.normed, model->hp.n_embd);
}

START_TEST(sums_equal_a_plain_computation)
{
    enum { N = 5 };
    static const phial_token tokens[N] = {3, 1, 4, 1, 5};
    const ph_importance_config config = {
        .n_context = 1, .n_batch = 1, .bos = PHIAL_NO_TOKEN};
    ph_model *model = open_tiny((tiny_family)_i, PH_F32);
    double *want = calloc((size_t)64 * MOST, sizeof *want), *end = want;
    double largest = 0;
    ph_importance got;

    for (size_t i = 0; i < N; i++)
        end = expect_token(model, tokens[i], want);
    ck_status(read_with(model, 2, &config, tokens, N, &got), PHIAL_OK);
    ck_assert_uint_eq(got.n_tokens, N);
    ck_assert_uint_eq(got.n_windows, N);
    for (ptrdiff_t i = 0; i < end - want; i++) {
        const double error = fabs(got.sums[i] - want[i]);

        largest = fmax(largest, error / (want[i] + 1e-6));
    }
    ck_assert_msg(largest < 1e-4, "a sum is off by %g of it", largest);
    ck_assert_ptr_eq(ph_importance_sums(&got, 0, PH_LORA_ATTN), got.sums);
    ck_assert_ptr_eq(ph_importance_head(&got) + model->hp.n_embd,
                     got.sums + (end - want));
    ph_importance_free(&got);
    ph_model_free(model);
    free(want);
}
END_TEST

/* ---- Windows ----------------------------------------------------------- */

static size_t n_sums(const ph_importance *s)
{
    return (size_t)(ph_importance_head(s) - s->sums) + s->model->hp.n_embd;
}

static void check_same(const ph_importance *a, const ph_importance *b)
{
    ck_assert_uint_eq(a->n_tokens, b->n_tokens);
    ck_assert_uint_eq(a->n_windows, b->n_windows);
    ck_assert_mem_eq(a->sums, b->sums, n_sums(a) * sizeof *a->sums);
}

START_TEST(threads_and_passes_leave_no_trace)
{
    static const ph_dtype types[] = {PH_F32, PH_Q4_K, PH_Q8_0};
    static const uint32_t batches[] = {70, 64, 7, 1};
    enum { N = 150 };
    ph_importance_config config = {.n_context = 70, .n_batch = 64, .bos = 2};
    phial_token tokens[N];

    make_tokens(tokens, N, 5);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ph_model *model = open_tiny((tiny_family)_i, types[i]);
        ph_importance first, other;

        ck_status(read_with(model, 1, &config, tokens, N, &first), PHIAL_OK);
        ck_assert_uint_eq(first.n_tokens, N + 3);
        for (uint32_t n = 1; n <= 8; n++) {
            config.n_batch = batches[n % 4];
            ck_status(read_with(model, n, &config, tokens, N, &other),
                      PHIAL_OK);
            check_same(&first, &other);
            ph_importance_free(&other);
        }
        ph_importance_free(&first);
        ph_model_free(model);
    }
}
END_TEST

START_TEST(windows_are_read_by_themselves)
{
    enum { N = 7 };
    ph_importance_config config = {.n_context = 4, .n_batch = 4, .bos = 2};
    static const phial_token tokens[N] = {9, 8, 7, 9, 8, 7, 6};
    ph_model *model = open_tiny(TINY_PHI4, PH_F32);
    ph_importance all, two, one;
    size_t i;

    ck_status(read_with(model, 1, &config, tokens, N, &all), PHIAL_OK);
    ck_assert_uint_eq(all.n_windows, 3);
    ck_assert_uint_eq(all.n_tokens, N + 3);
    config.max_windows = 2;
    ck_status(read_with(model, 1, &config, tokens, N, &two), PHIAL_OK);
    ck_assert_uint_eq(two.n_windows, 2);
    ck_assert_uint_eq(two.n_tokens, 8);
    config.max_windows = 1;
    ck_status(read_with(model, 1, &config, tokens, N, &one), PHIAL_OK);
    ck_assert_uint_eq(one.n_tokens, 4);
    for (i = 0; i < n_sums(&one); i++)
        ck_assert_double_eq_tol(two.sums[i], 2 * one.sums[i],
                                1e-12 * two.sums[i]);
    ph_importance_free(&one);
    ph_importance_free(&two);
    ph_importance_free(&all);
    ph_model_free(model);
}
END_TEST

static int32_t give_up(void *user, float fraction)
{
    int *calls = user;

    ck_assert(fraction >= 0 && fraction <= 1);
    return ++*calls == 3;
}

START_TEST(the_hook_may_give_up)
{
    int calls = 0;
    const ph_importance_config config = {.n_context = 4,
                                         .n_batch = 2,
                                         .bos = PHIAL_NO_TOKEN,
                                         .progress = give_up,
                                         .progress_user = &calls};
    static const phial_token tokens[20] = {1, 2, 3};
    ph_model *model = open_tiny(TINY_PHI4, PH_F32);
    ph_importance sums;

    ck_status(read_with(model, 2, &config, tokens, 20, &sums),
              PHIAL_E_CANCELLED);
    ck_assert_int_eq(calls, 3);
    ck_assert_uint_eq(sums.n_tokens, 4);
    ph_importance_free(&sums);
    ph_model_free(model);
}
END_TEST

START_TEST(weights_that_are_no_numbers_are_noticed)
{
    const ph_importance_config config = {
        .n_context = 4, .n_batch = 4, .bos = PHIAL_NO_TOKEN};
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    gguf_writer *w = tiny_model_build(&m);
    float *bad = calloc(m.n_embd, sizeof *bad);
    const phial_token token = 1;
    ph_importance sums;
    ph_model *model;

    bad[0] = NAN;
    gguf_put_tensor(w, "blk.0.ffn_norm.weight", PH_F32, (uint64_t[]){m.n_embd},
                    1, bad);
    model = open_writer(w);
    ck_status(read_with(model, 1, &config, &token, 1, &sums), PHIAL_E_NUMERIC);
    ph_importance_free(&sums);
    ph_model_free(model);
    free(bad);
}
END_TEST

TCase *importance_cases(void)
{
    TCase *t = tcase_create("importance");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, sums_equal_a_plain_computation, 0, TINY_FAMILIES);
    tcase_add_loop_test(t, threads_and_passes_leave_no_trace, 0, TINY_FAMILIES);
    tcase_add_test(t, windows_are_read_by_themselves);
    tcase_add_test(t, the_hook_may_give_up);
    tcase_add_test(t, weights_that_are_no_numbers_are_noticed);
    return t;
}
