/* SPDX-License-Identifier: MIT
 * score.h - how likely a model finds a text, and how far it is from another
 * model: what the files of phial score share. doc/scoring.md has the rules. */
#ifndef SCORE_H
#define SCORE_H

#include "loading.h"

enum { WINDOWS_STRIDE, WINDOWS_LLAMA }; /* settings.windows */
enum { BOS_AUTO, BOS_YES, BOS_NO };     /* settings.bos_mode */

typedef struct score_model {
    phial_model *model; /* NULL: there is none */
    adapter_set adapters;
    phial_session *session;
    size_t n_vocab;
    float *rows; /* logits of a piece */
} score_model;

typedef struct score_text {
    phial_token *tokens;
    size_t n;       /* BOS included */
    size_t n_bytes; /* of the file */
    bool has_bos;
    phial_token bos; /* of the vocabulary */
} score_text;

/* Tokens begin to end of the text are read from an empty session; those from
 * `first` on, which is behind begin, are scored. */
typedef struct score_window {
    size_t begin, first, end;
    bool replace_first; /* by BOS */
} score_window;

typedef struct score_windows {
    score_window *items;
    size_t n;
    size_t context, stride; /* as decided; stride 0: llama-perplexity's rule */
    size_t n_read;          /* tokens that one model computes */
    size_t n_scored;        /* those that are scored */
} score_windows;

/* What is known of the tokens scored so far, in order. Of a reference: of those
 * that follow without one there is nothing. */
typedef struct score_tokens {
    size_t n;
    size_t *window;    /* in which each was scored */
    double *nll;       /* negative natural logarithm of its probability */
    double *reference; /* the same by the reference */
    double *kl;        /* KL(reference || model) of the whole distribution */
    double *same_top;  /* 1: both find the same token likeliest; else 0 */
} score_tokens;

typedef struct score_run {
    const settings *s;
    score_model model, reference;
    score_text text;
    score_windows windows;
    score_tokens scored;
    double sum; /* of nll */
    size_t n_read;
    double began;
    bool interrupted;
} score_run;

/* ---- score_text.c ------------------------------------------------------- */

/* Opens a model, and what goes with it but a session; adapters and --weights
 * are for s->model, a reference is taken as it is. Returns an exit code. */
int score_open(const settings *s, const char *path, score_model *out);

/* The session, with the adapters. Returns an exit code. */
int score_start(const phial_session_options *options, score_model *m);
void score_close(score_model *m);

/* Whether a text begins with BOS, by --bos, or by what the model's file says.
 */
int score_wants_bos(const settings *s, const phial_model *model, bool *out);

/* The tokens of a text; the caller frees them. */
int score_encode(const settings *s, const phial_model *model, bool bos,
                 const char *text, size_t len, phial_token **tokens, size_t *n);

/* The tokens of the file for the model; if there is a reference, sees to it
 * that it has the same ones. */
int score_tokenize(score_run *run, const char *text, size_t len);

/* ---- score_windows.c ---------------------------------------------------- */

/* Cuts n tokens by the options. Returns an exit code. */
int windows_make(const settings *s, const score_text *text, size_t n_context,
                 score_windows *out);

/* ---- score_compare.c ---------------------------------------------------- */

typedef struct score_distance {
    double kl; /* of q from p */
    bool same_top;
} score_distance;

double score_log_sum_exp(const float *logits, size_t n);
score_distance score_compare(const float *p, const float *q, size_t n);

/* ---- score_compute.c ---------------------------------------------------- */

/* Scores all windows, or those before Ctrl-C. Returns an exit code. */
int score_compute(score_run *run);

/* ---- score_figures.c ---------------------------------------------------- */

typedef struct figure {
    double value, error; /* standard error; NaN: there is none */
} figure;

typedef struct score_figures {
    figure nll, perplexity;
    double error_by_windows; /* of nll, windows being independent */
    double bits_per_byte;
    figure reference, ratio; /* of perplexities */
    figure kl, same_top;
    double kl_median, kl_99, kl_99_9, kl_max;
} score_figures;

/* At least one token is scored. */
score_figures score_sum_up(const score_run *run);

/* ---- score_report.c ----------------------------------------------------- */

/* The line at a terminal while the scoring runs. */
void score_show_progress(const score_run *run);

/* "1:02:03", "4:05". */
void score_time_left(char *buf, size_t cap, double done, double all,
                     double seconds);

/* A line for a scored token, the i-th. Returns an exit code. */
int score_print_token(const score_run *run, const phial_tokenizer *t,
                      size_t index, size_t i);

int score_print(const score_run *run);

/* ---- score_lines.c ------------------------------------------------------ */

/* Completions of prompts, one a line. Returns an exit code. */
int score_lines(const settings *s);

#endif /* SCORE_H */
