/* SPDX-License-Identifier: MIT
 * Prompts from messages. The format decides on a sequence of pieces, each a
 * control token or text; text never becomes a control token, whatever it
 * spells. The same sequence gives the prompt's text and its tokens. */
#include "chat/format.h"
#include "chat/messages.h"

/* Where the pieces go: to text, or to tokens if there is a tokenizer. */
typedef struct writer {
    const ph_chat *chat;
    const ph_format *format;
    const ph_tokenizer *tokenizer;
    ph_tokens *tokens;
    phial_token last; /* control token before the text */
    ph_buf *text;     /* since the last control token, if tokenizer */
} writer;

static phial_status put_text(writer *w, ph_str text)
{
    return ph_buf_put(w->text, text.data, text.len);
}

static phial_status end_text(writer *w, phial_token next)
{
    if (w->text->len)
        PH_TRY(ph_tokenizer_encode_between(w->tokenizer, w->last, w->text->data,
                                           w->text->len, next, w->tokens));
    w->text->len = 0;
    w->last = next;
    return PHIAL_OK;
}

static phial_status put_control(writer *w, const char *spelling)
{
    phial_token id;

    if (!w->tokenizer)
        return ph_buf_puts(w->text, spelling);
    id = ph_tokenizer_find(w->tokenizer, ph_str_of(spelling));
    if (id == PHIAL_NO_TOKEN)
        return ph_fail(PHIAL_E_MISMATCH,
                       "the prompt format %s needs the control token %s, which "
                       "the vocabulary lacks",
                       w->format->name, spelling);
    PH_TRY(end_text(w, id));
    return ph_tokens_put(w->tokens, id);
}

/* ---- Frames ------------------------------------------------------------ */

static phial_status open_turn(writer *w, int32_t role)
{
    static const struct {
        const char *word;
        const char *control;
    } names[] = {
        [PHIAL_ROLE_SYSTEM] = {"system", "<|system|>"},
        [PHIAL_ROLE_USER] = {"user", "<|user|>"},
        [PHIAL_ROLE_ASSISTANT] = {"assistant", "<|assistant|>"},
        [PHIAL_ROLE_TOOL] = {"tool", "<|tool_response|>"},
    };

    if (w->format->frame == PH_FRAME_IM) {
        PH_TRY(put_control(w, "<|im_start|>"));
        PH_TRY(put_text(w, ph_str_of(names[role].word)));
        return put_control(w, "<|im_sep|>");
    }
    PH_TRY(put_control(w, names[role].control));
    return w->format->frame == PH_FRAME_LINES ? put_text(w, PH_STR("\n"))
                                              : PHIAL_OK;
}

static phial_status close_turn(writer *w)
{
    if (w->format->frame == PH_FRAME_IM)
        return put_control(w, "<|im_end|>");
    PH_TRY(put_control(w, "<|end|>"));
    return w->format->frame == PH_FRAME_LINES ? put_text(w, PH_STR("\n"))
                                              : PHIAL_OK;
}

static phial_status put_tools(writer *w)
{
    if (w->chat->tools.len == 0)
        return PHIAL_OK;
    PH_TRY(put_control(w, "<|tool|>"));
    PH_TRY(put_text(w, (ph_str){w->chat->tools.data, w->chat->tools.len}));
    return put_control(w, "<|/tool|>");
}

/* ---- Turns ------------------------------------------------------------- */

/* A system turn; with the tools, if it is the first. */
static phial_status put_system(writer *w, ph_str text, bool first)
{
    PH_TRY(open_turn(w, PHIAL_ROLE_SYSTEM));
    PH_TRY(put_text(w, text));
    if (first)
        PH_TRY(put_tools(w));
    return close_turn(w);
}

static phial_status put_message(writer *w, const ph_message *m)
{
    bool answer_next = w->format->flags & PH_FORMAT_ANSWER_NEXT;

    if (m->role != PHIAL_ROLE_ASSISTANT || !answer_next)
        PH_TRY(open_turn(w, m->role));
    PH_TRY(put_text(w, m->text));
    if (m->calls.len) {
        PH_TRY(put_control(w, "<|tool_call|>"));
        PH_TRY(put_text(w, m->calls));
        PH_TRY(put_control(w, "<|/tool_call|>"));
    }
    PH_TRY(close_turn(w));
    if (m->role == PHIAL_ROLE_USER && answer_next)
        return open_turn(w, PHIAL_ROLE_ASSISTANT);
    return PHIAL_OK;
}

/* Preamble and all system messages in one turn. */
static phial_status put_merged_system(writer *w)
{
    bool first = true;

    PH_TRY(open_turn(w, PHIAL_ROLE_SYSTEM));
    PH_TRY(put_text(w, ph_str_of(w->format->preamble)));
    for (size_t i = 0; i < w->chat->n_messages; i++) {
        const ph_message *m = &w->chat->messages[i];

        if (m->role != PHIAL_ROLE_SYSTEM)
            continue;
        PH_TRY(put_text(w, PH_STR(" ")));
        PH_TRY(put_text(w, m->text));
        if (first)
            PH_TRY(put_tools(w));
        first = false;
    }
    if (first && w->chat->tools.len) {
        PH_TRY(put_text(w, PH_STR(" ")));
        PH_TRY(put_tools(w));
    }
    return close_turn(w);
}

