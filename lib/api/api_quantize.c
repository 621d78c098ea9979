/* SPDX-License-Identifier: MIT
 * phial.h, Quantising. */
#include "api/handles.h"
#include "engine/engine.h"
#include "quantize/quantize.h"

#include <math.h>

enum {
    MAX_THREADS = 1024,
    V1_OPTIONS = offsetof(phial_quantize_options, adapters)
};

_Static_assert((int)PH_MERGE_MAX == (int)PH_MAX_ADAPTERS,
               "what a session takes can be merged");

static phial_status check_adapters(const phial_quantize_options *o)
{
    PH_TRY(ph_check_array("adapters", o->adapters, o->n_adapters));
    PH_TRY(ph_check_array("adapter_scales", o->adapter_scales, o->n_adapters));
    if (o->n_adapters > PH_MERGE_MAX)
        return ph_fail(PHIAL_E_ARGUMENT, "n_adapters is %zu, at most %d",
                       o->n_adapters, PH_MERGE_MAX);
    for (size_t i = 0; i < o->n_adapters; i++) {
        if (!o->adapters[i])
            return ph_fail(PHIAL_E_ARGUMENT, "adapters[%zu] is NULL", i);
        if (!isfinite(o->adapter_scales[i]))
            return ph_fail(PHIAL_E_ARGUMENT,
                           "adapter_scales[%zu] is not finite", i);
    }
    return PHIAL_OK;
}

static phial_status options_in(const phial_quantize_options *options,
                               phial_quantize_options *out)
{
    phial_quantize_options o;

    PH_TRY(ph_struct_in("options", &o, sizeof o, options, V1_OPTIONS));
    PH_TRY(ph_check_flags("flags", o.flags, PHIAL_QUANTIZE_REENCODE));
    if (o.n_threads > MAX_THREADS)
        return ph_fail(PHIAL_E_ARGUMENT, "n_threads is %u, at most %d",
                       o.n_threads, MAX_THREADS);
    PH_TRY(ph_check_array("overrides", o.overrides, o.n_overrides));
    PH_TRY(check_adapters(&o));
    if (!o.mem_alloc != !o.mem_free)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "mem_alloc and mem_free must be set both or neither");
    *out = o;
    return PHIAL_OK;
}

phial_status phial_quantize(const char *in, const char *out,
                            const phial_quantize_options *options)
{
    phial_quantize_options o = {0};
    ph_quantize_config config;
    phial_status status;
    ph_heap heap;
    ph_pool *pool;

    PH_TRY(ph_check_pointer("in", in));
    PH_TRY(ph_check_pointer("out", out));
    PH_TRY(options_in(options, &o));
    heap = o.mem_alloc ? (ph_heap){o.mem_alloc, o.mem_free, o.mem_user}
                       : ph_libc_heap;
    PH_TRY(ph_pool_new(&heap, o.n_threads, &pool));
    config = (ph_quantize_config){.heap = &heap,
                                  .pool = pool,
                                  .weights = o.type,
                                  .overrides = o.overrides,
                                  .n_overrides = o.n_overrides,
                                  .adapters = o.adapters,
                                  .adapter_scales = o.adapter_scales,
                                  .n_adapters = o.n_adapters,
                                  .reencode = o.flags != 0,
                                  .imatrix = o.imatrix,
                                  .progress = o.progress,
                                  .progress_user = o.progress_user};
    status = ph_quantize(in, out, &config);
    ph_pool_free(pool);
    return status;
}
