/* SPDX-License-Identifier: MIT
 * phial.h, Model and Memory. */
#include "api/handles.h"

static phial_status fill(phial_model *model, const char *path,
                         const phial_model_options *o)
{
    ph_model_config config = {.heap = &model->heap,
                              .log = &model->log,
                              .isa = o->isa,
                              .flags = o->flags,
                              .progress = o->progress,
                              .progress_user = o->progress_user};

    PH_TRY(ph_mix_get("weight_format", o->weight_format, &config.mix));
    PH_TRY(ph_pool_new(&model->heap, o->n_threads, &model->pool));
    PH_TRY(ph_page_store_new(&model->heap, o->cache_limit, &model->store));
    config.pool = model->pool;
    return ph_model_open(path, &config, &model->core);
}

phial_status phial_model_open(const char *path,
                              const phial_model_options *options,
                              phial_model **out)
{
    phial_model_options o;
    phial_model *model;
    phial_status status;
    ph_heap heap;
    ph_fpenv fp;

    PH_TRY(ph_check_pointer("path", path));
    PH_TRY(ph_check_pointer("out", out));
    PH_TRY(ph_model_options_in(options, &o));
    heap = ph_heap_of(&o);
    model = ph_alloc(&heap, 1, sizeof *model);
    if (!model)
        return ph_no_memory("a model", sizeof *model);
    atomic_init(&model->refs, 1);
    model->heap = heap;
    model->log = (ph_log){o.log, o.log_user, o.log_level};
    model->process = ph_process_id();
    fp = ph_fp_enter();
    status = fill(model, path, &o);
    ph_fp_leave(fp);
    if (status < 0) {
        ph_release_model(model);
        return status;
    }
    *out = model;
    return PHIAL_OK;
}

phial_status phial_model_get_info(const phial_model *model,
                                  phial_model_info *info)
{
    phial_model_info i = {0};
    const ph_hparams *hp;

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_struct_out_check("info", info, sizeof i));
    hp = &model->core->hp;
    i.n_vocab = hp->n_vocab;
    i.n_context = hp->n_context;
    i.n_layers = hp->n_layers;
    i.n_embedding = hp->n_embd;
    i.n_threads = ph_pool_threads(model->pool);
    i.n_parameters = model->core->n_parameters;
    ph_struct_out(info, &i, sizeof i);
    return PHIAL_OK;
}

phial_status phial_model_describe(const phial_model *model, char *buf,
                                  size_t cap, size_t *n)
{
    const char *text;

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_check_buffer(buf, cap, n));
    text = model->core->description;
    return ph_give(text, strlen(text), 1, buf, cap, n);
}

phial_status phial_model_get_memory(const phial_model *model,
                                    phial_memory *memory)
{
    phial_memory m = {0};

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_struct_out_check("memory", memory, sizeof m));
    m.weights = model->core->weight_bytes + atomic_load(&model->adapter_bytes);
    m.cache = ph_page_store_bytes(model->store);
    ph_struct_out(memory, &m, sizeof m);
    return PHIAL_OK;
}

phial_status phial_session_get_memory(const phial_session *session,
                                      phial_memory *memory)
{
    ph_sequence_bytes bytes;
    phial_memory m = {0};
    ph_fpenv fp;

    PH_TRY(ph_struct_out_check("memory", memory, sizeof m));
    PH_TRY(ph_enter_session(session, &fp));
    ph_session_get_bytes(session->core, &bytes);
    m.cache = bytes.cache;
    m.cache_max = bytes.cache_max;
    m.scratch = bytes.scratch;
    ph_struct_out(memory, &m, sizeof m);
    return ph_leave_session(session, fp, PHIAL_OK);
}
