/* SPDX-License-Identifier: MIT
 * adapters_fixture.h - what the tests of adapters share. */
#ifndef PH_ADAPTERS_FIXTURE_H
#define PH_ADAPTERS_FIXTURE_H

#include "saved_fixture.h"

enum { TURN = 24 };

/* "lora-a" or "lora-b", written by the build for the phi-4-mini family. */
phial_adapter *open_adapter(const phial_model *model, const char *name);

phial_status give(phial_session *session, const phial_adapter *adapter,
                  float scale);

/* With the prompt queued and seeded(TURN) set; the adapter may be NULL. */
phial_session *session_of(const phial_model *model,
                          const phial_adapter *adapter, float scale);

TCase *adapter_memory_case(void);
TCase *golden_case(void);

#endif /* PH_ADAPTERS_FIXTURE_H */
