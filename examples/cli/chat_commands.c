/* SPDX-License-Identifier: MIT
 * The commands inside phial chat. Their own text goes to standard error: on
 * standard output there are only answers. */
#include "chat_loop.h"

#include <stdio.h>
#include <string.h>

static void reset(chat_loop *c, const char *argument)
{
    (void)argument;
    history_cut(&c->history, history_system(&c->history) ? 1 : 0);
    c->kept = false;
}

static void set_system(chat_loop *c, const char *argument)
{
    history_reset(&c->history, argument);
    c->kept = false;
}

static void regenerate(chat_loop *c, const char *argument)
{
    size_t n = c->history.n;

    (void)argument;
    c->kept = false;
    if (n && c->history.items[n - 1].role == PHIAL_ROLE_ASSISTANT)
        history_cut(&c->history, --n);
    if (!n || c->history.items[n - 1].role != PHIAL_ROLE_USER)
        complain("there is no answer to do again");
    else
        chat_answer(c);
}

static void toggle_stats(chat_loop *c, const char *argument)
{
    (void)argument;
    c->stats = !c->stats;
    fprintf(stderr, "figures after each answer: %s\n", c->stats ? "on" : "off");
}

static void save(chat_loop *c, const char *argument)
{
    if (!*argument)
        complain("/save needs the name of a file");
    else
        history_save(&c->history, argument);
}

static void quit(chat_loop *c, const char *argument)
{
    (void)argument;
    c->leave = true;
}

static void help(chat_loop *c, const char *argument);

static const struct chat_command_entry {
    const char *name;
    const char *argument;
    const char *what;
    void (*run)(chat_loop *c, const char *argument);
} entries[] = {
    {"/help", "", "this list", help},
    {"/reset", "", "forget the conversation, keep the system text", reset},
    {"/system", "TEXT", "start over with this system text", set_system},
    {"/regen", "", "answer the last message again", regenerate},
    {"/stats", "", "tokens per second after each answer, on or off",
     toggle_stats},
    {"/save", "FILE", "write the messages as JSON, for run --messages", save},
    {"/quit", "", "leave; Ctrl-D does the same", quit},
};

static void help(chat_loop *c, const char *argument)
{
    (void)c;
    (void)argument;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        fprintf(stderr, "%-8s %-5s %s\n", entries[i].name, entries[i].argument,
                entries[i].what);
    fprintf(stderr, "Ctrl-C stops an answer. A line that ends in a backslash "
                    "goes on in the next.\n");
}

void chat_command(chat_loop *c, const char *line)
{
    size_t len = strcspn(line, " \n");
    const char *argument = line + len + strspn(line + len, " ");

    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (strlen(entries[i].name) == len &&
            !strncmp(entries[i].name, line, len)) {
            if (*argument && !*entries[i].argument)
                complain("%s takes no argument", entries[i].name);
            else
                entries[i].run(c, argument);
            return;
        }
    }
    complain("there is no command %.*s; /help lists them", (int)len, line);
}
