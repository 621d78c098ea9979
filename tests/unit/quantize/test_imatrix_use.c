/* SPDX-License-Identifier: MIT
 * What an importance matrix does to a file: where errors become smaller, and
 * what stays as it is. */
#include "quantize_cases.h"

#include "failing_heap.h"
#include "formats/formats.h"
#include "kernels/kernels.h"
#include "tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COLS = 256, FF = 512, N_TOKENS = 1024 };

#define DOWN "blk.0.ffn_down.weight"
#define QKV "blk.0.attn_qkv.weight"

static char folder[] = "/tmp/phial-imatrix-XXXXXX";
static char matrix[64], in[64], out[64];
static double sums[FF];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(matrix, sizeof matrix, "%s/i.gguf", folder);
    snprintf(in, sizeof in, "%s/in.gguf", folder);
    snprintf(out, sizeof out, "%s/out.gguf", folder);
    for (uint64_t i = 0; i < FF; i++)
        sums[i] = exp(4 * (double)tiny_uniform(11, i));
}

/* Nothing else may be left in the folder. */
static void teardown(void)
{
    unlink(matrix);
    unlink(in);
    unlink(out);
    ck_assert_int_eq(rmdir(folder), 0);
}

static phial_status write_entries(const ph_heap *heap,
                                  const ph_imatrix_entry *entries, size_t n)
{
    const ph_imatrix_content content = {.dataset = PH_STR("a.txt"),
                                        .n_chunks = 2,
                                        .chunk_size = 512,
                                        .n_tokens = N_TOKENS,
                                        .entries = entries,
                                        .n = n};

    return ph_imatrix_write(heap, matrix, &content);
}

static void write_good(void)
{
    static const ph_imatrix_entry entries[] = {
        {DOWN, FF, sums},
        {QKV, COLS, sums},
        {"blk.7.of_another_model.weight", 32, sums}};

    ck_status(write_entries(&ph_libc_heap, entries, 3), PHIAL_OK);
}

static void write_model(void)
{
    tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    gguf_writer *w;

    m.n_embd = COLS;
    m.n_ff = FF;
    m.n_heads = 4;
    m.n_kv_heads = 2;
    m.head_dim = 64;
    m.n_rot = 64;
    w = tiny_model_build(&m);
    gguf_write(w, in);
    gguf_writer_free(w);
}

static phial_status quantize(const ph_heap *heap, int32_t weights,
                             const char *imatrix, uint32_t n_threads)
{
    ph_quantize_config config = {
        .heap = heap, .weights = weights, .imatrix = imatrix};
    phial_status status = ph_pool_new(heap, n_threads, &config.pool);

    if (status == PHIAL_OK)
        status = ph_quantize(in, out, &config);
    ph_pool_free(config.pool);
    return status;
}

static uint8_t *data_of(const char *path, const char *name, size_t *n)
{
    const ph_gguf_tensor *tensor;
    uint8_t *data;
    ph_gguf *gguf;

    ck_status(ph_gguf_open(&ph_libc_heap, path, &gguf), PHIAL_OK);
    tensor = ph_gguf_find_tensor(gguf, name);
    *n = (size_t)tensor->bytes;
    data = malloc(*n);
    ck_status(ph_gguf_read(gguf, tensor, 0, data, *n), PHIAL_OK);
    ph_gguf_free(gguf);
    return data;
}

/* Squares of errors of a matrix in Q2_K, each times what its column counts. */
static double error_of(const char *name, size_t cols)
{
    size_t n, size;
    uint8_t *was = data_of(in, name, &n), *is = data_of(out, name, &size);
    const float *x = (const float *)(void *)was;
    float *y = malloc(n);
    double sum = 0;

    n /= sizeof *x;
    ph_dequantize(PH_Q2_K, is, y, n);
    for (size_t i = 0; i < n; i++) {
        const double error = (double)x[i] - (double)y[i];

        sum += sums[i % cols] * error * error;
    }
    free(was);
    free(is);
    free(y);
    return sum;
}

START_TEST(errors_of_columns_that_count_become_smaller)
{
    double without, with;

    write_model();
    write_good();
    ck_status(quantize(&ph_libc_heap, PHIAL_WEIGHTS_Q2_K, NULL, 1), PHIAL_OK);
    without = error_of(QKV, COLS);
    ck_status(quantize(&ph_libc_heap, PHIAL_WEIGHTS_Q2_K, matrix, 1), PHIAL_OK);
    with = error_of(QKV, COLS);
    ck_assert_msg(with < 0.9 * without, "%g becomes %g", without, with);
}
END_TEST

