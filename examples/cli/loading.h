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

/* A new session with the options and the sampling of the command line. watched:
 * what it reads shows on the status line. */
int load_session(const settings *s, const phial_model *model, bool watched,
                 phial_session **session);

/* Gives the session the sampling of the command line. */
phial_status load_sampling(const settings *s, phial_session *session);

#endif /* LOADING_H */
