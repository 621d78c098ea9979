/* SPDX-License-Identifier: MIT
 * phial.h, phial_model_imatrix: what the engine adds up, by the names of the
 * tensors of a model's file. */
#include "api/handles.h"
#include "quantize/quantize.h"

#include <stdio.h>

enum { DEFAULT_CONTEXT = 512, BATCH = 64 }; /* tokens: of a window, a pass */

/* By ph_lora_input. Where a file has parts of the first or third as tensors of
 * their own, those find them under these names. */
static const char *const names[PH_LORA_INPUTS] = {"attn_qkv", "attn_output",
                                                  "ffn_up", "ffn_down"};

static phial_status options_in(const phial_imatrix_options *options,
                               const ph_hparams *hp, phial_imatrix_options *out)
{
    phial_imatrix_options o;

    PH_TRY(ph_struct_in("options", &o, sizeof o, options, sizeof o));
    PH_TRY(ph_check_flags("flags", o.flags, PHIAL_TEXT_SPECIAL));
    if (!o.n_context)
        o.n_context = (uint32_t)ph_min(DEFAULT_CONTEXT, hp->n_context);
    if (o.n_context < 2 || o.n_context > hp->n_context)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "n_context is %u, expected 2 to %u: what the model was "
                       "trained for",
                       o.n_context, hp->n_context);
    *out = o;
    return PHIAL_OK;
}

static void name_entries(const ph_importance *sums, ph_imatrix_entry *out)
{
    const ph_model *model = sums->model;

    for (uint32_t i = 0; i < model->hp.n_layers; i++) {
        const ph_layer *layer = &model->layers[i];
        const uint32_t cols[PH_LORA_INPUTS] = {
            layer->q.cols, layer->attn_out.cols, layer->gate.cols,
            layer->down.cols};

        for (int k = 0; k < PH_LORA_INPUTS; k++, out++) {
            snprintf(out->name, sizeof out->name, "blk.%u.%s.weight", i,
                     names[k]);
            out->cols = cols[k];
            out->sums = ph_importance_sums(sums, i, (ph_lora_input)k);
        }
    }
    snprintf(out->name, sizeof out->name, "%s.weight",
             model->hp.tied ? "token_embd" : "output");
    out->cols = model->hp.n_embd;
    out->sums = ph_importance_head(sums);
}

static phial_status write_sums(const ph_importance *sums,
                               const phial_imatrix_options *o, const char *path)
{
    const ph_heap *heap = sums->model->heap;
    ph_imatrix_content content = {
        .dataset = ph_str_of(o->dataset ? o->dataset : ""),
        .n_chunks = sums->n_windows,
        .chunk_size = o->n_context,
        .n_tokens = sums->n_tokens,
        .n = (size_t)sums->model->hp.n_layers * PH_LORA_INPUTS + 1};
    ph_imatrix_entry *entries = ph_alloc(heap, content.n, sizeof *entries);
    phial_status status;

    if (!entries)
        return ph_no_memory("an importance matrix",
                            content.n * sizeof *entries);
    name_entries(sums, entries);
    content.entries = entries;
    status = ph_imatrix_write(heap, path, &content);
    ph_free(heap, entries);
    return status;
}

static phial_status read_text(const phial_model *model, ph_str text,
                              const phial_imatrix_options *o,
                              ph_importance *sums)
{
    const ph_model *core = model->core;
    const ph_importance_config config = {
        .n_context = o->n_context,
        .n_batch = (uint32_t)ph_min(o->n_context, BATCH),
        .max_windows = o->max_windows,
        .bos = core->begins_with_bos
                   ? ph_tokenizer_special(core->tokenizer, PHIAL_TOKEN_BOS)
                   : PHIAL_NO_TOKEN,
        .progress = o->progress,
        .progress_user = o->progress_user};
    ph_tokens tokens = {.heap = &model->heap};
    phial_status status;

    status = ph_tokenizer_encode(core->tokenizer, text.data, text.len, o->flags,
                                 &tokens);
    if (status >= 0 && !tokens.len)
        status = ph_fail(PHIAL_E_ARGUMENT,
                         "text is empty, which tells nothing of the model");
    if (status >= 0)
        status = ph_importance_read(sums, model->pool, model->store, &config,
                                    tokens.data, tokens.len);
    ph_tokens_free(&tokens);
    return status;
}

phial_status phial_model_imatrix(const phial_model *model, const char *text,
                                 size_t len, const char *out,
                                 const phial_imatrix_options *options)
{
    phial_imatrix_options o = {0};
    ph_importance sums;
    phial_status status;
    ph_fpenv fp;
    ph_str str;

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_check_text("text", text, len, &str));
    PH_TRY(ph_check_pointer("out", out));
    PH_TRY(options_in(options, &model->core->hp, &o));
    fp = ph_fp_enter();
    status = ph_importance_init(&sums, model->core);
    if (status >= 0)
        status = read_text(model, str, &o, &sums);
    if (status >= 0)
        status = write_sums(&sums, &o, out);
    ph_importance_free(&sums);
    ph_fp_leave(fp);
    return status;
}
