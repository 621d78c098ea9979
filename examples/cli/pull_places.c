/* SPDX-License-Identifier: MIT
 * The environment of pulling. A variable that is empty counts as not set. */
#include "input.h"
#include "pull_name.h"
#include "pull_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

char *pull_endpoint(const settings *s)
{
    const char *given = s->endpoint ? s->endpoint : variable("HF_ENDPOINT");
    char *out = must_format("%s", given ? given : "https://huggingface.co");
    size_t len = strlen(out);

    while (len && out[len - 1] == '/')
        out[--len] = 0;
    if (strncasecmp(out, "https://", 8) && strncasecmp(out, "http://", 7))
        usage_error(s->cmd,
                    "the endpoint \"%s\" does not begin with https:// or "
                    "http://",
                    out);
    for (const char *c = out; *c; c++)
        if (*c <= 0x20 || *c == 0x7f || strchr("?#@", *c))
            usage_error(s->cmd,
                        "the endpoint \"%s\" is not an address of a server "
                        "and a path",
                        out);
    return out;
}

/* A path with "~" for the user's folder, as a variable may have it. */
static char *expand(const char *path)
{
    const char *home = variable("HOME");

    if (path[0] == '~' && (path[1] == '/' || !path[1]) && home)
        return must_format("%s%s", home, path + 1);
    return must_format("%s", path);
}

/* The folder of all that belongs to the hub. */
static int hub_home(char **out)
{
    const char *hub = variable("HF_HOME");
    const char *cache = variable("XDG_CACHE_HOME");
    const char *home = variable("HOME");
    char *base;

    if (hub) {
        *out = expand(hub);
        return CLI_OK;
    }
    if (!cache && !home) {
        complain("there is no place for a cache: neither HF_HOME nor HOME is "
                 "set; --output names another place");
        return CLI_FAILED;
    }
    base = cache ? expand(cache) : must_format("%s/.cache", home);
    *out = must_format("%s/huggingface", base);
    free(base);
    return CLI_OK;
}

int pull_cache_folder(char **out)
{
    const char *given = variable("HF_HUB_CACHE");
    char *home = NULL;
    int code;

    if (!given)
        given = variable("HUGGINGFACE_HUB_CACHE");
    if (given) {
        *out = expand(given);
        return CLI_OK;
    }
    code = hub_home(&home);
    if (code == CLI_OK)
        *out = must_format("%s/hub", home);
    free(home);
    return code;
}

/* White space around a token is none of it. What is not a visible character
 * inside could begin a header of its own. */
static int clean(const char *token, const char *source, char **out)
{
    const char *space = " \t\r\n";
    size_t len;

    token += strspn(token, space);
    len = strlen(token);
    while (len && strchr(space, token[len - 1]))
        len--;
    for (size_t i = 0; i < len; i++)
        if (token[i] <= 0x20 || token[i] >= 0x7f) {
            complain("%s does not hold a token, which is one word of visible "
                     "ASCII characters",
                     source);
            return CLI_FAILED;
        }
    *out = len ? must_format("%.*s", (int)len, token) : NULL;
    return CLI_OK;
}

static int token_file(char **out)
{
    const char *given = variable("HF_TOKEN_PATH");
    char *path = NULL, *home = NULL;
    text content = {0};
    int code = CLI_OK;

    if (given)
        path = expand(given);
    else if (variable("HF_HOME") || variable("XDG_CACHE_HOME") ||
             variable("HOME"))
        code = hub_home(&home);
    if (home)
        path = must_format("%s/token", home);
    if (code == CLI_OK && path && (given || !access(path, F_OK)))
        code = input_read(path, &content);
    if (code == CLI_OK && content.data)
        code = clean(content.data, path, out);
    free(content.data);
    free(home);
    free(path);
    return code;
}

int pull_token(char **out)
{
    const char *token = variable("HF_TOKEN");

    *out = NULL;
    if (!token)
        token = variable("HUGGING_FACE_HUB_TOKEN");
    return token ? clean(token, "HF_TOKEN", out) : token_file(out);
}

bool pull_offline(void)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    const char *value = variable("HF_HUB_OFFLINE");

    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(value, words[i]))
            return true;
    return false;
}
