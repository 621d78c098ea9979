/* SPDX-License-Identifier: MIT
 * Importance matrices: what is written is read, and what is damaged is refused.
 */
#include "quantize_cases.h"

#include "formats/formats.h"
#include "tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COLS = 256, FF = 512 };

static char folder[] = "/tmp/phial-imatrix-XXXXXX";
static char matrix[64];
static float sums[FF];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(matrix, sizeof matrix, "%s/i.gguf", folder);
    for (uint64_t i = 0; i < FF; i++)
        sums[i] = expf(4 * tiny_uniform(11, i));
}

/* Nothing else may be left in the folder. */
static void teardown(void)
{
    unlink(matrix);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- Files as llama-imatrix writes them --------------------------------- */

static void put_entry(gguf_writer *w, const char *name, uint64_t cols)
{
    const float count = 1024;
    char full[80];

    snprintf(full, sizeof full, "%s.in_sum2", name);
    gguf_put_tensor(w, full, PH_F32, (uint64_t[]){cols, 1}, 2, sums);
    snprintf(full, sizeof full, "%s.counts", name);
    gguf_put_tensor(w, full, PH_F32, (uint64_t[]){1, 1}, 2, &count);
}

static gguf_writer *good(void)
{
    static const ph_str datasets[] = {PH_STR("a.txt"), PH_STR("b.txt")};
    gguf_writer *w = gguf_writer_new();

    gguf_put_str(w, "general.type", "imatrix");
    gguf_put_strings(w, "imatrix.datasets", datasets, 2);
    gguf_put_u32(w, "imatrix.chunk_count", 2);
    gguf_put_u32(w, "imatrix.chunk_size", 512);
    put_entry(w, "blk.0.ffn_down.weight", FF);
    put_entry(w, "blk.0.attn_qkv.weight", COLS);
    put_entry(w, "blk.7.of_another_model.weight", 32);
    return w;
}

static void write_good(void)
{
    gguf_writer *w = good();

    gguf_write(w, matrix);
    gguf_writer_free(w);
}

static phial_status find(const ph_imatrix *m, const char *name, uint64_t cols,
                         const float **found)
{
    const ph_gguf_tensor tensor = {
        .name = ph_str_of(name), .n_dims = 2, .dims = {cols, 7, 1, 1}};

    *found = (const float *)(const void *)folder;
    return ph_imatrix_find(m, &tensor, found);
}

/* Columns by their sums, 1 on average. */
static void check_columns(const float *got, size_t n)
{
    double mean = 0;

    ck_assert_ptr_nonnull(got);
    for (size_t i = 0; i < n; i++)
        mean += (double)sums[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        ck_assert_double_eq_tol((double)got[i], (double)sums[i] / mean,
                                1e-6 * (double)got[i]);
}

START_TEST(columns_are_found_by_tensor)
{
    ph_imatrix *m = NULL;
    const float *found, *whole;

    write_good();
    ck_status(ph_imatrix_open(&ph_libc_heap, matrix, &m), PHIAL_OK);
    ck_assert_uint_eq(ph_imatrix_n_entries(m), 3);
    ck_assert_uint_eq(ph_imatrix_n_chunks(m), 2);
    ck_assert(ph_str_is(ph_imatrix_dataset(m), "a.txt"));
    ck_status(find(m, "blk.0.ffn_down.weight", FF, &found), PHIAL_OK);
    check_columns(found, FF);
    ck_status(find(m, "blk.0.attn_qkv.weight", COLS, &whole), PHIAL_OK);
    check_columns(whole, COLS);
    ck_status(find(m, "blk.0.attn_k.weight", COLS, &found), PHIAL_OK);
    ck_assert_ptr_eq(found, whole);
    ck_status(find(m, "blk.1.attn_k.weight", COLS, &found), PHIAL_OK);
    ck_assert_ptr_null(found);
    ck_status(find(m, "blk.0.ffn_down.weight", FF - 256, &found),
              PHIAL_E_MISMATCH);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "512 elements"));
    ph_imatrix_free(m);
}
END_TEST

START_TEST(sums_that_are_far_apart_keep_within_limits)
{
    const float *found;
    ph_imatrix *m = NULL;
    gguf_writer *w;

    for (size_t i = 0; i < FF; i++)
        sums[i] = i ? 0 : 1e38f;
    write_good();
    ck_status(ph_imatrix_open(&ph_libc_heap, matrix, &m), PHIAL_OK);
    ck_status(find(m, "blk.0.ffn_down.weight", FF, &found), PHIAL_OK);
    ck_assert_float_eq(found[0], FF);
    ck_assert_float_eq(found[1], PH_IMPORTANCE_LEAST);
    ph_imatrix_free(m);
    sums[0] = 0;
    w = good();
    gguf_write(w, matrix);
    gguf_writer_free(w);
    ck_status(ph_imatrix_open(&ph_libc_heap, matrix, &m), PHIAL_OK);
    ck_status(find(m, "blk.0.ffn_down.weight", FF, &found), PHIAL_OK);
    ck_assert_float_eq(found[1], 1);
    ph_imatrix_free(m);
}
END_TEST

