/* SPDX-License-Identifier: MIT
 * phial pull: the hub's list, the choice, the files one after the other, and
 * last the names by which they are found. */
#include "pull.h"
#include "pull_command.h"
#include "pull_places.h"
#include "terminal.h"

#include <stdlib.h>
#include <string.h>

static int pull_files(pull *p)
{
    int code = CLI_OK;

    p->began = clock_seconds();
    for (size_t i = 0; i < p->list.n && code == CLI_OK; i++) {
        const hub_file *file = &p->list.files[i];
        const char *slash = strrchr(file->path, '/');

        if (!file->wanted)
            continue;
        p->doing = slash ? slash + 1 : file->path;
        p->bytes_at = 0;
        code = pull_file(p, file);
        p->bytes_done += file->size;
    }
    p->doing = NULL;
    return code;
}

static int pull_online(pull *p)
{
    int code = hub_list_get(p);

    if (code == CLI_OK)
        code = pull_choose(p);
    if (code == CLI_OK)
        code = target_prepare(p);
    if (code == CLI_OK)
        code = target_space(p);
    if (code == CLI_OK)
        code = pull_files(p);
    if (code == CLI_OK && p->cache)
        code = store_links(p);
    return code;
}

static int pull_from_cache(pull *p)
{
    int code;

    if (!p->cache) {
        http_say(&p->http, "HF_HUB_OFFLINE is set, and --output needs the hub");
        return CLI_FAILED;
    }
    code = target_prepare(p);
    return code == CLI_OK ? store_offline(p) : code;
}

static int with_http(pull *p)
{
    const char *ca_file = getenv("CURL_CA_BUNDLE");
    http *h = &p->http;
    int code;

    p->began = clock_seconds();
    h->endpoint = p->endpoint;
    h->token = p->token;
    h->ca_file = ca_file && *ca_file ? ca_file : NULL;
    h->repo = p->name.repo;
    h->stall = p->s->stall;
    h->retries = p->s->retries;
    h->tick = p->s->quiet ? NULL : pull_tick;
    h->tick_user = p;
    if (!http_open(h)) {
        http_say(h, "libcurl cannot be started");
        return CLI_FAILED;
    }
    interrupt_catch(NULL, true);
    code = pull_offline() ? pull_from_cache(p) : pull_online(p);
    interrupt_release();
    http_close(h);
    return code;
}

static void explain(const pull *p, int code)
{
    if (code == CLI_FAILED && p->http.problem[0])
        complain("%s", p->http.problem);
    if (code == CLI_INTERRUPTED && !p->s->quiet)
        complain("stopped; the same command goes on from here");
}

int pull_run(const settings *s)
{
    pull p = {.s = s, .endpoint = pull_endpoint(s)};
    const char *wrong =
        pull_name_parse(s->model, p.endpoint, s->revision, &p.name);
    int code;

    if (wrong)
        usage_error(s->cmd, "\"%s\" %s", s->model, wrong);
    code = pull_token(&p.token);
    if (code == CLI_OK && !s->output_file)
        code = pull_cache_folder(&p.cache);
    if (code == CLI_OK) {
        code = with_http(&p);
        explain(&p, code);
    }
    if (code == CLI_OK)
        code = pull_report(&p);
    hub_list_free(&p.list);
    pull_name_free(&p.name);
    free(p.endpoint);
    free(p.token);
    free(p.cache);
    free(p.folder);
    free(p.result);
    return code;
}
