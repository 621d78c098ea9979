/* SPDX-License-Identifier: MIT
 * goldens.h - stored reference logits: tests/golden/README.md. A test program
 * that uses them compiles goldens.c and says which file it reads. */
#ifndef PH_TEST_GOLDENS_H
#define PH_TEST_GOLDENS_H

#include <phial/phial.h>

/* Of each row of logits every third is kept. */
enum { GOLDEN_STEP = 3 };

/* The figures of acceptance for float weights and an F32 cache. float64 rounds
 * nothing that matters; float32 rounds in another order than we do. */
#define NMSE_FLOAT64 1e-11
#define NMSE_TRANSFORMERS 1e-10

/* The program's file, from the source directory, in which it runs. */
extern const char golden_path[];

/* How many numbers the record has; they stay to the end of the program. */
size_t golden_doubles(const char *name, const double **data);
size_t golden_floats(const char *name, const float **data);
size_t golden_tokens(const char *name, const phial_token **data);

/* Every GOLDEN_STEP-th of the logits against n in want: sum of squared
 * differences over sum of squares. */
double golden_nmse(const float *logits, const double *want, size_t n);
double golden_nmse_floats(const float *logits, const float *want, size_t n);

#endif /* PH_TEST_GOLDENS_H */
