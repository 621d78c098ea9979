/* SPDX-License-Identifier: MIT
 * phial run: one answer. */
#include "answer.h"
#include "input.h"
#include "loading.h"
#include "options.h"
#include "output.h"
#include "prompt.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text as it is, without a chat format. */
static int queue_raw(const settings *s, phial_session *session)
{
    uint32_t flags = PHIAL_TEXT_BOS;
    phial_status status;
    text prompt;
    int code = input_operand(s, "the text", &prompt);

    if (code != CLI_OK)
        return code;
    if (s->special)
        flags |= PHIAL_TEXT_SPECIAL;
    status = phial_session_add_text(session, prompt.data, prompt.len, flags);
    free(prompt.data);
    return status < 0 ? library_error(status) : CLI_OK;
}

static int queue_chat(phial_session *session, const phial_chat *chat)
{
    phial_status status = phial_session_set_chat(session, chat);

    return status < 0 ? library_error(status) : CLI_OK;
}

/* A terminal's next prompt belongs on a line of its own. */
static void end_line(const reply *r)
{
    if (r->len && r->text[r->len - 1] != '\n')
        putchar('\n');
    output_flush(); /* before the figures, which go to another stream */
}

static int produce(const settings *s, phial_session *session)
{
    answer a;
    int code;

    interrupt_catch(session, true);
    code = answer_stream(session, !s->json, NULL, &a);
    interrupt_release();
    if (!s->json)
        end_line(&a.reply);
    else if (code == CLI_OK)
        code = output_json(answer_json(&a));
    if (code == CLI_OK && s->stats)
        answer_print_stats(&a);
    if (a.interrupted)
        code = CLI_INTERRUPTED;
    answer_free(&a);
    return code;
}

static int run_with(const settings *s, const phial_chat *chat)
{
    phial_model *model = NULL;
    phial_session *session = NULL;
    adapter_set set = {0};
    int code = load_model(s, &model, NULL);

    if (code == CLI_OK)
        code = load_adapters(s, model, &set);
    if (code == CLI_OK)
        code = load_session(s, model, &set, true, &session);
    if (code == CLI_OK)
        code = s->raw ? queue_raw(s, session) : queue_chat(session, chat);
    if (code == CLI_OK)
        code = produce(s, session);
    phial_session_free(session);
    adapters_free(&set);
    phial_model_free(model);
    return code;
}

/* Input is read and judged before the model, which takes longer. */
static int run(const settings *s)
{
    phial_chat *chat = NULL;
    int code = CLI_OK;

    if (s->raw && (s->messages_file || s->tools_file || s->system_text))
        usage_error(s->cmd, "--raw takes plain text: --system, --messages and "
                            "--tools need a chat format");
    if (s->special && !s->raw)
        usage_error(s->cmd, "--special is only for --raw: messages cannot "
                            "hold control tokens");
    if (!s->raw)
        code = prompt_chat(s, &chat);
    if (code == CLI_OK)
        code = run_with(s, chat);
    phial_chat_free(chat);
    return code;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"system", OPTION_TEXT, FIELD(system_text), "TEXT",
     "the system message, before all others", 0, 0, 's'},
    {"messages", OPTION_TEXT, FIELD(messages_file), "FILE",
     "a JSON array of messages as OpenAI's API has them, or an object with "
     "\"messages\" and \"tools\"; PROMPT, if given, follows them",
     0, 0, 0},
    {"tools", OPTION_TEXT, FIELD(tools_file), "FILE",
     "a JSON array of tools as OpenAI's API has them", 0, 0, 0},
    {"raw", OPTION_FLAG, FIELD(raw), NULL,
     "continue the text as it is, without the model's chat format", 0, 0, 0},
    {"special", OPTION_FLAG, FIELD(special), NULL,
     "with --raw: read control tokens such as <|end|> in the text", 0, 0, 0},
    {"json", OPTION_FLAG, FIELD(json), NULL,
     "print one JSON object instead of the text", 0, 0, 0},
    {"stats", OPTION_FLAG, FIELD(stats), NULL,
     "report tokens per second on standard error", 0, 0, 0},
};
static const option_group run_options =
    OPTION_GROUP("Prompt and output", table);
static const option_group *const groups[] = {
    &run_options,     &sampling_options, &session_options,
    &adapter_options, &model_options,    NULL};

const command command_run = {
    "run",
    "MODEL [PROMPT|-]",
    1,
    2,
    "answer one prompt",
    "Answers one prompt and streams the answer to standard output. Without "
    "PROMPT, or with \"-\", the prompt is read from standard input.",
    groups,
    run};
