/* SPDX-License-Identifier: MIT
 * phial pull in a build that cannot: where the files are, for other programs to
 * fetch. */
#include "pull_command.h"
#include "pull_name.h"
#include "pull_places.h"

#include <stdio.h>
#include <stdlib.h>

/* The address that a file has at the hub; NULL for file: of their list. */
static char *address(const pull_name *name, const char *endpoint)
{
    char *revision = pull_escape(name->revision, true);
    char *file = pull_escape(name->file ? name->file : "", false);
    char *url = must_format("%s/%s/%s/%s%s%s", endpoint, name->repo,
                            name->file ? "resolve" : "tree", revision,
                            name->file ? "/" : "", file);

    free(file);
    free(revision);
    return url;
}

int pull_run(const settings *s)
{
    char *endpoint = pull_endpoint(s);
    pull_name name;
    const char *wrong = pull_name_parse(s->model, endpoint, s->revision, &name);
    char *url;

    if (wrong)
        usage_error(s->cmd, "\"%s\" %s", s->model, wrong);
    url = address(&name, endpoint);
    complain("this phial was built without libcurl or libcrypto (meson setup "
             "-Dpull=enabled); %s: %s%s",
             name.file ? "by other means" : "the files to fetch are listed at",
             name.file ? "curl -fLO " : "", url);
    free(url);
    pull_name_free(&name);
    free(endpoint);
    return CLI_FAILED;
}
