/* SPDX-License-Identifier: MIT
 * phial.h, phial_estimate: memory from metadata alone. */
#include "api/handles.h"

static phial_status estimate(const ph_gguf *gguf, int32_t weight_format,
                             ph_session_config *config, phial_memory *memory)
{
    ph_hparams hp;
    ph_sequence_bytes bytes;
    const ph_mix *mix;

    PH_TRY(ph_mix_get("weight_format", weight_format, &mix));
    PH_TRY(ph_hparams_read(gguf, &hp));
    PH_TRY(ph_session_resolve(&hp, config));
    PH_TRY(ph_model_weight_bytes(gguf, &hp, mix, &memory->weights));
    if (!ph_session_estimate(&hp, config, &bytes))
        return ph_fail(PHIAL_E_MEMORY,
                       "%s: a session of %u tokens needs more bytes than "
                       "there are numbers for",
                       ph_gguf_path(gguf), config->n_context);
    memory->cache_max = bytes.cache_max;
    memory->scratch = bytes.scratch;
    return PHIAL_OK;
}

phial_status phial_estimate(const char *path, const phial_model_options *model,
                            const phial_session_options *session,
                            phial_memory *memory)
{
    phial_model_options o;
    ph_session_config config;
    phial_memory m = {0};
    phial_status status;
    ph_heap heap;
    ph_gguf *gguf;
    ph_fpenv fp;

    PH_TRY(ph_check_pointer("path", path));
    PH_TRY(ph_model_options_in(model, &o));
    PH_TRY(ph_session_options_in(session, &config));
    PH_TRY(ph_struct_out_check("memory", memory, sizeof m));
    heap = ph_heap_of(&o);
    PH_TRY(ph_gguf_open(&heap, path, &gguf));
    fp = ph_fp_enter();
    status = estimate(gguf, o.weight_format, &config, &m);
    ph_fp_leave(fp);
    ph_gguf_free(gguf);
    if (status >= 0)
        ph_struct_out(memory, &m, sizeof m);
    return status;
}
