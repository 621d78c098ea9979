/* SPDX-License-Identifier: MIT
 * api: structs whose size the caller and the library know differently. */
#include "api/handles.h"
#include "check_main.h"

typedef struct known {
    uint32_t struct_size;
    uint32_t a;
    uint64_t b;
} known;

typedef struct newer {
    known k;
    uint64_t c;
} newer;

enum { V1 = 8 }; /* struct_size and a */

START_TEST(an_absent_struct_is_all_zero)
{
    known k = {1, 2, 3};

    ck_status(ph_struct_in("s", &k, sizeof k, NULL, V1), PHIAL_OK);
    ck_assert(k.struct_size == 0 && k.a == 0 && k.b == 0);
}
END_TEST

START_TEST(fields_that_an_older_caller_lacks_are_zero)
{
    known given = {V1, 5, 6}, got = {0};

    ck_status(ph_struct_in("s", &got, sizeof got, &given, V1), PHIAL_OK);
    ck_assert(got.a == 5 && got.b == 0);
}
END_TEST

START_TEST(a_newer_caller_is_understood_if_what_is_new_is_zero)
{
    newer given = {{sizeof(newer), 5, 6}, 0};
    known got = {0};

    ck_status(ph_struct_in("s", &got, sizeof got, &given, V1), PHIAL_OK);
    ck_assert(got.a == 5 && got.b == 6);
    given.c = 1;
    got.a = 9;
    ck_status(ph_struct_in("s", &got, sizeof got, &given, V1),
              PHIAL_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "offset 16"));
}
END_TEST

START_TEST(an_unset_or_garbage_size_is_an_argument_error)
{
    static const uint32_t sizes[] = {0, 1, 4, 7, 4097, UINT32_MAX};
    known k = {0};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        known given = {sizes[i], 0, 0};

        ck_status(ph_struct_in("s", &k, sizeof k, &given, V1),
                  PHIAL_E_ARGUMENT);
        ck_status(ph_struct_out_check("s", &given, V1), PHIAL_E_ARGUMENT);
    }
    ck_status(ph_struct_out_check("s", NULL, V1), PHIAL_E_ARGUMENT);
}
END_TEST

START_TEST(a_filled_struct_keeps_its_size_and_loses_what_nobody_knows)
{
    known source = {0, 5, 6};
    newer big = {{sizeof big, 1, 2}, 3};
    known small = {V1, 1, 2};

    ck_status(ph_struct_out_check("s", &big, V1), PHIAL_OK);
    ph_struct_out(&big, &source, sizeof source);
    ck_assert(big.k.struct_size == sizeof big && big.k.a == 5 && big.k.b == 6);
    ck_assert(big.c == 0);
    ph_struct_out(&small, &source, sizeof source);
    ck_assert(small.struct_size == V1 && small.a == 5 && small.b == 2);
}
END_TEST

START_TEST(text_may_be_counted_or_terminated)
{
    ph_str s;

    ck_status(ph_check_text("t", "abc", 2, &s), PHIAL_OK);
    ck_assert(s.len == 2);
    ck_status(ph_check_text("t", "abc", PHIAL_NUL_TERMINATED, &s), PHIAL_OK);
    ck_assert(s.len == 3);
    ck_status(ph_check_text("t", NULL, 0, &s), PHIAL_OK);
    ck_assert(s.len == 0 && s.data);
    ck_status(ph_check_text("t", NULL, 1, &s), PHIAL_E_ARGUMENT);
    ck_status(ph_check_text("t", NULL, PHIAL_NUL_TERMINATED, &s),
              PHIAL_E_ARGUMENT);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("api");
    TCase *t = tcase_create("structs");

    tcase_add_test(t, an_absent_struct_is_all_zero);
    tcase_add_test(t, fields_that_an_older_caller_lacks_are_zero);
    tcase_add_test(t, a_newer_caller_is_understood_if_what_is_new_is_zero);
    tcase_add_test(t, an_unset_or_garbage_size_is_an_argument_error);
    tcase_add_test(t,
                   a_filled_struct_keeps_its_size_and_loses_what_nobody_knows);
    tcase_add_test(t, text_may_be_counted_or_terminated);
    suite_add_tcase(s, t);
    return s;
}

PH_CHECK_MAIN(suite())
