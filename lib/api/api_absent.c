/* SPDX-License-Identifier: MIT
 * The part of phial.h that this version does not have yet: constraints. Their
 * arguments are checked like those of any function; then each says that it is
 * absent. */
#include "api/handles.h"

static phial_status absent(const char *what)
{
    return ph_fail(PHIAL_E_UNSUPPORTED, "this version has no %s yet", what);
}

/* A session that could take the call, were there anything to do. */
static phial_status check_session(const phial_session *session)
{
    PH_TRY(ph_check_pointer("session", session));
    return ph_check_model(session->model);
}

phial_status phial_constraint_new(const phial_tokenizer *tokenizer,
                                  int32_t kind, const char *text, size_t len,
                                  phial_constraint **out)
{
    ph_str str;

    PH_TRY(ph_check_pointer("tokenizer", tokenizer));
    PH_TRY(ph_check_enum("kind", kind, PHIAL_CONSTRAINT_JSON,
                         PHIAL_CONSTRAINT_TOOLS, "PHIAL_CONSTRAINT_*"));
    if (kind != PHIAL_CONSTRAINT_JSON)
        PH_TRY(ph_check_text("text", text, len, &str));
    PH_TRY(ph_check_pointer("out", out));
    return absent("constraints");
}

void phial_constraint_free(phial_constraint *constraint)
{
    (void)constraint;
}

phial_status phial_session_set_constraint(phial_session *session,
                                          const phial_constraint *constraint)
{
    PH_TRY(check_session(session));
    return constraint ? absent("constraints") : PHIAL_OK;
}
