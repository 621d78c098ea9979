/* SPDX-License-Identifier: MIT
 * The table of tensor types, against the block sizes of the specification. */
#include "base/dtype.h"
#include "base_cases.h"
#include "check_main.h"

START_TEST(every_type_that_we_run_has_the_published_block_size)
{
    /* id, name, elements, bytes per 256 elements: bits per weight * 32 */
    static const struct {
        uint32_t id;
        const char *name;
        uint64_t bytes_of_256;
    } runs[] = {
        {0, "F32", 1024},  {1, "F16", 512},     {30, "BF16", 512},
        {2, "Q4_0", 144},  {3, "Q4_1", 160},    {6, "Q5_0", 176},
        {7, "Q5_1", 192},  {8, "Q8_0", 272},    {10, "Q2_K", 84},
        {11, "Q3_K", 110}, {12, "Q4_K", 144},   {13, "Q5_K", 176},
        {14, "Q6_K", 210}, {20, "IQ4_NL", 144}, {23, "IQ4_XS", 136},
    };
    const size_t n = sizeof runs / sizeof *runs;
    size_t n_run = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t bytes = 0;

        ck_assert_str_eq(ph_dtype_get(runs[i].id)->name, runs[i].name);
        ck_assert(ph_dtype_bytes((ph_dtype)runs[i].id, 256, &bytes));
        ck_assert_uint_eq(bytes, runs[i].bytes_of_256);
    }
    for (uint32_t id = 0; id < 1000; id++) {
        const ph_dtype_info *info = ph_dtype_get(id);

        n_run += info && info->block_elems;
    }
    ck_assert_uint_eq(n_run, n);
}
END_TEST

START_TEST(refused_types_are_named_and_unassigned_ids_are_not)
{
    static const struct {
        uint32_t id;
        const char *name;
    } refused[] = {
        {4, "Q4_2"},      {5, "Q4_3"},      {9, "Q8_1"},      {15, "Q8_K"},
        {16, "IQ2_XXS"},  {29, "IQ1_M"},    {31, "Q4_0_4_4"}, {33, "Q4_0_8_8"},
        {34, "TQ1_0"},    {39, "MXFP4"},    {42, "Q2_0"},     {137, "IQ2_K"},
        {202, "Q4_0_R8"}, {399, "Q8_K_R8"},
    };
    static const uint32_t unassigned[] = {43,  100, 132,   142,       143,
                                          159, 400, 65536, UINT32_MAX};
    uint64_t bytes = 5;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const ph_dtype_info *info = ph_dtype_get(refused[i].id);

        ck_assert_ptr_nonnull(info);
        ck_assert_str_eq(info->name, refused[i].name);
        ck_assert_uint_eq(info->block_elems, 0);
        ck_assert(!ph_dtype_bytes((ph_dtype)refused[i].id, 256, &bytes));
    }
    for (size_t i = 0; i < sizeof unassigned / sizeof *unassigned; i++)
        ck_assert_ptr_null(ph_dtype_get(unassigned[i]));
    ck_assert_uint_eq(bytes, 5);
}
END_TEST

START_TEST(bytes_need_whole_blocks_and_do_not_overflow)
{
    uint64_t bytes = 5;

    ck_assert(!ph_dtype_bytes(PH_Q4_K, 255, &bytes));
    ck_assert(!ph_dtype_bytes(PH_Q4_0, 33, &bytes));
    ck_assert(!ph_dtype_bytes(PH_F32, UINT64_MAX / 2, &bytes));
    ck_assert(!ph_dtype_bytes(PH_F32, 1ull << 62, &bytes));
    ck_assert_uint_eq(bytes, 5);
    ck_assert(ph_dtype_bytes(PH_F32, (1ull << 62) - 1, &bytes));
    ck_assert_uint_eq(bytes, UINT64_MAX - 3);
    ck_assert(ph_dtype_bytes(PH_Q6_K, 0, &bytes));
    ck_assert_uint_eq(bytes, 0);
}
END_TEST

void dtype_cases(Suite *suite)
{
    TCase *tc = tcase_create("dtype");

    tcase_add_test(tc, every_type_that_we_run_has_the_published_block_size);
    tcase_add_test(tc, refused_types_are_named_and_unassigned_ids_are_not);
    tcase_add_test(tc, bytes_need_whole_blocks_and_do_not_overflow);
    suite_add_tcase(suite, tc);
}
