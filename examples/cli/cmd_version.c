/* SPDX-License-Identifier: MIT
 * phial version: what is running, for bug reports. */
#include "options.h"
#include "output.h"

#include <stdio.h>

static int version(const settings *s)
{
    uint32_t v = phial_version();

    if (s->json) {
        puts(phial_build_info());
        return CLI_OK;
    }
    printf("phial %u.%u.%u\n%s\n", v >> 16 & 255, v >> 8 & 255, v & 255,
           phial_build_info());
    return CLI_OK;
}

static const option table[] = {
    {"json", OPTION_FLAG, offsetof(settings, json), NULL,
     "print one JSON object", 0, 0, 0},
};
static const option_group version_options = OPTION_GROUP("Options", table);
static const option_group *const groups[] = {&version_options, NULL};

const command command_version = {
    "version",
    "",
    0,
    0,
    "tell the version and how the library was built",
    "Prints the version of the library in use and a line of JSON about its "
    "build and this CPU, for bug reports. The keys may change.",
    groups,
    version};
