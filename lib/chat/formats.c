/* SPDX-License-Identifier: MIT
 * The prompt formats of the family, and which one a model has. */
#include "chat/format.h"

static const char mini_preamble[] =
    "Your name is Phi, an AI math expert developed by Microsoft.";

static const ph_format formats[] = {
    /* the first of each vocabulary is taken where a file has no template */
    {"phi-4", NULL, PH_VOCAB_PHI4, PH_FRAME_IM, 0},
    {"phi-4-mini", NULL, PH_VOCAB_PHI4_MINI, PH_FRAME_MINI,
     PH_FORMAT_EOS | PH_FORMAT_TOOLS},
    {"phi-3.5", NULL, PH_VOCAB_PHI3, PH_FRAME_LINES,
     PH_FORMAT_EOS | PH_FORMAT_SKIP_EMPTY},

    {"phi-4-reasoning", ph_reasoning_preamble, PH_VOCAB_PHI4, PH_FRAME_IM, 0},
    {"phi-4-reasoning-insist", ph_reasoning_preamble, PH_VOCAB_PHI4,
     PH_FRAME_IM, PH_FORMAT_INSIST},
    {"phi-4-reasoning-fixed", ph_reasoning_preamble, PH_VOCAB_PHI4, PH_FRAME_IM,
     PH_FORMAT_INSIST | PH_FORMAT_NO_SYSTEM},
    {"phi-4-first", NULL, PH_VOCAB_PHI4, PH_FRAME_IM, PH_FORMAT_ANSWER_NEXT},
    {"phi-4-mini-reasoning", mini_preamble, PH_VOCAB_PHI4_MINI, PH_FRAME_MINI,
     PH_FORMAT_EOS | PH_FORMAT_TOOLS | PH_FORMAT_MERGE},
    {"phi-3", NULL, PH_VOCAB_PHI3, PH_FRAME_LINES, PH_FORMAT_EOS},
    {"phi-3-first", NULL, PH_VOCAB_PHI3, PH_FRAME_LINES,
     PH_FORMAT_ANSWER_NEXT | PH_FORMAT_NO_SYSTEM},
    {"phi-3-first-128k", NULL, PH_VOCAB_PHI3, PH_FRAME_LINES,
     PH_FORMAT_ANSWER_NEXT | PH_FORMAT_NO_SYSTEM | PH_FORMAT_BOS},
};

enum { N_FORMATS = sizeof formats / sizeof formats[0] };

const ph_format *ph_format_by_name(const char *name)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    }
    return NULL;
}

const char *ph_format_name(const ph_format *format)
{
    return format->name;
}

const ph_format *ph_format_at(size_t i)
{
    return i < N_FORMATS ? &formats[i] : NULL;
}

static const ph_format *first_of(ph_vocab vocab)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (formats[i].vocab == vocab)
            return &formats[i];
    }
    return NULL;
}

/* The names of the formats for a vocabulary, with commas. */
static void list_names(ph_vocab vocab, char *out, size_t cap)
{
    size_t len = 0;

    for (size_t i = 0; i < N_FORMATS; i++) {
        size_t n = strlen(formats[i].name);

        if (formats[i].vocab != vocab || len + n + 3 > cap)
            continue;
        if (len) {
            memcpy(out + len, ", ", 2);
            len += 2;
        }
        memcpy(out + len, formats[i].name, n);
        len += n;
    }
    out[len] = 0;
}

phial_status ph_format_find(ph_str chat_template, const ph_tokenizer *tokenizer,
                            const ph_format **out)
{
    ph_vocab vocab = ph_tokenizer_vocab(tokenizer);
    const ph_format *format;
    char names[256];

    if (chat_template.len == 0)
        format = first_of(vocab);
    else
        format = ph_template_format(chat_template);
    if (format && format->vocab == vocab) {
        *out = format;
        return PHIAL_OK;
    }
    list_names(vocab, names, sizeof names);
    if (format)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "the model's chat template is that of %s, whose control "
                       "tokens its vocabulary lacks; formats for the "
                       "vocabulary: %s",
                       format->name, names);
    return ph_fail(
        PHIAL_E_UNSUPPORTED,
        "the model's chat template (%zu bytes, hash %016llx) is "
        "none of the published ones; formats for its vocabulary: "
        "%s",
        chat_template.len,
        (unsigned long long)ph_hash(chat_template.data, chat_template.len),
        names);
}