/* Tensors of which it says nothing stay what they are without it. */
START_TEST(only_what_it_names_changes)
{
    static const char *const names[] = {DOWN, QKV, "blk.1.ffn_down.weight",
                                        "blk.0.ffn_up.weight"};
    uint8_t *before[4], *after;
    size_t n[4], m;

    write_model();
    write_good();
    ck_status(quantize(&ph_libc_heap, PHIAL_WEIGHTS_Q4_0, NULL, 2), PHIAL_OK);
    for (int i = 0; i < 4; i++)
        before[i] = data_of(out, names[i], &n[i]);
    ck_status(quantize(&ph_libc_heap, PHIAL_WEIGHTS_Q4_0, matrix, 2), PHIAL_OK);
    for (int i = 0; i < 4; i++) {
        after = data_of(out, names[i], &m);
        ck_assert_uint_eq(n[i], m);
        ck_assert_int_eq(memcmp(before[i], after, m) == 0, i > 1);
        free(before[i]);
        free(after);
    }
}
END_TEST

START_TEST(threads_do_not_change_a_byte_of_it)
{
    uint8_t *first, *other;
    size_t n, m;

    write_model();
    write_good();
    ck_status(quantize(&ph_libc_heap, _i, matrix, 1), PHIAL_OK);
    first = contents(out, &n);
    for (uint32_t threads = 2; threads <= 8; threads += 3) {
        ck_status(quantize(&ph_libc_heap, _i, matrix, threads), PHIAL_OK);
        other = contents(out, &m);
        ck_assert_uint_eq(n, m);
        ck_assert_mem_eq(first, other, n);
        free(other);
    }
    free(first);
}
END_TEST

static void check_number(const ph_gguf *gguf, const char *key, uint32_t want)
{
    uint32_t got;

    ck_status(ph_gguf_u32(gguf, key, NULL, &got), PHIAL_OK);
    ck_assert_uint_eq(got, want);
}

START_TEST(the_file_says_what_it_was_made_with)
{
    ph_gguf *gguf;
    ph_str said;

    write_model();
    write_good();
    ck_status(quantize(&ph_libc_heap, PHIAL_WEIGHTS_Q4_0, matrix, 2), PHIAL_OK);
    ck_status(ph_gguf_open(&ph_libc_heap, out, &gguf), PHIAL_OK);
    ck_status(ph_gguf_str(gguf, "quantize.imatrix.file", NULL, &said),
              PHIAL_OK);
    ck_assert(ph_str_is(said, matrix));
    ck_status(ph_gguf_str(gguf, "quantize.imatrix.dataset", NULL, &said),
              PHIAL_OK);
    ck_assert(ph_str_is(said, "a.txt"));
    check_number(gguf, "quantize.imatrix.entries_count", 3);
    check_number(gguf, "quantize.imatrix.chunks_count", 2);
    ph_gguf_free(gguf);
}
END_TEST

static void refused(phial_status status, const char *says)
{
    ck_status(quantize(&ph_libc_heap, PHIAL_WEIGHTS_Q4_0, matrix, 1), status);
    ck_assert_msg(strstr(ph_error_text(), says), "%s", ph_error_text());
    ck_assert_int_ne(access(out, F_OK), 0);
}

START_TEST(one_of_another_model_writes_nothing)
{
    static const ph_imatrix_entry longer[] = {
        {QKV, COLS, sums}, {"blk.1.attn_output.weight", 64, sums}};

    write_model();
    refused(PHIAL_E_IO, "i.gguf");
    ck_status(write_entries(&ph_libc_heap, longer, 2), PHIAL_OK);
    refused(PHIAL_E_MISMATCH, "blk.1.attn_output.weight.in_sum2");
    ck_status(write_entries(&ph_libc_heap, longer + 1, 0), PHIAL_OK);
    refused(PHIAL_E_FORMAT, "no sums");
}
END_TEST

START_TEST(one_that_fits_nothing_writes_nothing)
{
    static const ph_imatrix_entry strange = {"blk.99.ffn_down.weight", FF,
                                             sums};

    write_model();
    ck_status(write_entries(&ph_libc_heap, &strange, 1), PHIAL_OK);
    refused(PHIAL_E_MISMATCH, "none of the matrices");
}
END_TEST

/* ---- Memory ------------------------------------------------------------ */

static phial_status write_and_use(void *user, const ph_heap *heap)
{
    static const ph_imatrix_entry entry = {DOWN, FF, sums};

    (void)user;
    PH_TRY(write_entries(heap, &entry, 1));
    return quantize(heap, PHIAL_WEIGHTS_IQ4_XS, matrix, 1);
}

START_TEST(every_allocation_may_fail)
{
    size_t n_points;

    write_model();
    ck_assert_uint_eq(failing_heap_loop(write_and_use, NULL, &n_points), 0);
    ck_assert_uint_gt(n_points, 30);
}
END_TEST

TCase *imatrix_use_cases(void)
{
    TCase *tc = tcase_create("imatrix use");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, errors_of_columns_that_count_become_smaller);
    tcase_add_test(tc, only_what_it_names_changes);
    tcase_add_loop_test(tc, threads_do_not_change_a_byte_of_it, 0,
                        PHIAL_WEIGHTS_Q2_K + 1);
    tcase_add_test(tc, the_file_says_what_it_was_made_with);
    tcase_add_test(tc, one_of_another_model_writes_nothing);
    tcase_add_test(tc, one_that_fits_nothing_writes_nothing);
    tcase_add_test(tc, every_allocation_may_fail);
    return tc;
}
