/* SPDX-License-Identifier: MIT
 * phial.h, phial_model_embed: no session is needed, and none is touched. */
#include "api/handles.h"

static phial_status embed(const phial_model *model, ph_str text, int32_t pool,
                          float *buf)
{
    const ph_model *core = model->core;
    const uint32_t flags = core->begins_with_bos ? PHIAL_TEXT_BOS : 0;
    ph_tokens tokens = {.heap = &model->heap};
    phial_status status;

    status = ph_tokenizer_encode(core->tokenizer, text.data, text.len, flags,
                                 &tokens);
    if (status >= 0 && tokens.len > core->hp.n_context)
        status = ph_fail(PHIAL_E_CONTEXT,
                         "the text has %zu tokens, the model was trained for "
                         "%u",
                         tokens.len, core->hp.n_context);
    if (status >= 0)
        status = ph_embed(core, model->pool, model->store, tokens.data,
                          (uint32_t)tokens.len, pool, buf);
    ph_tokens_free(&tokens);
    return status;
}

phial_status phial_model_embed(const phial_model *model, const char *text,
                               size_t len, int32_t pool, float *buf, size_t cap,
                               size_t *n)
{
    phial_status status;
    uint32_t n_embd;
    ph_fpenv fp;
    ph_str str;

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_check_text("text", text, len, &str));
    PH_TRY(ph_check_enum("pool", pool, PHIAL_POOL_MEAN, PHIAL_POOL_LAST,
                         "PHIAL_POOL_*"));
    PH_TRY(ph_check_buffer(buf, cap, n));
    if (!str.len)
        return ph_fail(PHIAL_E_ARGUMENT, "text is empty, which has no vector");
    n_embd = model->core->hp.n_embd;
    if (n_embd > cap)
        return ph_give(NULL, n_embd, sizeof *buf, buf, cap, n);
    fp = ph_fp_enter();
    status = embed(model, str, pool, buf);
    ph_fp_leave(fp);
    if (status >= 0)
        *n = n_embd;
    return status;
}
