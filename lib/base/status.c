/* SPDX-License-Identifier: MIT
 * The per-thread error sentence. A fixed buffer, so that reporting a failed
 * allocation never allocates; default TLS model, so that the library can be
 * loaded at run time (initial-exec TLS makes dlopen fail). */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char error_text[PH_ERROR_BYTES];

phial_status ph_fail(phial_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error_text, sizeof error_text, format, args);
    va_end(args);
    return status;
}

phial_status ph_no_memory(const char *what, size_t size)
{
    return ph_fail(PHIAL_E_MEMORY, "out of memory: %zu bytes for %s", size,
                   what);
}

const char *ph_error_text(void)
{
    return error_text;
}

void ph_failure_keep(ph_failure *failure, phial_status status)
{
    failure->status = status;
    if (status < 0)
        memcpy(failure->text, error_text, sizeof error_text);
}

phial_status ph_failure_raise(const ph_failure *failure)
{
    if (failure->status < 0)
        memcpy(error_text, failure->text, sizeof error_text);
    return failure->status;
}

const char *ph_status_name(phial_status status)
{
    switch (status) {
    case PHIAL_OK:
        return "PHIAL_OK";
    case PHIAL_END:
        return "PHIAL_END";
    case PHIAL_PENDING:
        return "PHIAL_PENDING";
    case PHIAL_E_ARGUMENT:
        return "PHIAL_E_ARGUMENT";
    case PHIAL_E_MEMORY:
        return "PHIAL_E_MEMORY";
    case PHIAL_E_IO:
        return "PHIAL_E_IO";
    case PHIAL_E_FORMAT:
        return "PHIAL_E_FORMAT";
    case PHIAL_E_UNSUPPORTED:
        return "PHIAL_E_UNSUPPORTED";
    case PHIAL_E_BUFFER:
        return "PHIAL_E_BUFFER";
    case PHIAL_E_CONTEXT:
        return "PHIAL_E_CONTEXT";
    case PHIAL_E_CANCELLED:
        return "PHIAL_E_CANCELLED";
    case PHIAL_E_BUSY:
        return "PHIAL_E_BUSY";
    case PHIAL_E_STATE:
        return "PHIAL_E_STATE";
    case PHIAL_E_MISMATCH:
        return "PHIAL_E_MISMATCH";
    case PHIAL_E_NUMERIC:
        return "PHIAL_E_NUMERIC";
    case PHIAL_E_INTERNAL:
        return "PHIAL_E_INTERNAL";
    default:
        return "unknown status";
    }
}
