/* SPDX-License-Identifier: MIT
 * phial chat --session FILE: the messages in FILE.messages.json, and in FILE
 * what the model has computed of them. The messages count: whatever FILE has
 * of them need not be computed again, so that a crash between the two files
 * costs time and nothing else. */
#include "chat_loop.h"
#include "input.h"
#include "output.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between two saves in a conversation: this many times what the last took. */
enum { SAVING_PART = 20 };

/* path and something behind it; the caller frees it. */
static char *path_with(const char *path, const char *end)
{
    const size_t len = strlen(path) + strlen(end) + 1;
    char *joined = must_alloc(len, 1);

    snprintf(joined, len, "%s%s", path, end);
    return joined;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* ---- Reading ----------------------------------------------------------- */

static int read_messages(chat_loop *c, const char *path)
{
    json_t *list;
    int code = input_json(path, &list);

    if (code != CLI_OK)
        return code;
    if (!history_add_json(&c->history, list)) {
        complain("%s holds no messages of a conversation", path);
        code = CLI_FAILED;
    }
    json_decref(list);
    return code;
}

/* Another system text would be another conversation. */
static int check_system(const chat_loop *c)
{
    const char *want = c->settings->system_text;
    const char *have = history_system(&c->history);

    if (!want || !strcmp(want, have ? have : ""))
        return CLI_OK;
    complain("the conversation in %s has another system text; leave out "
             "--system, and begin anew with /system",
             c->settings->session_file);
    return CLI_FAILED;
}

static int take_up(chat_loop *c, const char *messages)
{
    const char *path = c->settings->session_file;
    phial_status status = PHIAL_OK;
    int code = read_messages(c, messages);

    if (code == CLI_OK)
        code = check_system(c);
    if (code != CLI_OK)
        return code;
    if (exists(path))
        status = phial_session_load(c->session, path);
    if (status < 0)
        return library_error(status);
    c->kept = exists(path);
    if (c->editing)
        fprintf(stderr, "going on with the %zu messages in %s\n", c->history.n,
                path);
    return CLI_OK;
}

int chat_take_up(chat_loop *c)
{
    const char *path = c->settings->session_file;
    char *messages;
    int code = CLI_OK;

    history_reset(&c->history, c->settings->system_text);
    c->kept = true; /* nothing was said yet */
    if (!path)
        return CLI_OK;
    messages = path_with(path, ".messages.json");
    if (exists(messages)) {
        history_reset(&c->history, NULL);
        code = take_up(c, messages);
    } else if (exists(path)) {
        complain("%s is there, but %s, the messages that belong to it, is not",
                 path, messages);
        code = CLI_FAILED;
    }
    free(messages);
    return code;
}

/* ---- Writing ----------------------------------------------------------- */

/* For the owner alone, as the library's file is. */
static int write_messages(const chat_loop *c, const char *path)
{
    json_t *list = history_json(&c->history);
    const int fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : 0;

    errno = 0;
    if (fd >= 0 && (json_dumpfd(list, fd, JSON_INDENT(2)) || fsync(fd)))
        error = errno ? errno : ENOSPC;
    if (fd >= 0 && close(fd) && !error)
        error = errno;
    json_decref(list);
    return error;
}

static int replace_messages(const chat_loop *c, const char *path)
{
    char *fresh = path_with(path, ".new");
    int error = write_messages(c, fresh);

    if (!error && rename(fresh, path))
        error = errno;
    if (error) {
        complain("cannot write %s: %s", path, strerror(error));
        remove(fresh);
    }
    free(fresh);
    return error ? CLI_FAILED : CLI_OK;
}

/* All that was computed is written anew, a gigabyte after some thousand tokens:
 * it should take a small part of a conversation's time. */
static bool saved_lately(const chat_loop *c)
{
    return clock_seconds() - c->saved_at < SAVING_PART * c->saving_seconds;
}

static int save(chat_loop *c, const char *path)
{
    const double start = clock_seconds();
    const phial_status status = phial_session_save(c->session, path);

    c->saved_at = clock_seconds();
    c->saving_seconds = c->saved_at - start;
    c->kept = status >= 0;
    return status < 0 ? library_error(status) : CLI_OK;
}

void chat_keep(chat_loop *c, bool last)
{
    const char *path = c->settings->session_file;
    char *messages;
    int code;

    if (!path || c->kept)
        return;
    messages = path_with(path, ".messages.json");
    code = replace_messages(c, messages);
    free(messages);
    if (code == CLI_OK && (last || !saved_lately(c)))
        code = save(c, path);
    if (code != CLI_OK)
        c->code = code;
}
