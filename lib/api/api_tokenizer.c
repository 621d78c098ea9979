/* SPDX-License-Identifier: MIT
 * phial.h, Tokenizer. */
#include "api/handles.h"

static phial_tokenizer *new_handle(const ph_heap *heap)
{
    phial_tokenizer *t = ph_alloc(heap, 1, sizeof *t);

    if (t)
        t->heap = *heap;
    else
        ph_no_memory("a tokenizer", sizeof *t);
    return t;
}

static phial_status open_own(const ph_gguf *gguf, phial_tokenizer **out)
{
    phial_tokenizer *t = new_handle(&ph_libc_heap);
    phial_status status;

    if (!t)
        return PHIAL_E_MEMORY;
    status = ph_tokenizer_new(&t->heap, gguf, &t->own);
    if (status < 0) {
        phial_tokenizer_free(t);
        return status;
    }
    t->core = t->own;
    *out = t;
    return PHIAL_OK;
}

phial_status phial_tokenizer_open(const char *path, phial_tokenizer **out)
{
    phial_status status;
    ph_gguf *gguf;

    PH_TRY(ph_check_pointer("path", path));
    PH_TRY(ph_check_pointer("out", out));
    PH_TRY(ph_gguf_open(&ph_libc_heap, path, &gguf));
    status = open_own(gguf, out);
    ph_gguf_free(gguf);
    return status;
}

phial_status phial_model_get_tokenizer(const phial_model *model,
                                       phial_tokenizer **out)
{
    phial_tokenizer *t;

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_check_pointer("out", out));
    t = new_handle(&model->heap);
    if (!t)
        return PHIAL_E_MEMORY;
    t->model = ph_retain_model(model);
    t->core = model->core->tokenizer;
    *out = t;
    return PHIAL_OK;
}

phial_status phial_tokenizer_encode(const phial_tokenizer *tokenizer,
                                    const char *text, size_t len,
                                    uint32_t flags, phial_token *buf,
                                    size_t cap, size_t *n)
{
    ph_tokens tokens = {0};
    phial_status status;
    ph_str str;

    PH_TRY(ph_check_pointer("tokenizer", tokenizer));
    PH_TRY(ph_check_text("text", text, len, &str));
    PH_TRY(ph_check_flags("flags", flags, PHIAL_TEXT_SPECIAL | PHIAL_TEXT_BOS));
    PH_TRY(ph_check_buffer(buf, cap, n));
    tokens.heap = &tokenizer->heap;
    status =
        ph_tokenizer_encode(tokenizer->core, str.data, str.len, flags, &tokens);
    if (status >= 0)
        status = ph_give(tokens.data, tokens.len, sizeof *buf, buf, cap, n);
    ph_tokens_free(&tokens);
    return status;
}

static phial_status decode(const ph_tokenizer *tokenizer,
                           const phial_token *tokens, size_t n_tokens,
                           uint32_t flags, ph_buf *text)
{
    uint32_t n_vocab = ph_tokenizer_n_vocab(tokenizer);
    ph_decoder decoder;

    ph_decoder_init(&decoder, tokenizer, flags);
    for (size_t i = 0; i < n_tokens; i++) {
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= n_vocab)
            return ph_fail(PHIAL_E_ARGUMENT,
                           "tokens[%zu] is %d, the vocabulary has 0 to %u", i,
                           (int)tokens[i], n_vocab - 1);
        PH_TRY(ph_decoder_push(&decoder, tokens[i], text));
    }
    return ph_decoder_flush(&decoder, text);
}

phial_status phial_tokenizer_decode(const phial_tokenizer *tokenizer,
                                    const phial_token *tokens, size_t n_tokens,
                                    uint32_t flags, char *buf, size_t cap,
                                    size_t *n)
{
    ph_buf text = {0};
    phial_status status;

    PH_TRY(ph_check_pointer("tokenizer", tokenizer));
    PH_TRY(ph_check_array("tokens", tokens, n_tokens));
    PH_TRY(ph_check_flags("flags", flags, PHIAL_TEXT_SPECIAL));
    PH_TRY(ph_check_buffer(buf, cap, n));
    text.heap = &tokenizer->heap;
    status = decode(tokenizer->core, tokens, n_tokens, flags, &text);
    if (status >= 0)
        status = ph_give(text.data, text.len, 1, buf, cap, n);
    ph_buf_free(&text);
    return status;
}

phial_token phial_tokenizer_special(const phial_tokenizer *tokenizer,
                                    int32_t which)
{
    if (!tokenizer || which < PHIAL_TOKEN_BOS || which > PHIAL_TOKEN_PAD)
        return PHIAL_NO_TOKEN;
    return ph_tokenizer_special(tokenizer->core, which);
}
