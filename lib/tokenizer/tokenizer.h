/* SPDX-License-Identifier: MIT
 * tokenizer.h - text to token ids and back, equal to the references id for id:
 * byte-level BPE with the cl100k pattern (Phi-4) or the o200k pattern
 * (Phi-4-mini), and SentencePiece BPE with byte fallback (Phi-3). */
#ifndef PH_TOKENIZER_H
#define PH_TOKENIZER_H

#include "base/base.h"
#include "formats/formats.h"

typedef struct ph_tokenizer ph_tokenizer; /* immutable: share freely */

typedef enum ph_vocab {
    PH_VOCAB_PHI3 = 1, /* SentencePiece, tokenizer.ggml.model "llama" */
    PH_VOCAB_PHI4,     /* tokenizer.ggml.pre "dbrx" */
    PH_VOCAB_PHI4_MINI /* tokenizer.ggml.pre "gpt-4o" */
} ph_vocab;

typedef enum ph_token_kind { /* GGUF's tokenizer.ggml.token_type */
                             PH_TOKEN_NORMAL = 1,
                             PH_TOKEN_UNKNOWN = 2,
                             PH_TOKEN_CONTROL = 3,
                             PH_TOKEN_USER = 4,
                             PH_TOKEN_UNUSED =
                                 5, /* padding rows too: never sampled */
                             PH_TOKEN_BYTE = 6
} ph_token_kind;

phial_status ph_tokenizer_new(const ph_heap *heap, const ph_gguf *gguf,
                              ph_tokenizer **out);
void ph_tokenizer_free(ph_tokenizer *tokenizer);

ph_vocab ph_tokenizer_vocab(const ph_tokenizer *tokenizer);
uint32_t ph_tokenizer_n_vocab(const ph_tokenizer *tokenizer);
ph_token_kind ph_tokenizer_kind(const ph_tokenizer *tokenizer, phial_token id);

/* The bytes a token stands for; of a control token, its spelling. */
ph_str ph_tokenizer_bytes(const ph_tokenizer *tokenizer, phial_token id);

/* The added token (control or user-defined) with exactly this spelling. */
phial_token ph_tokenizer_find(const ph_tokenizer *tokenizer, ph_str spelling);

/* PHIAL_TOKEN_*. */
phial_token ph_tokenizer_special(const ph_tokenizer *tokenizer, int32_t which);

/* True for every token that ends a turn in this family, whatever single one
 * the file's header names. */
bool ph_tokenizer_is_end(const ph_tokenizer *tokenizer, phial_token id);

/* ---- Encoding ---------------------------------------------------------- */

/* Appends the ids of text, any bytes. flags: PHIAL_TEXT_SPECIAL recognises
 * added tokens spelled in the text, with the reference's whitespace stripping;
 * without it text can never give an added token. PHIAL_TEXT_BOS. */
phial_status ph_tokenizer_encode(const ph_tokenizer *tokenizer,
                                 const char *text, size_t len, uint32_t flags,
                                 ph_tokens *out);

/* Appends the ids of text that a template puts between two added tokens (or
 * PHIAL_NO_TOKEN at an end): the same ids as encoding the whole prompt with
 * PHIAL_TEXT_SPECIAL gives, except that text itself is never parsed for added
 * tokens. */
phial_status ph_tokenizer_encode_between(const ph_tokenizer *tokenizer,
                                         phial_token before, const char *text,
                                         size_t len, phial_token after,
                                         ph_tokens *out);

/* ---- Decoding ---------------------------------------------------------- */

/* Streaming decoder: emits whole characters only. */
typedef struct ph_decoder {
    const ph_tokenizer *tokenizer;
    uint32_t flags;
    uint8_t pending[4];
    uint8_t n_pending;
    bool at_start; /* SentencePiece drops one leading space */
} ph_decoder;

/* flags: PHIAL_TEXT_SPECIAL also spells control tokens. */
void ph_decoder_init(ph_decoder *decoder, const ph_tokenizer *tokenizer,
                     uint32_t flags);

/* Puts an initialised decoder in the state that another was in. False, and
 * nothing changed, if none can have been in it. */
bool ph_decoder_restore(ph_decoder *decoder, const uint8_t *pending,
                        size_t n_pending, bool at_start);

/* Appends what the token completes. Bytes that cannot become a character give
 * U+FFFD, one per maximal subpart. */
phial_status ph_decoder_push(ph_decoder *decoder, phial_token id, ph_buf *out);

/* Ends the text: an incomplete character becomes U+FFFD. */
phial_status ph_decoder_flush(ph_decoder *decoder, ph_buf *out);

#endif /* PH_TOKENIZER_H */
