/* SPDX-License-Identifier: MIT
 * What the cache has, when the hub may not be asked. */
#include "pull.h"
#include "pull_hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The commit that the revision was when something was last pulled, to be freed;
 * NULL: it never was. */
static char *known_commit(const pull *p)
{
    char digits[PULL_SHA1_DIGITS + 1] = "";
    char *path;
    FILE *file;

    if (pull_is_hex(p->name.revision, PULL_SHA1_DIGITS))
        return must_format("%s", p->name.revision);
    path = must_format("%s/refs/%s", p->folder, p->name.revision);
    file = fopen(path, "r");
    free(path);
    if (!file)
        return NULL;
    if (!fgets(digits, sizeof digits, file))
        digits[0] = 0;
    fclose(file);
    return pull_is_hex(digits, PULL_SHA1_DIGITS) ? must_format("%s", digits)
                                                 : NULL;
}

static bool has(const pull *p, const char *commit, const char *file)
{
    char *path = must_format("%s/snapshots/%s/%s", p->folder, commit, file);
    const bool there = !access(path, R_OK);

    free(path);
    return there;
}

/* Whether all is there, as far as names tell. */
static bool complete(pull *p, const char *commit)
{
    const char *file = p->name.file;
    const unsigned n = file ? pull_split_count(file) : 0;

    if (!file)
        return has(p, commit, "config.json") &&
               (has(p, commit, "model.safetensors") ||
                has(p, commit, "model.safetensors.index.json"));
    for (unsigned i = n; i > 1; i--) {
        pull_split_part(p->name.file, i);
        if (!has(p, commit, file))
            return false;
    }
    if (n)
        pull_split_part(p->name.file, 1);
    return has(p, commit, file);
}

int store_offline(pull *p)
{
    char *commit = known_commit(p);
    const char *file = p->name.file;

    if (commit && complete(p, commit)) {
        p->result = must_format("%s/snapshots/%s%s%s", p->folder, commit,
                                file ? "/" : "", file ? file : "");
        free(commit);
        return CLI_OK;
    }
    free(commit);
    http_say(&p->http,
             "HF_HUB_OFFLINE is set, and the cache in %s does not have %s%s%s "
             "at revision %s",
             p->cache, p->name.repo, file ? "/" : "", file ? file : "",
             p->name.revision);
    return CLI_FAILED;
}
