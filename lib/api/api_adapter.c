/* SPDX-License-Identifier: MIT
 * phial.h, Adapters: opening them and giving them to a session. */
#include "api/handles.h"

static phial_status new_handle(const phial_model *model, phial_adapter **out)
{
    phial_adapter *adapter = ph_alloc(&model->heap, 1, sizeof *adapter);

    if (!adapter)
        return ph_no_memory("an adapter", sizeof *adapter);
    atomic_init(&adapter->refs, 1);
    adapter->model = ph_retain_model(model);
    *out = adapter;
    return PHIAL_OK;
}

phial_status phial_adapter_open(const phial_model *model, const char *path,
                                phial_adapter **out)
{
    phial_adapter *adapter = NULL;
    phial_status status;
    ph_fpenv fp;
    size_t id;

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_check_pointer("path", path));
    PH_TRY(ph_check_pointer("out", out));
    PH_TRY(new_handle(model, &adapter));
    id = atomic_fetch_add(&adapter->model->last_adapter, 1) + 1;
    fp = ph_fp_enter();
    status = ph_adapter_open(model->core, path, id, &adapter->core);
    ph_fp_leave(fp);
    if (status < 0) {
        phial_adapter_free(adapter);
        return status;
    }
    atomic_fetch_add(&adapter->model->adapter_bytes,
                     (size_t)adapter->core->bytes);
    *out = adapter;
    return PHIAL_OK;
}

/* Those that the session had are kept alive until the new ones are in use. */
static phial_status set_adapters(phial_session *session,
                                 phial_adapter *const *adapters,
                                 const float *scales, size_t n)
{
    const ph_adapter *cores[PH_MAX_ADAPTERS];
    ph_adapter_list list;
    phial_status status;

    for (size_t i = 0; i < n; i++)
        cores[i] = adapters[i]->core;
    PH_TRY(ph_retain_adapters(session->model, adapters, n, &list));
    status = ph_session_set_adapters(session->core, cores, scales, n);
    if (status >= 0) {
        const ph_adapter_list old = session->adapters;

        session->adapters = list;
        list = old;
    }
    ph_release_adapters(session->model, &list);
    return status;
}

phial_status phial_session_set_adapters(phial_session *session,
                                        const phial_adapter *const *adapters,
                                        const float *scales, size_t n)
{
    ph_fpenv fp;

    PH_TRY(ph_check_pointer("session", session));
    PH_TRY(ph_check_array("adapters", adapters, n));
    PH_TRY(ph_check_array("scales", scales, n));
    if (n > PH_MAX_ADAPTERS)
        return ph_fail(PHIAL_E_ARGUMENT, "%zu adapters, at most %d are taken",
                       n, PH_MAX_ADAPTERS);
    for (size_t i = 0; i < n; i++)
        PH_TRY(ph_check_pointer("an adapter", adapters[i]));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(
        session, fp,
        set_adapters(session, (phial_adapter *const *)adapters, scales, n));
}
