/* SPDX-License-Identifier: MIT
 * Which model files are ours. Every family of Phi that is not the phi3
 * architecture computes something else; running one as if it were would give
 * fluent nonsense, so a file says what it is before anything else is read. */
#include "model/hparams.h"

#define WHAT_WE_RUN                                                            \
    "this library runs the phi3 architecture: Phi-3, Phi-3.5, Phi-4, "         \
    "Phi-4-mini and their reasoning models"

static const struct {
    const char *id;
    const char *what;
} strangers[] = {
    {"phi2", "a Phi-1, Phi-1.5 or Phi-2 model"},
    {"phimoe", "a Phi-3.5-MoE model"},
    {"phi3small", "a Phi-3-small model"},
    {"phi4flash", "a Phi-4-mini-flash model"},
    {"llama", "a Llama model, or a Phi model converted to Llama's layout"},
    {"clip", "a vision encoder, which belongs beside a text model"},
};

static phial_status check_kind(const ph_gguf *gguf)
{
    const ph_str model = PH_STR("model");
    ph_str kind;

    PH_TRY(ph_gguf_str(gguf, "general.type", &model, &kind));
    if (ph_str_is(kind, "model"))
        return PHIAL_OK;
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "%s: holds no model but, by its key general.type, \"%s\"",
                   ph_show_path(ph_gguf_path(gguf)).text, ph_show(kind).text);
}

phial_status ph_architecture_check(const ph_gguf *gguf)
{
    const char *what = NULL;
    ph_str id;

    PH_TRY(ph_gguf_str(gguf, "general.architecture", NULL, &id));
    if (ph_str_is(id, "phi3"))
        return check_kind(gguf);
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        if (ph_str_is(id, strangers[i].id))
            what = strangers[i].what;
    }
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "%s: key general.architecture is \"%s\"%s%s; " WHAT_WE_RUN,
                   ph_show_path(ph_gguf_path(gguf)).text, ph_show(id).text,
                   what ? ", " : "", what ? what : "");
}
