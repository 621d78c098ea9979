/* SPDX-License-Identifier: MIT
 * What the tests of adapters share. */
#include "adapters_fixture.h"

phial_adapter *open_adapter(const phial_model *model, const char *name)
{
    phial_adapter *adapter = NULL;

    ck_status(phial_adapter_open(model, model_path(name), &adapter), PHIAL_OK);
    return adapter;
}

phial_status give(phial_session *session, const phial_adapter *adapter,
                  float scale)
{
    return phial_session_set_adapters(session, &adapter, &scale, 1);
}

phial_session *session_of(const phial_model *model,
                          const phial_adapter *adapter, float scale)
{
    phial_session *session = new_session(model);

    if (adapter)
        ck_status(give(session, adapter, scale), PHIAL_OK);
    set_sampling(session, seeded(TURN));
    ck_status(phial_session_add_text(session, prompt, PHIAL_NUL_TERMINATED, 0),
              PHIAL_OK);
    return session;
}
