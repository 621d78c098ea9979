/* SPDX-License-Identifier: MIT
 * phial pull: a model from a hub. */
#include "options.h"
#include "pull_command.h"

static int run(const settings *s)
{
    if (s->output_file && !*s->output_file)
        usage_error(s->cmd, "--output is empty");
    return pull_run(s);
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"output", OPTION_TEXT, FIELD(output_file), "DIR|FILE",
     "put plain files there instead of into the cache", 0, 0, 'o'},
    {"force", OPTION_FLAG, FIELD(force), NULL,
     "with --output: overwrite files that are others", 0, 0, 'f'},
    {"revision", OPTION_TEXT, FIELD(revision), "NAME",
     "a branch, a tag or a commit (default main)", 0, 0, 0},
    {"endpoint", OPTION_TEXT, FIELD(endpoint), "URL",
     "the hub (default HF_ENDPOINT, or https://huggingface.co)", 0, 0, 0},
    {"retries", OPTION_COUNT, FIELD(retries), "N",
     "failures in a row that are waited for before giving up (default 8)", 0,
     1000, 0},
    {"stall", OPTION_COUNT, FIELD(stall), "SECONDS",
     "without a byte for so long, a connection counts as lost (default 60)", 1,
     3600, 0},
    {"json", OPTION_FLAG, FIELD(json), NULL,
     "print one JSON object instead of the path", 0, 0, 0},
    {"quiet", OPTION_FLAG, FIELD(quiet), NULL,
     "no progress and no totals on standard error", 0, 0, 'q'},
};
static const option_group pull_options = OPTION_GROUP("Download", table);
static const option_group *const groups[] = {&pull_options, NULL};

const command command_pull = {
    "pull",
    "ORG/NAME[/FILE]",
    1,
    1,
    "download a model from Hugging Face",
    "Downloads what a checkpoint consists of, or one file, all parts of a "
    "split "
    "GGUF file included, into the cache that Hugging Face's programs share, "
    "and "
    "prints the path that the other commands take. Checksums are verified; a "
    "download that was stopped goes on where it was. Tokens and folders come "
    "from the environment, as phial(1) and doc/pull.md tell.",
    groups,
    run};
