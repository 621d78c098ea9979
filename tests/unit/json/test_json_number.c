/* SPDX-License-Identifier: MIT
 * json: numbers, against the C library's in the C locale. */
#include "json_cases.h"

#include <math.h>
#include <stdio.h>

static double number(const char *text)
{
    ph_json json;
    double value = NAN;

    ck_status(ph_json_parse(&ph_libc_heap, ph_str_of(text), "test", &json),
              PHIAL_OK);
    ck_assert(ph_json_double(&json, 0, &value));
    ph_json_free(&json);
    return value;
}

static bool whole(const char *text, uint64_t *value)
{
    ph_json json;
    bool ok;

    ck_status(ph_json_parse(&ph_libc_heap, ph_str_of(text), "test", &json),
              PHIAL_OK);
    ok = ph_json_u64(&json, 0, value);
    ph_json_free(&json);
    return ok;
}

START_TEST(integers_are_plain_digits_that_fit)
{
    uint64_t value = 7;

    ck_assert(whole("0", &value) && value == 0);
    ck_assert(whole("18446744073709551615", &value) && value == UINT64_MAX);
    ck_assert(!whole("18446744073709551616", &value));
    ck_assert(!whole("-0", &value));
    ck_assert(!whole("1e3", &value));
    ck_assert(!whole("1.0", &value));
    ck_assert(!whole("\"1\"", &value));
    ck_assert(!whole("true", &value));
}
END_TEST

START_TEST(what_configurations_hold_is_exact)
{
    ck_assert(number("1e-05") == 1e-05);
    ck_assert(number("10000.0") == 10000);
    ck_assert(number("0.75") == 0.75);
    ck_assert(number("-1.5E+2") == -150);
    ck_assert((float)number("1.0800000429153442") == 1.08F);
    ck_assert((float)number("64.83999633789062") == 64.83999633789062F);
    ck_assert(number("0e999999999999") == 0);
    ck_assert(number("0.00000000000000000000000000000000000000e5") == 0);
    ck_assert(number("1e999") == INFINITY);
    ck_assert(number("-1e99999999999999999999") == -INFINITY);
    ck_assert(number("1e-999") == 0);
    ck_assert(number("123456789012345678901234567890") ==
              123456789012345678901234567890.0);
}
END_TEST

START_TEST(random_numbers_are_those_of_strtod)
{
    uint64_t state = 1;
    int n_off = 0;

    for (int i = 0; i < 100000; i++) {
        char text[64];
        uint64_t bits;
        double want, got;
        float f;

        state = state * 6364136223846793005u + 1442695040888963407u;
        bits = state >> 32;
        memcpy(&f, &bits, sizeof f);
        if (!isfinite(f))
            continue;
        snprintf(text, sizeof text, i % 2 ? "%.17g" : "%.9g", (double)f);
        want = strtod(text, NULL);
        got = number(text);
        n_off += got != want;
        ck_assert_msg((float)got == (float)want, "%s is %.17g", text, got);
        ck_assert(fabs(got - want) <= fabs(want) * 4e-16);
    }
    ck_assert_int_lt(n_off, 50000);
}
END_TEST

TCase *number_case(void)
{
    TCase *t = tcase_create("numbers");

    tcase_add_test(t, integers_are_plain_digits_that_fit);
    tcase_add_test(t, what_configurations_hold_is_exact);
    tcase_add_test(t, random_numbers_are_those_of_strtod);
    return t;
}
