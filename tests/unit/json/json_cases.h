/* SPDX-License-Identifier: MIT
 * json_cases.h - the parts of the json test program. */
#ifndef PH_JSON_CASES_H
#define PH_JSON_CASES_H

#include "check_main.h"
#include "json/json.h"
#include "support/tiny_model.h"

TCase *number_case(void);

#endif /* PH_JSON_CASES_H */
