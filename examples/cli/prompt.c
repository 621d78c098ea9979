/* SPDX-License-Identifier: MIT
 * Builds the chat of one turn. What a message may hold is the library's to
 * judge; this file only takes files apart. */
#include "prompt.h"
#include "input.h"

#include <stdlib.h>

/* Hands a part of a JSON document to one of the phial_chat functions. */
static int give_json(phial_chat *chat, const json_t *json,
                     phial_status (*give)(phial_chat *, const char *, size_t))
{
    char *dump = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    phial_status status;

    if (!dump) {
        complain("out of memory");
        return CLI_FAILED;
    }
    status = give(chat, dump, PHIAL_NUL_TERMINATED);
    free(dump);
    return status < 0 ? library_error(status) : CLI_OK;
}

/* An array of messages, or an object with "messages" and perhaps "tools". */
static int add_messages(const settings *s, phial_chat *chat)
{
    json_t *document;
    const json_t *messages;
    const json_t *tools;
    int code = input_json(s->messages_file, &document);

    if (code != CLI_OK)
        return code;
    messages = json_is_object(document) ? json_object_get(document, "messages")
                                        : document;
    tools = json_object_get(document, "tools");
    if (!json_is_array(messages)) {
        complain("%s holds neither an array of messages nor an object with an "
                 "array \"messages\"",
                 s->messages_file);
        code = CLI_FAILED;
    }
    if (code == CLI_OK && tools && !json_is_null(tools))
        code = give_json(chat, tools, phial_chat_set_tools);
    if (code == CLI_OK)
        code = give_json(chat, messages, phial_chat_add_json);
    json_decref(document);
    return code;
}

static int set_tools(const settings *s, phial_chat *chat)
{
    json_t *document;
    int code = input_json(s->tools_file, &document);

    if (code != CLI_OK)
        return code;
    code = give_json(chat, document, phial_chat_set_tools);
    json_decref(document);
    return code;
}

static int add_prompt(const settings *s, phial_chat *chat)
{
    phial_status status;
    text prompt;
    int code = input_operand(s, "the prompt", &prompt);

    if (code != CLI_OK)
        return code;
    status = phial_chat_add(chat, PHIAL_ROLE_USER, prompt.data, prompt.len);
    free(prompt.data);
    return status < 0 ? library_error(status) : CLI_OK;
}

static int fill_chat(const settings *s, phial_chat *chat)
{
    int code = CLI_OK;

    if (s->system_text) {
        phial_status status = phial_chat_add(
            chat, PHIAL_ROLE_SYSTEM, s->system_text, PHIAL_NUL_TERMINATED);

        if (status < 0)
            return library_error(status);
    }
    if (s->messages_file)
        code = add_messages(s, chat);
    if (code == CLI_OK && s->tools_file)
        code = set_tools(s, chat);
    if (code == CLI_OK && (s->text || !s->messages_file))
        code = add_prompt(s, chat);
    return code;
}

int prompt_chat(const settings *s, phial_chat **out)
{
    phial_chat *chat = NULL;
    phial_status status = phial_chat_new(&chat);
    int code;

    if (status < 0)
        return library_error(status);
    code = fill_chat(s, chat);
    if (code == CLI_OK)
        *out = chat;
    else
        phial_chat_free(chat);
    return code;
}
