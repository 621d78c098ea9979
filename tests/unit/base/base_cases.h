/* SPDX-License-Identifier: MIT
 * base_cases.h - the parts of the base test program. */
#ifndef PH_BASE_CASES_H
#define PH_BASE_CASES_H

#include <check.h>

void dtype_cases(Suite *suite);
void hash_cases(Suite *suite);
void printable_cases(Suite *suite);

#endif /* PH_BASE_CASES_H */
