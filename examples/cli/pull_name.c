/* SPDX-License-Identifier: MIT
 * Names of repositories and of files in them. */
#include "pull_name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 96, LONGEST_PATH = 1000, LONGEST_PART = 200 };

/* Skips prefix, if text begins with it. */
static bool skip(const char **text, const char *prefix)
{
    const size_t n = strlen(prefix);

    if (strncmp(*text, prefix, n))
        return false;
    *text += n;
    return true;
}

/* Past what stands before ORG/NAME; true if that was a web address. */
static bool skip_prefix(const char **text, const char *endpoint)
{
    static const char *const addresses[] = {
        "https://huggingface.co/", "https://www.huggingface.co/",
        "https://hf.co/", "huggingface.co/"};
    const char *at = *text;

    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (skip(text, addresses[i]))
            return true;
    if (skip(&at, endpoint) && *at == '/') {
        *text = at + 1;
        return true;
    }
    if (skip(text, "hf:"))
        skip(text, "//");
    return false;
}

/* A name of an organisation or a repository by the hub's own rules. They keep
 * it from being ".." or from holding the "--" that folders of caches join names
 * with. */
static bool name_ok(const char *name, size_t len)
{
    if (!len || len > LONGEST_NAME || strchr("-.", name[0]) ||
        strchr("-.", name[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        const char c = name[i];

        if (!isalnum((unsigned char)c) && !strchr("-_.", c))
            return false;
        if (i && strchr("-.", c) && c == name[i - 1])
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, tolower((unsigned char)c));

    return c && at ? (int)(at - digits) : -1;
}

/* The path of an address: without a query, %20 as a space. */
static void unescape(char *text)
{
    char *out = text;

    text[strcspn(text, "?#")] = 0;
    for (; *text; text++) {
        const int high = *text == '%' ? hex_digit(text[1]) : -1;
        const int low = high < 0 ? -1 : hex_digit(text[2]);

        if (low < 0) {
            *out++ = *text;
        } else {
            *out++ = (char)(high << 4 | low);
            text += 2;
        }
    }
    *out = 0;
}

/* The revision in an address, as in ORG/NAME/resolve/main/FILE; *rest is moved
 * past it. NULL: there is none. */
static char *address_revision(char **rest)
{
    static const char *const kinds[] = {"tree/", "blob/", "resolve/", "raw/"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *at = *rest;

        if (skip(&at, kinds[i])) {
            char *revision = *rest + (at - *rest);
            const size_t len = strcspn(revision, "/");

            *rest = revision + len + (revision[len] == '/');
            revision[len] = 0;
            return revision;
        }
    }
    return NULL;
}

/* text is "ORG/NAME[/REST]" and is cut up. */
static const char *parse(char *text, bool address, const char *revision,
                         pull_name *out)
{
    const size_t org = strcspn(text, "/");
    char *name = text + org + (text[org] == '/');
    const size_t len = strcspn(name, "/");
    char *rest = name + len + (name[len] == '/');
    char *given = address ? address_revision(&rest) : NULL;

    if (!name_ok(text, org) || !name_ok(name, len))
        return "is not ORG/NAME or ORG/NAME/FILE";
    if (given && revision)
        return "says which revision, and so does --revision";
    revision = given ? given : revision ? revision : "main";
    if (!pull_path_safe(revision))
        return "has no revision of this name";
    if (*rest && !pull_path_safe(rest))
        return "names a file that no repository can have";
    name[len] = 0;
    out->repo = must_format("%s", text);
    out->file = *rest ? must_format("%s", rest) : NULL;
    out->revision = must_format("%s", revision);
    return NULL;
}

const char *pull_name_parse(const char *text, const char *endpoint,
                            const char *revision, pull_name *out)
{
    const bool address = skip_prefix(&text, endpoint);
    char *copy = must_format("%s", text);
    const char *wrong;
    size_t len;

    if (address)
        unescape(copy);
    len = strlen(copy);
    if (len && copy[len - 1] == '/')
        copy[len - 1] = 0;
    wrong = parse(copy, address, revision, out);
    free(copy);
    return wrong;
}

void pull_name_free(pull_name *name)
{
    free(name->repo);
    free(name->file);
    free(name->revision);
}

/* A control character of Latin 1 in UTF-8, which terminals obey too. */
static bool is_c1(const char *c)
{
    return (unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0;
}

bool pull_path_safe(const char *path)
{
    if (!*path || strlen(path) > LONGEST_PATH)
        return false;
    for (const char *c = path; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || is_c1(c))
            return false;
    while (true) {
        const size_t len = strcspn(path, "/");

        if (!len || len > LONGEST_PART ||
            (len <= 2 && !strncmp(path, "..", len)))
            return false;
        if (!path[len])
            return true;
        path += len + 1;
    }
}