static bool has_system(const ph_chat *chat)
{
    for (size_t i = 0; i < chat->n_messages; i++) {
        if (chat->messages[i].role == PHIAL_ROLE_SYSTEM)
            return true;
    }
    return false;
}

/* What comes before the first message. *merged: system messages are done. */
static phial_status put_beginning(writer *w, bool *merged)
{
    const ph_format *f = w->format;
    const ph_chat *chat = w->chat;
    bool system_first =
        chat->n_messages > 0 && chat->messages[0].role == PHIAL_ROLE_SYSTEM;

    *merged = (f->flags & PH_FORMAT_MERGE) != 0;
    if (f->flags & PH_FORMAT_BOS)
        PH_TRY(put_control(w, "<s>"));
    if (*merged)
        return put_merged_system(w);
    if (f->preamble && (!system_first || f->flags & PH_FORMAT_INSIST))
        return put_system(w, ph_str_of(f->preamble), false);
    if (chat->tools.len && !has_system(chat))
        return put_system(w, PH_STR(""), true);
    return PHIAL_OK;
}

static phial_status put_end(writer *w, uint32_t flags)
{
    if (w->format->flags & PH_FORMAT_ANSWER_NEXT)
        return PHIAL_OK;
    if (flags & PHIAL_TEXT_PROMPT)
        return open_turn(w, PHIAL_ROLE_ASSISTANT);
    if (w->format->flags & PH_FORMAT_EOS)
        return put_control(w, "<|endoftext|>");
    return PHIAL_OK;
}

static phial_status put_chat(writer *w, uint32_t flags)
{
    uint32_t f = w->format->flags;
    bool merged, first_system = true;

    PH_TRY(put_beginning(w, &merged));
    for (size_t i = 0; i < w->chat->n_messages; i++) {
        const ph_message *m = &w->chat->messages[i];

        if (m->role != PHIAL_ROLE_SYSTEM) {
            PH_TRY(put_message(w, m));
            continue;
        }
        if (merged || f & PH_FORMAT_NO_SYSTEM ||
            (f & PH_FORMAT_SKIP_EMPTY && m->text.len == 0))
            continue;
        PH_TRY(put_system(w, m->text, first_system));
        first_system = false;
    }
    return put_end(w, flags);
}

/* ---- Entry ------------------------------------------------------------- */

/* Tools in a format that has no place for them. */
static phial_status check_tools(const ph_chat *chat, const ph_format *format)
{
    const char *what = chat->tools.len ? "tools" : NULL;

    if (format->flags & PH_FORMAT_TOOLS)
        return PHIAL_OK;
    for (size_t i = 0; i < chat->n_messages && !what; i++) {
        if (chat->messages[i].role == PHIAL_ROLE_TOOL)
            what = "tool results";
        else if (chat->messages[i].calls.len)
            what = "tool calls";
    }
    if (!what)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "the chat has %s, but the prompt format %s has no place for "
                   "them; phi-4-mini has",
                   what, format->name);
}

static phial_status check_flags(uint32_t flags)
{
    const uint32_t known =
        PHIAL_TEXT_SPECIAL | PHIAL_TEXT_BOS | PHIAL_TEXT_PROMPT;

    if (flags & ~known)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "flags is 0x%x, known are 0x%x (PHIAL_TEXT_*)", flags,
                       known);
    return PHIAL_OK;
}

phial_status ph_chat_render_text(const ph_chat *chat, const ph_format *format,
                                 uint32_t flags, ph_buf *out)
{
    writer w = {.chat = chat, .format = format, .text = out};
    size_t before = out->len;
    phial_status status;

    PH_TRY(check_flags(flags));
    PH_TRY(check_tools(chat, format));
    status = put_chat(&w, flags);
    if (status < 0)
        out->len = before;
    return status;
}

phial_status ph_chat_render_tokens(const ph_chat *chat, const ph_format *format,
                                   const ph_tokenizer *tokenizer,
                                   uint32_t flags, ph_tokens *out)
{
    ph_buf text = {.heap = chat->heap};
    writer w = {.chat = chat,
                .format = format,
                .tokenizer = tokenizer,
                .tokens = out,
                .last = PHIAL_NO_TOKEN,
                .text = &text};
    size_t before = out->len;
    phial_status status;

    PH_TRY(check_flags(flags));
    PH_TRY(check_tools(chat, format));
    status = put_chat(&w, flags);
    if (status == PHIAL_OK)
        status = end_text(&w, PHIAL_NO_TOKEN);
    if (status < 0)
        out->len = before;
    ph_buf_free(&text);
    return status;
}
