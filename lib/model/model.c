/* SPDX-License-Identifier: MIT
 * Opening and freeing a model. */
#include "model/model.h"
#include "model/weights.h"
#include "os/os.h"

static phial_status copy_text(const ph_heap *heap, ph_str text, ph_str *out)
{
    char *copy = ph_alloc_raw(heap, text.len);

    if (!copy)
        return ph_no_memory("a text of the model file", text.len);
    if (text.len)
        memcpy(copy, text.data, text.len);
    *out = (ph_str){copy, text.len};
    return PHIAL_OK;
}

static phial_status read_texts(const ph_gguf *gguf, ph_model *model)
{
    const ph_str none = PH_STR("");
    ph_str chat_template, name;

    PH_TRY(ph_gguf_str(gguf, "tokenizer.chat_template", &none, &chat_template));
    PH_TRY(ph_gguf_str(gguf, "general.name", &none, &name));
    PH_TRY(copy_text(model->heap, chat_template, &model->chat_template));
    return copy_text(model->heap, name, &model->name);
}

static phial_status read_tokenizer(const ph_gguf *gguf, ph_model *model)
{
    uint32_t n;

    PH_TRY(ph_tokenizer_new(model->heap, gguf, &model->tokenizer));
    n = ph_tokenizer_n_vocab(model->tokenizer);
    if (n != model->hp.n_vocab)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: tensor token_embd.weight has %u rows, but the "
                       "vocabulary has %u tokens",
                       ph_show_path(ph_gguf_path(gguf)).text, model->hp.n_vocab,
                       n);
    return PHIAL_OK;
}

/* A file that says nothing: SentencePiece vocabularies are meant to have it. So
 * llama.cpp reads such files. */
static phial_status read_bos(const ph_gguf *gguf, ph_model *model)
{
    const bool fallback = ph_tokenizer_vocab(model->tokenizer) == PH_VOCAB_PHI3;

    return ph_gguf_bool(gguf, "tokenizer.ggml.add_bos_token", &fallback,
                        &model->begins_with_bos);
}

static phial_status lock_weights(ph_model *model)
{
    PH_TRY(ph_lock_memory(model->weights, (size_t)model->weight_bytes));
    model->locked = true;
    return PHIAL_OK;
}

static phial_status read_model(const ph_gguf *gguf,
                               const ph_model_config *config, ph_model *model)
{
    PH_TRY(ph_hparams_read(gguf, &model->hp));
    PH_TRY(read_texts(gguf, model));
    PH_TRY(read_tokenizer(gguf, model));
    PH_TRY(read_bos(gguf, model));
    PH_TRY(ph_weights_load(gguf, config, model));
    if (config->flags & PHIAL_MODEL_VERIFY)
        PH_TRY(ph_weights_verify(gguf, config->mix, model));
    if (config->flags & PHIAL_MODEL_LOCK)
        PH_TRY(lock_weights(model));
    return ph_describe(gguf, config->mix, model);
}

phial_status ph_model_open(const char *path, const ph_model_config *config,
                           ph_model **out)
{
    const ph_heap *heap = config->heap;
    ph_gguf *gguf;
    ph_model *model;
    phial_status status;

    PH_TRY(ph_gguf_open(heap, path, &gguf));
    model = ph_alloc(heap, 1, sizeof *model);
    if (!model) {
        ph_gguf_free(gguf);
        return ph_no_memory("a model", sizeof *model);
    }
    model->heap = heap;
    model->kernels = ph_kernels_get(config->isa);
    status = read_model(gguf, config, model);
    ph_gguf_free(gguf);
    if (status != PHIAL_OK) {
        ph_model_free(model);
        return status;
    }
    ph_log_line(config->log, PHIAL_LOG_INFO,
                "%s: %llu parameters, %llu bytes of weights",
                ph_show_path(path).text,
                (unsigned long long)model->n_parameters,
                (unsigned long long)model->weight_bytes);
    *out = model;
    return PHIAL_OK;
}

void ph_model_free(ph_model *model)
{
    const ph_heap *heap;

    if (!model)
        return;
    heap = model->heap;
    if (model->locked)
        ph_unlock_memory(model->weights, (size_t)model->weight_bytes);
    ph_tokenizer_free(model->tokenizer);
    ph_free(heap, (void *)model->chat_template.data);
    ph_free(heap, (void *)model->name.data);
    ph_free(heap, model->description);
    ph_free(heap, model->rope_freqs[0]);
    ph_free(heap, model->layers);
    ph_free(heap, model->storage);
    ph_free(heap, model);
}
