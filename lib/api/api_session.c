/* SPDX-License-Identifier: MIT
 * phial.h, Session: setup and history. */
#include "api/handles.h"

/* A handle without a session in it. */
static phial_status new_handle(const phial_model *model, phial_session **out)
{
    phial_session *session = ph_alloc(&model->heap, 1, sizeof *session);

    if (!session)
        return ph_no_memory("a session", sizeof *session);
    atomic_init(&session->use, 0);
    session->model = ph_retain_model(model);
    *out = session;
    return PHIAL_OK;
}

phial_status phial_session_new(const phial_model *model,
                               const phial_session_options *options,
                               phial_session **out)
{
    ph_session_config config;
    phial_session *session = NULL;
    phial_status status;

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_check_pointer("out", out));
    PH_TRY(ph_session_options_in(options, &config));
    config.log = &model->log;
    config.store = model->store;
    PH_TRY(new_handle(model, &session));
    status = ph_session_new(model->core, model->pool, &config, &session->core);
    if (status < 0) {
        phial_session_free(session);
        return status;
    }
    *out = session;
    return PHIAL_OK;
}

phial_status phial_session_fork(const phial_session *session,
                                phial_session **out)
{
    phial_session *copy = NULL;
    phial_status status;
    ph_fpenv fp;

    PH_TRY(ph_check_pointer("out", out));
    PH_TRY(ph_enter_session(session, &fp));
    status = new_handle(session->model, &copy);
    if (status >= 0) {
        status = ph_retain_adapters(session->model, session->adapters.adapters,
                                    session->adapters.n, &copy->adapters);
        if (status >= 0)
            status = ph_session_fork(session->core, &copy->core);
        if (status < 0)
            phial_session_free(copy);
    }
    if (status >= 0)
        *out = copy;
    return ph_leave_session(session, fp, status);
}

phial_status phial_session_set_sampling(phial_session *session,
                                        const phial_sampling *sampling)
{
    phial_sampling s;
    ph_fpenv fp;

    PH_TRY(ph_struct_in("sampling", &s, sizeof s, sampling, sizeof s));
    PH_TRY(ph_check_flags("flags", s.flags,
                          PHIAL_SAMPLING_SEEDED | PHIAL_SAMPLING_IGNORE_EOS |
                              PHIAL_SAMPLING_LOGPROBS));
    PH_TRY(ph_check_array("stop", s.stop, s.n_stop));
    PH_TRY(ph_check_array("bias_tokens", s.bias_tokens, s.n_bias));
    PH_TRY(ph_check_array("bias_values", s.bias_values, s.n_bias));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp,
                            ph_session_set_sampling(session->core, &s));
}

phial_status phial_session_get_tokens(const phial_session *session,
                                      phial_token *buf, size_t cap, size_t *n)
{
    ph_fpenv fp;

    PH_TRY(ph_check_buffer(buf, cap, n));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp,
                            ph_session_get_tokens(session->core, buf, cap, n));
}

phial_status phial_session_rewind(phial_session *session, size_t n)
{
    ph_fpenv fp;

    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp, ph_session_rewind(session->core, n));
}

phial_status phial_session_get_stats(const phial_session *session,
                                     phial_stats *stats)
{
    phial_stats s;
    ph_fpenv fp;

    PH_TRY(
        ph_struct_out_check("stats", stats, offsetof(phial_stats, n_drafted)));
    PH_TRY(ph_enter_session(session, &fp));
    ph_session_get_stats(session->core, &s);
    ph_struct_out(stats, &s, sizeof s);
    return ph_leave_session(session, fp, PHIAL_OK);
}
