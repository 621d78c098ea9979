/* SPDX-License-Identifier: MIT
 * What is said while files come, and when they are there. */
#include "output.h"
#include "progress.h"
#include "pull.h"
#include "terminal.h"
#include "units.h"

#include <stdio.h>
#include <string.h>

enum { BAR = 16, NAME = 18 };

static double speed(const pull *p)
{
    const double seconds = clock_seconds() - p->began;

    return seconds > 0 ? (double)p->bytes_received / seconds : 0;
}

/* "2 min", "3 h 20 min" */
static void duration(char *buf, size_t cap, double seconds)
{
    const unsigned minutes = (unsigned)(seconds / 60);

    if (seconds < 60)
        snprintf(buf, cap, "%.0f s", seconds);
    else if (minutes < 60)
        snprintf(buf, cap, "%u min", minutes);
    else
        snprintf(buf, cap, "%u h %u min", minutes / 60, minutes % 60);
}

/* The line fits 80 columns. */
void pull_tick(void *user)
{
    pull *p = user;
    const uint64_t done = p->bytes_done + p->bytes_at;
    const double rate = speed(p);
    char bar[BAR + 1], line[256], total[32], per_second[32], left[48] = "";
    double share = p->bytes_wanted ? (double)done / (double)p->bytes_wanted : 0;

    if (!p->doing || !terminal_errors())
        return;
    share = share < 1 ? share : 1;
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(share * BAR) ? '#' : '-';
    bar[BAR] = 0;
    units_bytes(total, sizeof total, p->bytes_wanted);
    units_bytes(per_second, sizeof per_second, (uint64_t)rate);
    if (rate > 0 && done < p->bytes_wanted)
        duration(left, sizeof left, (double)(p->bytes_wanted - done) / rate);
    snprintf(line, sizeof line, "%.*s [%s] %.0f%% of %s, %s/s%s%s", NAME,
             p->doing, bar, 100 * share, total, per_second, *left ? ", " : "",
             left);
    progress_line(line);
}

int pull_report(pull *p)
{
    const double seconds = clock_seconds() - p->began;
    char total[32], received[32];

    units_bytes(total, sizeof total, p->bytes_wanted);
    units_bytes(received, sizeof received, p->bytes_received);
    progress_clear();
    if (!p->s->quiet && p->list.commit)
        fprintf(stderr,
                "files: %llu (%llu were there), %s; received: %s in %.1f s\n",
                (unsigned long long)p->n_wanted,
                (unsigned long long)(p->n_wanted - p->n_pulled), total,
                received, seconds);
    if (p->s->json)
        return output_json(json_pack(
            "{s:o, s:o, s:I, s:I, s:I, s:f}", "path",
            json_text(p->result, strlen(p->result)), "commit",
            p->list.commit ? json_string(p->list.commit) : json_null(), "files",
            (json_int_t)p->n_wanted, "bytes", (json_int_t)p->bytes_wanted,
            "received", (json_int_t)p->bytes_received, "seconds", seconds));
    output_text(p->result, strlen(p->result));
    putchar('\n');
    return CLI_OK;
}
