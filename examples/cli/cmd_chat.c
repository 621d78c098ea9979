/* SPDX-License-Identifier: MIT
 * phial chat: a conversation, at a terminal or line by line from a pipe. */
#include "chat_loop.h"
#include "line_editor.h"
#include "loading.h"
#include "options.h"
#include "output.h"
#include "terminal.h"

#include <stdio.h>

static phial_status give_history(const chat_loop *c)
{
    phial_chat *chat = NULL;
    phial_status status = history_to_chat(&c->history, &chat);

    if (status >= 0)
        status = phial_session_set_chat(c->session, chat);
    phial_chat_free(chat);
    return status;
}

static void print_answer(chat_loop *c, const answer *a)
{
    const reply *r = &a->reply;

    if (c->settings->json) {
        output_json(answer_json(a));
        return;
    }
    if (!r->len || r->text[r->len - 1] != '\n' || a->interrupted)
        putchar('\n');
    if (c->stats) {
        output_flush();
        answer_print_stats(a);
    }
}

/* Between answers a terminal's Ctrl-C does nothing: it may come a moment after
 * the answer that it was meant for. From a pipe it ends the program. */
static void wait_for_input(const chat_loop *c)
{
    if (c->editing)
        interrupt_catch(NULL, false);
    else
        interrupt_release();
}

/* What was said stays in the history, even of an answer that was stopped: the
 * next turn builds on what the user has seen. */
void chat_answer(chat_loop *c)
{
    phial_status status = give_history(c);
    answer a;
    int code;

    if (status < 0) {
        history_cut(&c->history, c->history.n - 1);
        c->code = library_error(status);
        return;
    }
    interrupt_catch(c->session, false);
    code = answer_stream(c->session, !c->settings->json, &c->total, &a);
    c->total = a.total;
    wait_for_input(c);
    if (a.reply.len || (code == CLI_OK && !a.interrupted)) {
        print_answer(c, &a);
        history_add(&c->history, PHIAL_ROLE_ASSISTANT,
                    a.reply.len ? a.reply.text : "");
    } else {
        history_cut(&c->history, c->history.n - 1);
        if (a.interrupted && c->editing)
            fprintf(stderr, "stopped before the answer began; the message is "
                            "taken back\n");
    }
    if (code != CLI_OK)
        c->code = code;
    if (a.interrupted && !c->editing) {
        c->code = CLI_INTERRUPTED;
        c->leave = true;
    }
    answer_free(&a);
    c->kept = false;
    chat_keep(c, false);
}

static void converse(chat_loop *c)
{
    line_editor *editor = editor_new(c->editing);
    const char *line;

    wait_for_input(c);
    if (c->editing)
        fprintf(stderr, "Ctrl-C stops an answer, Ctrl-D leaves, /help lists "
                        "the commands.\n");
    while (!c->leave && output_flush() && (line = editor_read(editor))) {
        if (line[0] == '/') {
            chat_command(c, line);
        } else if (line[0]) {
            history_add(&c->history, PHIAL_ROLE_USER, line);
            chat_answer(c);
        }
    }
    if (c->editing && !c->leave)
        putchar('\n');
    editor_free(editor);
}

static int chat(const settings *s)
{
    chat_loop c = {.settings = s, .stats = s->stats};
    phial_model *model = NULL;
    adapter_set set = {0};
    int code;

    c.editing = terminal_input() && terminal_output() && !s->json;
    code = load_model(s, &model, NULL);
    if (code == CLI_OK)
        code = load_adapters(s, model, &set);
    if (code == CLI_OK)
        code = load_session(s, model, &set, true, &c.session);
    if (code == CLI_OK)
        code = chat_take_up(&c);
    c.code = code;
    if (code == CLI_OK) {
        converse(&c);
        chat_keep(&c, true);
    }
    history_free(&c.history);
    phial_session_free(c.session);
    adapters_free(&set);
    phial_model_free(model);
    /* Somebody at a terminal has seen what went wrong, and gone on. */
    return c.editing ? code : c.code;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"system", OPTION_TEXT, FIELD(system_text), "TEXT",
     "the system message, before all others", 0, 0, 's'},
    {"session", OPTION_TEXT, FIELD(session_file), "FILE",
     "go on with the conversation in FILE, if it is there, and keep it there",
     0, 0, 0},
    {"json", OPTION_FLAG, FIELD(json), NULL,
     "print one JSON object per answer, one a line; no line editing", 0, 0, 0},
    {"stats", OPTION_FLAG, FIELD(stats), NULL,
     "report tokens per second after each answer on standard error", 0, 0, 0},
};
static const option_group chat_options = OPTION_GROUP("Conversation", table);
static const option_group *const groups[] = {
    &chat_options,    &sampling_options, &session_options,
    &adapter_options, &model_options,    NULL};

const command command_chat = {
    "chat",
    "MODEL",
    1,
    1,
    "talk with a model",
    "Holds a conversation. At a terminal lines can be edited and called back, "
    "Ctrl-C stops an answer and Ctrl-D leaves; /help lists the commands. From "
    "a pipe every line is a message.",
    groups,
    chat};