/* ---- What is refused --------------------------------------------------- */

#define DOWN "blk.0.ffn_down.weight"

static void of_a_model(gguf_writer *w)
{
    gguf_put_str(w, "general.type", "model");
}

static void of_no_type(gguf_writer *w)
{
    gguf_remove_key(w, "general.type");
}

static void without_count(gguf_writer *w)
{
    gguf_remove_tensor(w, DOWN ".counts");
}

static void without_sums(gguf_writer *w)
{
    gguf_remove_tensor(w, DOWN ".in_sum2");
}

static void put_count(gguf_writer *w, float value)
{
    gguf_put_tensor(w, DOWN ".counts", PH_F32, (uint64_t[]){1, 1}, 2, &value);
}

static void count_of_none(gguf_writer *w)
{
    put_count(w, 0);
}

static void negative_count(gguf_writer *w)
{
    put_count(w, -1);
}

static void put_sum(gguf_writer *w, float value)
{
    float spoiled[FF];

    memcpy(spoiled, sums, sizeof spoiled);
    spoiled[FF - 1] = value;
    gguf_put_tensor(w, DOWN ".in_sum2", PH_F32, (uint64_t[]){FF, 1}, 2,
                    spoiled);
}

static void negative_sum(gguf_writer *w)
{
    put_sum(w, -1e-9f);
}

static void sum_of_nan(gguf_writer *w)
{
    put_sum(w, NAN);
}

static void infinite_sum(gguf_writer *w)
{
    put_sum(w, INFINITY);
}

static void of_experts(gguf_writer *w)
{
    gguf_put_tensor(w, DOWN ".in_sum2", PH_F32, (uint64_t[]){FF / 2, 2}, 2,
                    sums);
}

static void many_counts(gguf_writer *w)
{
    gguf_put_tensor(w, DOWN ".counts", PH_F32, (uint64_t[]){2, 1}, 2, sums);
}

static void sums_in_halves(gguf_writer *w)
{
    gguf_put_tensor(w, DOWN ".in_sum2", PH_F16, (uint64_t[]){FF, 1}, 2, sums);
}

static void datasets_in_numbers(gguf_writer *w)
{
    gguf_put_array(w, "imatrix.datasets", PH_GGUF_U32, sums, 1);
}

static const struct {
    void (*spoil)(gguf_writer *w);
    phial_status status;
    const char *says;
} wrong[] = {
    {of_a_model, PHIAL_E_UNSUPPORTED, "general.type is \"model\""},
    {of_no_type, PHIAL_E_UNSUPPORTED, "expected \"imatrix\""},
    {without_count, PHIAL_E_FORMAT, DOWN ".in_sum2\" has no \".counts\""},
    {without_sums, PHIAL_E_FORMAT, DOWN ".counts\" has no \".in_sum2\""},
    {count_of_none, PHIAL_E_FORMAT, "no token was read"},
    {negative_count, PHIAL_E_FORMAT, DOWN ".counts\" holds"},
    {negative_sum, PHIAL_E_FORMAT, DOWN ".in_sum2\" holds"},
    {sum_of_nan, PHIAL_E_FORMAT, DOWN ".in_sum2\" holds"},
    {infinite_sum, PHIAL_E_FORMAT, DOWN ".in_sum2\" holds"},
    {of_experts, PHIAL_E_FORMAT, "more than one row"},
    {many_counts, PHIAL_E_FORMAT, "more than one element"},
    {sums_in_halves, PHIAL_E_FORMAT, "is not F32"},
    {datasets_in_numbers, PHIAL_E_FORMAT, "imatrix.datasets"},
};

START_TEST(a_damaged_file_is_refused_with_what_is_wrong)
{
    ph_imatrix *m = (ph_imatrix *)(void *)folder;
    gguf_writer *w = good();

    wrong[_i].spoil(w);
    gguf_write(w, matrix);
    gguf_writer_free(w);
    ck_status(ph_imatrix_open(&ph_libc_heap, matrix, &m), wrong[_i].status);
    ck_assert_msg(strstr(ph_error_text(), wrong[_i].says), "%s",
                  ph_error_text());
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "i.gguf"));
    ck_assert_ptr_eq(m, folder);
}
END_TEST

