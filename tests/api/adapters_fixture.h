/* SPDX-License-Identifier: MIT
 * adapters_fixture.h - what the tests of adapters share. */
#ifndef PH_ADAPTERS_FIXTURE_H
#define PH_ADAPTERS_FIXTURE_H

#include "saved_fixture.h"

/* "lora-a" or "lora-b", written by the build for the phi-4-mini family. */
phial_adapter *open_adapter(const phial_model *model, const char *name);

TCase *golden_case(void);

#endif /* PH_ADAPTERS_FIXTURE_H */
