/* SPDX-License-Identifier: MIT
 * stream-time MODEL TOKENS: generates so many tokens and prints the nanoseconds
 * of each event; what token_overhead.py compares Python with. */
#include <phial/phial.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static phial_status run(phial_session *session, uint64_t n, double *ns)
{
    phial_sampling sampling = PHIAL_INIT(phial_sampling);
    phial_event event = PHIAL_INIT(phial_event);
    const phial_token first = 5;
    phial_status status;
    uint64_t events = 0;
    double begin;

    sampling.flags = PHIAL_SAMPLING_IGNORE_EOS;
    sampling.max_tokens = n;
    status = phial_session_add_tokens(session, &first, 1);
    if (status >= 0)
        status = phial_session_set_sampling(session, &sampling);
    if (status >= 0)
        status = phial_session_next(session, &event);
    begin = now_ns();
    while (status == PHIAL_OK) {
        status = phial_session_next(session, &event);
        events++;
    }
    *ns = (now_ns() - begin) / (double)events;
    return status;
}

int main(int argc, char **argv)
{
    phial_model_options options = PHIAL_INIT(phial_model_options);
    phial_session_options plain = PHIAL_INIT(phial_session_options);
    phial_model *model = NULL;
    phial_session *session = NULL;
    phial_status status;
    double ns = 0;

    if (argc != 3)
        return 2;
    options.n_threads = 1;
    plain.flags = PHIAL_SESSION_NO_DRAFTS;
    status = phial_model_open(argv[1], &options, &model);
    if (status >= 0)
        status = phial_session_new(model, &plain, &session);
    if (status >= 0)
        status = run(session, strtoull(argv[2], NULL, 10), &ns);
    phial_session_free(session);
    phial_model_free(model);
    if (status < 0) {
        fprintf(stderr, "%s\n", phial_last_error());
        return 1;
    }
    printf("%.0f\n", ns);
    return 0;
}
