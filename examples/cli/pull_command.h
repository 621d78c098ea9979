/* SPDX-License-Identifier: MIT
 * pull_command.h - what phial pull does, with libcurl or without. */
#ifndef PULL_COMMAND_H
#define PULL_COMMAND_H

#include "settings.h"

/* pull_run.c, or pull_none.c in a build without libcurl, which only says what
 * is missing and where the files are. Returns an exit code. */
int pull_run(const settings *s);

#endif /* PULL_COMMAND_H */
