/* SPDX-License-Identifier: MIT
 * prompt.h - from the command line to a chat. */
#ifndef PROMPT_H
#define PROMPT_H

#include "settings.h"

/* The chat that --system, --messages, --tools and the prompt make up. Returns
 * an exit code. */
int prompt_chat(const settings *s, phial_chat **out);

#endif /* PROMPT_H */
