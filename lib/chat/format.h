/* SPDX-License-Identifier: MIT
 * format.h - a prompt format as data: what the templates of the family differ
 * in. */
#ifndef PH_CHAT_FORMAT_H
#define PH_CHAT_FORMAT_H

#include "chat/chat.h"

typedef enum ph_frame {
    PH_FRAME_IM,   /* <|im_start|>ROLE<|im_sep|>TEXT<|im_end|> */
    PH_FRAME_MINI, /* <|ROLE|>TEXT<|end|> */
    PH_FRAME_LINES /* <|ROLE|>\nTEXT<|end|>\n */
} ph_frame;

enum {
    PH_FORMAT_BOS = 1 << 0,         /* begins with <s> */
    PH_FORMAT_NO_SYSTEM = 1 << 1,   /* system messages are left out */
    PH_FORMAT_SKIP_EMPTY = 1 << 2,  /* empty system messages are */
    PH_FORMAT_ANSWER_NEXT = 1 << 3, /* a user's message ends with the header of
                                       the answer; nothing comes at the end */
    PH_FORMAT_EOS = 1 << 4,         /* <|endoftext|> where no prompt is asked */
    PH_FORMAT_TOOLS = 1 << 5,
    PH_FORMAT_MERGE = 1 << 6, /* preamble and all system messages are one
                                 turn, joined by spaces */
    PH_FORMAT_INSIST = 1 << 7 /* the preamble comes in any case, not just
                                 where the first message is no system
                                 message */
};

struct ph_format {
    const char *name;
    const char *preamble; /* a first system turn of the format's own, or NULL */
    ph_vocab vocab;
    ph_frame frame;
    uint32_t flags;
};

/* The preamble of Phi-4-reasoning and Phi-4-reasoning-plus. */
extern const char ph_reasoning_preamble[];

/* The format whose published template is exactly this text, or NULL. */
const ph_format *ph_template_format(ph_str text);

#endif /* PH_CHAT_FORMAT_H */
