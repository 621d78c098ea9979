/* SPDX-License-Identifier: MIT
 * pieces.h - what single tokens stand for. */
#ifndef PIECES_H
#define PIECES_H

#include "cli.h"

/* The bytes of n tokens, control tokens spelled out. *bytes is owned. */
phial_status pieces_decode(const phial_tokenizer *t, const phial_token *tokens,
                           size_t n, char **bytes, size_t *len);

/* One line per token, or one object for all. Return an exit code. */
int pieces_print(const phial_tokenizer *t, const phial_token *tokens, size_t n);
int pieces_json(const phial_tokenizer *t, const phial_token *tokens, size_t n);

#endif /* PIECES_H */
