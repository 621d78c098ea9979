/* SPDX-License-Identifier: MIT
 * check_main.h - the main function of every unit test program: runs one suite
 * and reports. Also what several programs assert with. */
#ifndef PH_CHECK_MAIN_H
#define PH_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

/* Fails with the library's own sentence if expr is not status. */
#define ck_status(expr, status)                                                \
    do {                                                                       \
        phial_status ck_got_ = (expr);                                         \
        ck_assert_msg(ck_got_ == (status), "%s is %d, not %d: %s", #expr,      \
                      ck_got_, (int)(status), phial_last_error());             \
    } while (0)

/* How much more stack AddressSanitizer takes: it keeps every copy of a variable
 * apart, with space between. */
#ifdef __has_feature
#define PH_HAS_FEATURE(name) __has_feature(name)
#else
#define PH_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || PH_HAS_FEATURE(address_sanitizer)
enum { STACK_FACTOR = 2 };
#else
enum { STACK_FACTOR = 1 };
#endif

/* Check's own limit of four seconds for a test is too little where the machine
 * has other work. */
#define PH_CHECK_MAIN(suite)                                                   \
    int main(void)                                                             \
    {                                                                          \
        SRunner *runner;                                                       \
        int failed;                                                            \
                                                                               \
        setenv("CK_DEFAULT_TIMEOUT", "60", 0);                                 \
        runner = srunner_create(suite);                                        \
        srunner_run_all(runner, CK_ENV);                                       \
        failed = srunner_ntests_failed(runner);                                \
        srunner_free(runner);                                                  \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                           \
    }

#endif /* PH_CHECK_MAIN_H */
