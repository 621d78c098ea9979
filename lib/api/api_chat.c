/* SPDX-License-Identifier: MIT
 * phial.h, Chat and tools. */
#include "api/handles.h"

phial_status phial_chat_new(phial_chat **out)
{
    phial_chat *chat;
    phial_status status;

    PH_TRY(ph_check_pointer("out", out));
    chat = ph_alloc(&ph_libc_heap, 1, sizeof *chat);
    if (!chat)
        return ph_no_memory("a chat", sizeof *chat);
    atomic_init(&chat->use, 0);
    status = ph_chat_new(&ph_libc_heap, &chat->core);
    if (status < 0) {
        phial_chat_free(chat);
        return status;
    }
    *out = chat;
    return PHIAL_OK;
}

phial_status phial_chat_add(phial_chat *chat, int32_t role, const char *text,
                            size_t len)
{
    ph_str str;

    PH_TRY(ph_check_text("text", text, len, &str));
    PH_TRY(ph_check_enum("role", role, PHIAL_ROLE_SYSTEM, PHIAL_ROLE_TOOL,
                         "PHIAL_ROLE_*"));
    PH_TRY(ph_enter_chat(chat));
    return ph_leave_chat(chat, ph_chat_add(chat->core, role, str));
}

phial_status phial_chat_add_json(phial_chat *chat, const char *json, size_t len)
{
    ph_str str;

    PH_TRY(ph_check_text("json", json, len, &str));
    PH_TRY(ph_enter_chat(chat));
    return ph_leave_chat(chat, ph_chat_add_json(chat->core, str));
}

phial_status phial_chat_set_tools(phial_chat *chat, const char *json,
                                  size_t len)
{
    ph_str str;

    PH_TRY(ph_check_text("json", json, len, &str));
    PH_TRY(ph_enter_chat(chat));
    return ph_leave_chat(chat, ph_chat_set_tools(chat->core, str));
}

static phial_status render(const phial_chat *chat, const phial_model *model,
                           uint32_t flags, ph_buf *text)
{
    const ph_format *format;

    PH_TRY(ph_format_find(model->core->chat_template, model->core->tokenizer,
                          &format));
    return ph_chat_render_text(chat->core, format, flags, text);
}

phial_status phial_chat_render(const phial_chat *chat, const phial_model *model,
                               uint32_t flags, char *buf, size_t cap, size_t *n)
{
    ph_buf text = {.heap = &ph_libc_heap};
    phial_status status;

    PH_TRY(ph_check_model(model));
    PH_TRY(ph_check_flags("flags", flags, PHIAL_TEXT_PROMPT));
    PH_TRY(ph_check_buffer(buf, cap, n));
    PH_TRY(ph_enter_chat(chat));
    status = render(chat, model, flags, &text);
    if (status >= 0)
        status = ph_give(text.data, text.len, 1, buf, cap, n);
    ph_buf_free(&text);
    return ph_leave_chat(chat, status);
}