START_TEST(other_tensors_are_passed_over_but_not_if_they_are_all)
{
    gguf_writer *w = good();
    ph_imatrix *m = NULL;

    gguf_put_tensor(w, "something.new", PH_F16, (uint64_t[]){4, 4}, 2, NULL);
    gguf_write(w, matrix);
    gguf_writer_free(w);
    ck_status(ph_imatrix_open(&ph_libc_heap, matrix, &m), PHIAL_OK);
    ck_assert_uint_eq(ph_imatrix_n_entries(m), 3);
    ph_imatrix_free(m);
    w = gguf_writer_new();
    gguf_put_str(w, "general.type", "imatrix");
    gguf_put_tensor(w, "something.new", PH_F16, (uint64_t[]){4, 4}, 2, NULL);
    gguf_write(w, matrix);
    gguf_writer_free(w);
    ck_status(ph_imatrix_open(&ph_libc_heap, matrix, &m), PHIAL_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "no sums"));
}
END_TEST

/* ---- Writing ----------------------------------------------------------- */

static ph_imatrix_content content_of(ph_imatrix_entry *entry,
                                     const double *values, uint32_t n)
{
    *entry = (ph_imatrix_entry){
        .name = "blk.0.ffn_down.weight", .cols = n, .sums = values};
    return (ph_imatrix_content){.dataset = PH_STR("a text"),
                                .n_chunks = 3,
                                .chunk_size = 128,
                                .n_tokens = 300,
                                .entries = entry,
                                .n = 1};
}

static void check_number(const ph_gguf *gguf, const char *key, uint32_t want)
{
    uint32_t got;

    ck_status(ph_gguf_u32(gguf, key, NULL, &got), PHIAL_OK);
    ck_assert_uint_eq(got, want);
}

static void check_tensor(const ph_gguf *gguf, const char *name,
                         const float *want, uint64_t n)
{
    const ph_gguf_tensor *tensor = ph_gguf_find_tensor(gguf, name);
    float got[FF];

    ck_assert_ptr_nonnull(tensor);
    ck_assert_uint_eq(tensor->dims[0], n);
    ck_status(ph_gguf_read(gguf, tensor, 0, got, n * sizeof *got), PHIAL_OK);
    ck_assert_mem_eq(got, want, n * sizeof *got);
}

START_TEST(what_is_written_is_a_file_as_llama_imatrix_writes_it)
{
    const double values[] = {0, 0.1, 2e9, 1e-30, 7};
    const float want[] = {0, 0.1f, 2e9f, 1e-30f, 7}, count = 300;
    ph_imatrix_entry entry;
    ph_imatrix_content c = content_of(&entry, values, 5);
    ph_imatrix *m = NULL;
    ph_gguf *gguf;
    ph_str type;

    ck_status(ph_imatrix_write(&ph_libc_heap, matrix, &c), PHIAL_OK);
    ck_status(ph_gguf_open(&ph_libc_heap, matrix, &gguf), PHIAL_OK);
    ck_status(ph_gguf_str(gguf, "general.type", NULL, &type), PHIAL_OK);
    ck_assert(ph_str_is(type, "imatrix"));
    check_number(gguf, "imatrix.chunk_count", 3);
    check_number(gguf, "imatrix.chunk_size", 128);
    ck_assert_uint_eq(ph_gguf_n_tensors(gguf), 2);
    check_tensor(gguf, DOWN ".in_sum2", want, 5);
    check_tensor(gguf, DOWN ".counts", &count, 1);
    ph_gguf_free(gguf);
    ck_status(ph_imatrix_open(&ph_libc_heap, matrix, &m), PHIAL_OK);
    ck_assert(ph_str_is(ph_imatrix_dataset(m), "a text"));
    ph_imatrix_free(m);
    c.dataset = PH_STR("");
    ck_status(ph_imatrix_write(&ph_libc_heap, matrix, &c), PHIAL_OK);
    ck_status(ph_imatrix_open(&ph_libc_heap, matrix, &m), PHIAL_OK);
    ck_assert_uint_eq(ph_imatrix_dataset(m).len, 0);
    ph_imatrix_free(m);
}
END_TEST

START_TEST(sums_beyond_a_float_are_not_written)
{
    static const double bad[] = {NAN, INFINITY, 1e39};
    const double values[] = {1, bad[_i]};
    ph_imatrix_entry entry;
    const ph_imatrix_content c = content_of(&entry, values, 2);

    ck_status(ph_imatrix_write(&ph_libc_heap, matrix, &c), PHIAL_E_NUMERIC);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "column 1 of " DOWN));
    ck_assert_int_ne(access(matrix, F_OK), 0);
}
END_TEST

TCase *imatrix_cases(void)
{
    TCase *tc = tcase_create("imatrix");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, columns_are_found_by_tensor);
    tcase_add_test(tc, sums_that_are_far_apart_keep_within_limits);
    tcase_add_loop_test(tc, a_damaged_file_is_refused_with_what_is_wrong, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, other_tensors_are_passed_over_but_not_if_they_are_all);
    tcase_add_test(tc, what_is_written_is_a_file_as_llama_imatrix_writes_it);
    tcase_add_loop_test(tc, sums_beyond_a_float_are_not_written, 0, 3);
    return tc;
}
