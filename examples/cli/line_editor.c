/* SPDX-License-Identifier: MIT
 * libedit, or getline where nobody types. The history lives in memory only:
 * what somebody says to a model is not written to disk behind their back. */
#include "line_editor.h"
#include "terminal.h"

#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

struct line_editor {
    EditLine *el; /* NULL: plain lines */
    History *history;
    char *line; /* what getline fills in */
    size_t cap;
    char *joined; /* the lines so far */
    size_t len;
    bool more; /* the prompt is for a continued line */
};

/* Prompts with escape sequences mark them with this character for libedit. */
#define MARK "\1"

static char *prompt(EditLine *el)
{
    static char plain[] = "> ";
    /* libedit drops a sequence that no character follows. */
    static char coloured[] = MARK "\033[1m" MARK ">" MARK "\033[0m" MARK " ";
    static char plain_more[] = ". ";
    line_editor *e = NULL;

    el_get(el, EL_CLIENTDATA, &e);
    if (e->more)
        return plain_more;
    return terminal_colours() ? coloured : plain;
}

/* While a line is edited, Ctrl-C is a key like any other: it gives up the
 * line. The terminal driver is told not to make a signal of it. */
static unsigned char give_up_line(EditLine *el, wint_t key)
{
    const LineInfo *info = el_line(el);

    (void)key;
    el_cursor(el, (int)(info->lastchar - info->cursor));
    info = el_line(el);
    el_deletestr(el, (int)(info->lastchar - info->buffer));
    fputs("^C\n", stdout);
    return CC_REDISPLAY;
}

static void setup_history(line_editor *e)
{
    HistEvent event;

    e->history = history_init();
    if (!e->history)
        return;
    history(e->history, &event, H_SETSIZE, 1000);
    history(e->history, &event, H_SETUNIQUE, 1);
    el_set(e->el, EL_HIST, history, e->history);
}

static void setup_editing(line_editor *e)
{
    if (strcmp(nl_langinfo(CODESET), "UTF-8"))
        setlocale(LC_CTYPE, "C.UTF-8");
    e->el = el_init("phial", stdin, stdout, stderr);
    if (!e->el)
        return;
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_PROMPT_ESC, prompt, MARK[0]);
    el_set(e->el, EL_SIGNAL, 0);
    el_set(e->el, EL_EDITOR, "emacs");
    setup_history(e);
    el_source(e->el, NULL); /* ~/.editrc */
    /* Without a key now, and whenever libedit looks at the terminal again. */
    el_set(e->el, EL_SETTY, "-d", "intr=", "-intr", NULL);
    /* The narrow el_set() copies these strings and never frees them. */
    el_wset(e->el, EL_ADDFN, L"phial-give-up-line", L"give up the line",
            give_up_line);
    el_set(e->el, EL_BIND, "^C", "phial-give-up-line", NULL);
}

line_editor *editor_new(bool edit)
{
    line_editor *e = must_alloc(1, sizeof *e);

    if (edit)
        setup_editing(e);
    return e;
}

void editor_free(line_editor *e)
{
    if (!e)
        return;
    if (e->el)
        el_end(e->el);
    if (e->history)
        history_end(e->history);
    free(e->line);
    free(e->joined);
    free(e);
}

/* One line with its newline; NULL at the end of the input. */
static const char *read_line(line_editor *e)
{
    int n;

    if (e->el) {
        /* By itself libedit prompts first: keys that come in between would be
         * the terminal driver's. */
        el_set(e->el, EL_PREP_TERM, 1);
        return el_gets(e->el, &n);
    }
    return getline(&e->line, &e->cap, stdin) >= 0 ? e->line : NULL;
}

static void join(line_editor *e, const char *text, size_t len)
{
    char *joined = must_alloc(e->len + len + 2, 1);

    if (e->len)
        memcpy(joined, e->joined, e->len);
    memcpy(joined + e->len, text, len);
    e->len += len;
    free(e->joined);
    e->joined = joined;
}

static void remember(line_editor *e)
{
    HistEvent event;

    if (e->history && e->len)
        history(e->history, &event, H_ENTER, e->joined);
}

const char *editor_read(line_editor *e)
{
    const char *line;

    e->len = 0;
    e->more = false;
    for (;;) {
        size_t len;

        line = read_line(e);
        if (!line)
            return NULL;
        len = strcspn(line, "\r\n");
        if (!len || line[len - 1] != '\\')
            break;
        join(e, line, len - 1);
        join(e, "\n", 1);
        e->more = true;
    }
    join(e, line, strcspn(line, "\r\n"));
    remember(e);
    return e->joined;
}
