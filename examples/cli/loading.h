/* SPDX-License-Identifier: MIT
 * loading.h - opens what the command line names, with its options, and reports
 * what goes wrong. */
#ifndef LOADING_H
#define LOADING_H

#include "settings.h"

phial_model_options load_model_options(const settings *s);
phial_session_options load_session_options(const settings *s);

/* Opens the model and shows progress. Returns an exit code; on failure the
 * sentence has been printed. seconds, if not NULL, gets the time it took. */
int load_model(const settings *s, phial_model **model, double *seconds);

/* The adapters of the command line, opened. */
typedef struct adapter_set {
    phial_adapter **adapters;
    const float *scales;
    size_t n;
} adapter_set;

/* Returns an exit code; the set is to be freed in either case. */
int load_adapters(const settings *s, const phial_model *model,
                  adapter_set *set);
void adapters_free(adapter_set *set);
phial_status adapters_give(const adapter_set *set, phial_session *session);

/* A new session with the options and the sampling of the command line, and with
 * the adapters. watched: what it reads shows on the status line. */
int load_session(const settings *s, const phial_model *model,
                 const adapter_set *set, bool watched, phial_session **session);

/* Gives the session the sampling of the command line. */
phial_status load_sampling(const settings *s, phial_session *session);

#endif /* LOADING_H */
