/* SPDX-License-Identifier: MIT
 * chat.h - messages and tools, and the built-in prompt formats of the Phi
 * family. A prompt is built from typed pieces: control tokens come only from
 * the format, text is only ever text. Templates from files are never executed:
 * one is recognised by exact match, or refused. */
#ifndef PH_CHAT_H
#define PH_CHAT_H

#include "base/base.h"
#include "tokenizer/tokenizer.h"

/* ---- Messages ---------------------------------------------------------- */

typedef struct ph_chat ph_chat;

phial_status ph_chat_new(const ph_heap *heap, ph_chat **out);
void ph_chat_free(ph_chat *chat);

/* text is UTF-8, any characters, NUL included; invalid: PHIAL_E_FORMAT. */
phial_status ph_chat_add(ph_chat *chat, int32_t role, ph_str text);

/* One OpenAI-shaped message or a list of them; all or none are added.
 * doc/chat.md says what is read, ignored and refused. */
phial_status ph_chat_add_json(ph_chat *chat, ph_str json);

/* An OpenAI-shaped list of tools, or of function objects by themselves; null
 * or an empty list removes them. */
phial_status ph_chat_set_tools(ph_chat *chat, ph_str json);

/* ---- Formats ----------------------------------------------------------- */

typedef struct ph_format ph_format; /* static data */

/* The format of a model: by exact match of its template text with a known one;
 * without a template, by its vocabulary. Otherwise PHIAL_E_UNSUPPORTED with
 * the names to choose from. */
phial_status ph_format_find(ph_str chat_template, const ph_tokenizer *tokenizer,
                            const ph_format **out);

/* By name: "phi-4", "phi-4-reasoning", "phi-4-mini", "phi-4-mini-reasoning",
 * "phi-3", "phi-3.5"... NULL if unknown. */
const ph_format *ph_format_by_name(const char *name);
const char *ph_format_name(const ph_format *format);

/* All of them in turn; NULL after the last. */
const ph_format *ph_format_at(size_t i);

/* The prompt as text and as tokens, appended. flags: PHIAL_TEXT_PROMPT. The
 * tokens are what the reference gives for the text of benign messages; control
 * tokens spelled in messages stay text. Tools, calls or results in a format
 * without them: PHIAL_E_UNSUPPORTED. */
phial_status ph_chat_render_text(const ph_chat *chat, const ph_format *format,
                                 uint32_t flags, ph_buf *out);
phial_status ph_chat_render_tokens(const ph_chat *chat, const ph_format *format,
                                   const ph_tokenizer *tokenizer,
                                   uint32_t flags, ph_tokens *out);

#endif /* PH_CHAT_H */
