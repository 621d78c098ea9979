/* SPDX-License-Identifier: MIT
 * chat_tests.h - the parts of the chat suite and what they share. */
#ifndef PH_CHAT_TESTS_H
#define PH_CHAT_TESTS_H

#include "chat/chat.h"
#include "check_main.h"
#include "support/tiny_model.h"

TCase *format_tests(void);
TCase *injection_tests(void);
TCase *message_tests(void);

ph_chat *new_chat(void);

/* The text of a chat in a format; the caller frees it. NUL-terminated. */
ph_buf render(const ph_chat *chat, const char *format, uint32_t flags);

/* A tokenizer with the small vocabulary of a family, kept until the program
 * ends. */
const ph_tokenizer *tiny_tokenizer(ph_vocab vocab);

#endif /* PH_CHAT_TESTS_H */
