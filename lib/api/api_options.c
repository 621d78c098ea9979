/* SPDX-License-Identifier: MIT
 * Options of models and sessions: versioned copies, checked field by field. */
#include "api/handles.h"

enum { MAX_THREADS = 1024 };

static phial_status check_isa(int32_t isa)
{
    static const char *const names[] = {"BEST", "PORTABLE", "AVX2", "AVX512",
                                        "NEON"};

    PH_TRY(ph_check_enum("isa", isa, PHIAL_ISA_BEST, PHIAL_ISA_NEON,
                         "PHIAL_ISA_*"));
    if (!ph_kernels_get(isa))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "isa is PHIAL_ISA_%s, which this build or processor "
                       "does not have; expected PHIAL_ISA_BEST, or a set it "
                       "has",
                       names[isa]);
    return PHIAL_OK;
}

static phial_status check_hooks(const phial_model_options *o)
{
    PH_TRY(ph_check_enum("log_level", o->log_level, PHIAL_LOG_OFF,
                         PHIAL_LOG_DEBUG, "PHIAL_LOG_*"));
    if (o->log_level && !o->log)
        return ph_fail(PHIAL_E_ARGUMENT, "log_level is %d but log is NULL",
                       (int)o->log_level);
    if (!o->mem_alloc != !o->mem_free)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "mem_alloc and mem_free must be set both or neither");
    return PHIAL_OK;
}

phial_status ph_model_options_in(const phial_model_options *options,
                                 phial_model_options *out)
{
    phial_model_options o;
    const ph_mix *mix;

    PH_TRY(ph_struct_in("options", &o, sizeof o, options,
                        offsetof(phial_model_options, reserved)));
    PH_TRY(ph_check_flags("flags", o.flags,
                          PHIAL_MODEL_LOCK | PHIAL_MODEL_VERIFY));
    if (o.n_threads > MAX_THREADS)
        return ph_fail(PHIAL_E_ARGUMENT, "n_threads is %u, at most %d",
                       o.n_threads, MAX_THREADS);
    PH_TRY(check_isa(o.isa));
    PH_TRY(ph_mix_get("weight_format", o.weight_format, &mix));
    PH_TRY(check_hooks(&o));
    *out = o;
    return PHIAL_OK;
}

phial_status ph_session_options_in(const phial_session_options *options,
                                   ph_session_config *out)
{
    phial_session_options o;

    PH_TRY(ph_struct_in("options", &o, sizeof o, options,
                        offsetof(phial_session_options, progress)));
    PH_TRY(ph_check_flags("flags", o.flags,
                          PHIAL_SESSION_PRIVATE | PHIAL_SESSION_NO_DRAFTS));
    *out = (ph_session_config){.n_context = o.n_context,
                               .cache_format = o.cache_format,
                               .n_prefill = o.n_prefill,
                               .rope = o.rope,
                               .progress = o.progress,
                               .progress_user = o.progress_user,
                               .is_private = o.flags & PHIAL_SESSION_PRIVATE,
                               .no_drafts = o.flags & PHIAL_SESSION_NO_DRAFTS};
    return PHIAL_OK;
}

ph_heap ph_heap_of(const phial_model_options *options)
{
    if (!options->mem_alloc)
        return ph_libc_heap;
    return (ph_heap){options->mem_alloc, options->mem_free, options->mem_user};
}
