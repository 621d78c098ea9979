/* SPDX-License-Identifier: MIT
 * What others may ask about a vocabulary. */
#include "tokenizer/vocab.h"

static bool is_valid(const ph_tokenizer *t, phial_token id)
{
    return id >= 0 && (uint32_t)id < t->n_vocab;
}

ph_vocab ph_tokenizer_vocab(const ph_tokenizer *t)
{
    return t->vocab;
}

uint32_t ph_tokenizer_n_vocab(const ph_tokenizer *t)
{
    return t->n_vocab;
}

ph_token_kind ph_tokenizer_kind(const ph_tokenizer *t, phial_token id)
{
    return is_valid(t, id) ? (ph_token_kind)t->kinds[id] : PH_TOKEN_UNUSED;
}

ph_str ph_tokenizer_bytes(const ph_tokenizer *t, phial_token id)
{
    return is_valid(t, id) ? ph_token_bytes(t, (uint32_t)id) : PH_STR("");
}

bool ph_tokenizer_is_end(const ph_tokenizer *t, phial_token id)
{
    return is_valid(t, id) && (t->flags[id] & PH_TOKEN_END);
}

phial_token ph_tokenizer_special(const ph_tokenizer *t, int32_t which)
{
    switch (which) {
    case PHIAL_TOKEN_BOS:
        return t->bos;
    case PHIAL_TOKEN_EOS:
        return t->eos;
    case PHIAL_TOKEN_END_OF_TURN:
        return t->end_of_turn;
    case PHIAL_TOKEN_PAD:
        return t->pad;
    default:
        return PHIAL_NO_TOKEN;
    }
}
