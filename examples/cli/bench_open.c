/* SPDX-License-Identifier: MIT
 * Loading, measured in a process of its own, so that its memory can be told
 * from everything else's. The file is then in the page cache, except perhaps
 * in the first round. */
#include "bench.h"
#include "terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the process sends back. */
typedef struct findings {
    double load, first_token; /* seconds from the start */
    uint32_t n_threads;
    bench_shape shape;
} findings;

static phial_status first_token(const phial_model *model,
                                const bench_shape *shape)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_session *session = NULL;
    phial_token tokens[BENCH_FIRST_PROMPT];
    phial_event event = PHIAL_INIT(phial_event);
    phial_status status;

    o.n_context = 2 * BENCH_FIRST_PROMPT;
    if (o.n_context > shape->n_context)
        o.n_context = (uint32_t)shape->n_context;
    bench_tokens(shape, 0, tokens, o.n_context / 2);
    status = phial_session_new(model, &o, &session);
    if (status >= 0)
        status = phial_session_add_tokens(session, tokens, o.n_context / 2);
    do
        status = status < 0 ? status : phial_session_next(session, &event);
    while (status == PHIAL_OK && !event.n_tokens);
    phial_session_free(session);
    return status;
}

static int run(const settings *s, const bench_engine *e, int pipe_end)
{
    phial_model_options options = bench_model_options(e);
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_model *model = NULL;
    findings f = {.load = 0};
    double start = clock_seconds();
    phial_status status = phial_model_open(s->model, &options, &model);

    if (status < 0)
        return model_error(status);
    f.load = clock_seconds() - start;
    status = bench_read_shape(model, &f.shape);
    if (status >= 0)
        status = first_token(model, &f.shape);
    f.first_token = clock_seconds() - start;
    if (status >= 0)
        status = phial_model_get_info(model, &info);
    if (status < 0)
        return library_error(status);
    f.n_threads = info.n_threads;
    return write(pipe_end, &f, sizeof f) == sizeof f ? CLI_OK : CLI_FAILED;
}

uint64_t bench_resident(const struct rusage *usage)
{
#ifdef __APPLE__
    return (uint64_t)usage->ru_maxrss;
#else
    return (uint64_t)usage->ru_maxrss * 1024;
#endif
}

/* The child has said what went wrong, unless a signal ended it. */
static int collect(pid_t child, int pipe_end, bench *b, bench_engine *e)
{
    struct rusage usage;
    findings f;
    ssize_t got;
    int status;

    do
        got = read(pipe_end, &f, sizeof f);
    while (got < 0 && errno == EINTR);
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return CLI_FAILED;
    if (WIFSIGNALED(status) && interrupt_seen())
        return CLI_INTERRUPTED;
    if (WIFSIGNALED(status))
        complain("the process that loaded the model ended by signal %d",
                 WTERMSIG(status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != CLI_OK)
        return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
    if (got != sizeof f)
        return CLI_FAILED;
    b->shape = f.shape;
    e->n_threads = f.n_threads;
    series_add(&e->load, f.load);
    series_add(&e->first_token, f.first_token);
    if (bench_resident(&usage) > e->peak_bytes)
        e->peak_bytes = bench_resident(&usage);
    return CLI_OK;
}

int bench_open(bench *b, bench_engine *e)
{
    int ends[2];
    pid_t child;
    int code;

    fflush(stdout);
    if (pipe(ends)) {
        complain("cannot make a pipe: %s", strerror(errno));
        return CLI_FAILED;
    }
    child = fork();
    if (child == 0) {
        interrupt_release();
        _exit(run(b->s, e, ends[1]));
    }
    close(ends[1]);
    if (child < 0) {
        complain("cannot make a process: %s", strerror(errno));
        code = CLI_FAILED;
    } else {
        code = collect(child, ends[0], b, e);
    }
    close(ends[0]);
    return code;
}
