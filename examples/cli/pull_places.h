/* SPDX-License-Identifier: MIT
 * pull_places.h - what the environment says of the hub and of its cache, by
 * the same variables as the package huggingface_hub. */
#ifndef PULL_PLACES_H
#define PULL_PLACES_H

#include "settings.h"

/* All to be freed; exit codes. */

/* The hub's address without a slash at its end. */
char *pull_endpoint(const settings *s);

/* The folder of the cache. */
int pull_cache_folder(char **out);

/* What proves who asks; NULL: nobody. A token in the environment or in a
 * file. */
int pull_token(char **out);

/* Whether nothing may be asked of the hub. */
bool pull_offline(void);

#endif /* PULL_PLACES_H */
