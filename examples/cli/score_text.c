/* SPDX-License-Identifier: MIT
 * From files to models and tokens. */
#include "output.h"
#include "score.h"

#include <stdlib.h>
#include <string.h>

int score_open(const settings *s, const char *path, score_model *out)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);
    settings named = *s;
    phial_status status;
    int code;

    named.model = path;
    if (path != s->model) {
        named.weight_format = PHIAL_WEIGHTS_STORED;
        named.adapters.n = 0;
    }
    code = load_model(&named, &out->model, NULL);
    if (code == CLI_OK)
        code = load_adapters(&named, out->model, &out->adapters);
    if (code != CLI_OK)
        return code;
    status = phial_model_get_info(out->model, &info);
    out->n_vocab = info.n_vocab;
    return status < 0 ? library_error(status) : CLI_OK;
}

int score_start(const phial_session_options *options, score_model *m)
{
    phial_status status = phial_session_new(m->model, options, &m->session);

    if (status >= 0)
        status = adapters_give(&m->adapters, m->session);
    return status < 0 ? library_error(status) : CLI_OK;
}

void score_close(score_model *m)
{
    phial_session_free(m->session);
    adapters_free(&m->adapters);
    phial_model_free(m->model);
    free(m->rows);
    *m = (score_model){0};
}

static int describe(const phial_model *model, json_t **out)
{
    size_t n = 0;
    phial_status status = phial_model_describe(model, NULL, 0, &n);
    char *text;

    if (status != PHIAL_E_BUFFER)
        return library_error(status);
    text = must_alloc(n, 1);
    status = phial_model_describe(model, text, n, &n);
    *out = status < 0 ? NULL : must_json(json_loadb(text, n, 0, NULL));
    free(text);
    return status < 0 ? library_error(status) : CLI_OK;
}

/* A file that says nothing: SentencePiece vocabularies are meant to have it. So
 * llama.cpp reads such files. */
int score_wants_bos(const settings *s, const phial_model *model, bool *out)
{
    json_t *about = NULL, *metadata, *said;
    const char *kind;
    int code;

    *out = s->bos_mode == BOS_YES;
    if (s->bos_mode != BOS_AUTO)
        return CLI_OK;
    code = describe(model, &about);
    if (code != CLI_OK)
        return code;
    metadata = json_object_get(about, "metadata");
    said = json_object_get(metadata, "tokenizer.ggml.add_bos_token");
    kind = json_string_value(json_object_get(metadata, "tokenizer.ggml.model"));
    *out = said ? json_is_true(said) : kind && !strcmp(kind, "llama");
    json_decref(about);
    return CLI_OK;
}

static phial_status encode(const phial_tokenizer *t, uint32_t flags,
                           const char *text, size_t len, phial_token **tokens,
                           size_t *n)
{
    phial_status status =
        phial_tokenizer_encode(t, text, len, flags, NULL, 0, n);

    *tokens = NULL;
    if (status != PHIAL_E_BUFFER)
        return status;
    *tokens = must_alloc(*n, sizeof **tokens);
    return phial_tokenizer_encode(t, text, len, flags, *tokens, *n, n);
}

int score_encode(const settings *s, const phial_model *model, bool bos,
                 const char *text, size_t len, phial_token **tokens, size_t *n)
{
    const uint32_t flags =
        (s->special ? PHIAL_TEXT_SPECIAL : 0u) | (bos ? PHIAL_TEXT_BOS : 0u);
    phial_tokenizer *t = NULL;
    phial_status status = phial_model_get_tokenizer(model, &t);

    if (status >= 0)
        status = encode(t, flags, text, len, tokens, n);
    phial_tokenizer_free(t);
    return status < 0 ? library_error(status) : CLI_OK;
}

static int find_bos(const score_run *run, bool wanted, score_text *out)
{
    phial_tokenizer *t = NULL;
    phial_status status = phial_model_get_tokenizer(run->model.model, &t);

    if (status < 0)
        return library_error(status);
    out->bos = phial_tokenizer_special(t, PHIAL_TOKEN_BOS);
    out->has_bos = wanted && out->bos != PHIAL_NO_TOKEN;
    phial_tokenizer_free(t);
    return CLI_OK;
}

/* Distributions can only be compared over the same tokens. */
static int check_reference(const score_run *run, bool bos, const char *text,
                           size_t len)
{
    const score_text *ours = &run->text;
    phial_token *tokens = NULL;
    size_t n = 0, same = 0;
    int code;

    if (run->model.n_vocab != run->reference.n_vocab) {
        complain("%s has a vocabulary of %zu tokens, the reference %s one of "
                 "%zu: they cannot be compared",
                 run->s->model, run->model.n_vocab, run->s->reference,
                 run->reference.n_vocab);
        return CLI_FAILED;
    }
    code =
        score_encode(run->s, run->reference.model, bos, text, len, &tokens, &n);
    if (code == CLI_OK) {
        while (same < n && same < ours->n && tokens[same] == ours->tokens[same])
            same++;
        if (same != n || same != ours->n) {
            complain("%s and the reference %s do not cut the text into the "
                     "same tokens: they differ from token %zu on",
                     run->s->model, run->s->reference, same);
            code = CLI_FAILED;
        }
    }
    free(tokens);
    return code;
}

int score_tokenize(score_run *run, const char *text, size_t len)
{
    bool bos = false;
    int code = score_wants_bos(run->s, run->model.model, &bos);

    run->text.n_bytes = len;
    if (code == CLI_OK)
        code = find_bos(run, bos, &run->text);
    if (code == CLI_OK)
        code = score_encode(run->s, run->model.model, bos, text, len,
                            &run->text.tokens, &run->text.n);
    if (code == CLI_OK && run->reference.model)
        code = check_reference(run, bos, text, len);
    return code;
}
