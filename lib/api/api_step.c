/* SPDX-License-Identifier: MIT
 * phial.h, phial_step: several sessions at once. */
#include "api/handles.h"

/* All of one model, none twice. */
static phial_status check_sessions(phial_session *const *sessions, size_t n)
{
    PH_TRY(ph_check_array("sessions", sessions, n));
    for (size_t i = 0; i < n; i++) {
        PH_TRY(ph_check_pointer("a session", sessions[i]));
        if (sessions[i]->model != sessions[0]->model)
            return ph_fail(PHIAL_E_ARGUMENT,
                           "sessions[%zu] is of another model than sessions[0]",
                           i);
    }
    return PHIAL_OK;
}

/* A session that this very call has taken is there twice. */
static phial_status name_twin(phial_session *const *sessions, size_t i,
                              phial_status status)
{
    for (size_t j = 0; status == PHIAL_E_BUSY && j < i; j++)
        if (sessions[j] == sessions[i])
            return ph_fail(PHIAL_E_ARGUMENT,
                           "sessions[%zu] is sessions[%zu] once more", i, j);
    return status;
}

phial_status phial_step(phial_session *const *sessions, size_t n)
{
    phial_status status = PHIAL_OK;
    ph_step step = {NULL, NULL, NULL};
    ph_fpenv fp, first = {0};
    size_t taken = 0;

    PH_TRY(check_sessions(sessions, n));
    for (; taken < n && status >= 0; taken++) {
        status = ph_enter_session(sessions[taken], &fp);
        if (status < 0) {
            status = name_twin(sessions, taken, status);
            break;
        }
        if (taken == 0)
            first = fp;
        ph_step_add(&step, sessions[taken]->core);
    }
    if (status >= 0)
        status = ph_step_run(&step);
    while (taken-- > 0)
        ph_leave_session(sessions[taken], first, status);
    return status;
}
