/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frontier of a small matrix from C:
 *
 *     cc -std=c99 frontier.c $(pkg-config --cflags --libs esscher) -o frontier && ./frontier
 *
 * 20 prompts x 64 samples of made rewards; prints what each lambda and each n buys.
 */
#include <esscher.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROMPTS = 20, SAMPLES = 64 };

/* Sums of four uniform numbers, from a linear congruential generator so that every machine makes the same. */
static void make_rewards(float *rewards) {
  uint64_t state = 1;
  for (int cell = 0; cell < PROMPTS * SAMPLES; cell++) {
    double sum = 0;
    for (int part = 0; part < 4; part++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sum += (double)(state >> 40) / 16777216.0;
    }
    rewards[cell] = (float)(sum - 2);
  }
}

/* Ends the program where a call failed, with the library's sentence. */
static void check(esscher_status status, esscher_error *error) {
  if (status == ESSCHER_OK) return;
  fprintf(stderr, "frontier: %s\n", esscher_error_message(error));
  esscher_error_destroy(error);
  exit(status);
}

static int64_t column_named(const esscher_report *report, const char *name) {
  for (int64_t column = 0; column < esscher_report_column_count(report); column++) {
    const char *other = esscher_report_column_name(report, column);
    int same = 1;
    for (int i = 0; same && (name[i] || other[i]); i++) same = name[i] == other[i];
    if (same) return column;
  }
  return -1;
}

/* A cell of numbers, or a blank where it is undefined. */
static void print_cell(const esscher_report *report, int64_t row, const char *name) {
  double value = 0;
  if (esscher_report_number(report, row, column_named(report, name), &value) == ESSCHER_OK)
    printf(" %10.4g", value);
  else
    printf(" %10s", "");
}

int main(void) {
  static float rewards[PROMPTS * SAMPLES];
  make_rewards(rewards);

  esscher_error *error = NULL;
  esscher_table *table = esscher_table_create("made", &error);
  if (table == NULL) check(ESSCHER_USAGE, error);
  esscher_matrix matrix = {0};
  matrix.size = sizeof matrix;
  matrix.data = rewards;
  matrix.dtype = ESSCHER_FLOAT32;
  matrix.rows = PROMPTS;
  matrix.columns = SAMPLES;
  matrix.row_stride = ESSCHER_CONTIGUOUS;
  matrix.column_stride = ESSCHER_CONTIGUOUS;
  check(esscher_table_add(table, ESSCHER_REWARDS, "made", &matrix, &error), error);

  esscher_options *options = esscher_options_create();
  check(esscher_options_set(options, "lambdas", "0.5,1,2,4", &error), error);
  check(esscher_options_set(options, "ns", "1,4,16,64", &error), error);

  esscher_report *report = NULL;
  check(esscher_frontier(table, options, NULL, &report, &error), error);

  static const char *const columns[] = {"lambda", "n", "kl", "gain", "gain_low", "gain_high", "ess"};
  printf("%-10s", "curve");
  for (int i = 0; i < 7; i++) printf(" %10s", columns[i]);
  printf("\n");
  for (int64_t row = 0; row < esscher_report_point_count(report); row++) {
    printf("%-10s", esscher_report_cell_text(report, row, column_named(report, "curve")));
    for (int i = 0; i < 7; i++) print_cell(report, row, columns[i]);
    printf("\n");
  }
  for (int64_t i = 0; i < esscher_report_warning_count(report); i++)
    fprintf(stderr, "warning: %s\n", esscher_report_warning(report, i));

  esscher_report_destroy(report);
  esscher_options_destroy(options);
  esscher_table_destroy(table);
  return 0;
}
