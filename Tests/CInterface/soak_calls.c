// SPDX-License-Identifier: Apache-2.0
// The calls of the soak, each with all that goes with it.
#include <math.h>
#include <string.h>

#include "soak.h"

enum { PROMPTS = 24, SAMPLES = 48, LENGTHS = 900, CELLS = LENGTHS * (LENGTHS + 15) / 2 };

static float rewards[PROMPTS * SAMPLES];
static float gold[PROMPTS * SAMPLES];
static int64_t offsets[PROMPTS + 1];
static float long_rewards[CELLS];
static int64_t long_offsets[LENGTHS + 1];

void fill(void) {
  uint64_t state = 7;
  for (int i = 0; i < 2 * PROMPTS * SAMPLES; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const float value = (float)(state >> 44) / 1048576.0f * 8.0f;
    // Rounded in part, so that there are ties.
    if (i % 2) rewards[i / 2] = i % 3 ? value : floorf(value);
    else gold[i / 2] = value;
  }
  for (int i = 0; i < CELLS; i++) long_rewards[i] = rewards[(i * 7 + i / 5) % (PROMPTS * SAMPLES)];
  for (int row = 0; row < LENGTHS; row++) long_offsets[row + 1] = long_offsets[row] + 8 + row;
  for (int row = 0; row < PROMPTS; row++) offsets[row + 1] = offsets[row] + 20 + row;
}

static esscher_matrix matrix_of(const float *cells, int ragged) {
  esscher_matrix matrix = {0};
  matrix.size = sizeof matrix;
  matrix.data = cells;
  matrix.dtype = ESSCHER_FLOAT32;
  matrix.rows = PROMPTS;
  matrix.columns = SAMPLES;
  matrix.row_stride = ESSCHER_CONTIGUOUS;
  matrix.column_stride = ESSCHER_CONTIGUOUS;
  if (ragged) {
    matrix.columns = PROMPTS * SAMPLES;
    matrix.offsets = offsets;
    matrix.offset_dtype = ESSCHER_INT64;
  }
  return matrix;
}

void must(esscher_status status, esscher_error *error) {
  REQUIRE(status == ESSCHER_OK, "%s", esscher_error_message(error));
  REQUIRE(error == NULL, "a call that succeeds stores no error");
}

esscher_table *table_of(int kind) {
  esscher_error *error = NULL;
  esscher_table *table = esscher_table_create("soak", &error);
  REQUIRE(table != NULL, "%s", esscher_error_message(error));
  esscher_matrix main_matrix = matrix_of(rewards, kind == 2);
  if (kind == KINDS) {
    main_matrix.data = long_rewards;
    main_matrix.rows = LENGTHS;
    main_matrix.columns = CELLS;
    main_matrix.offsets = long_offsets;
    main_matrix.offset_dtype = ESSCHER_INT64;
  }
  const esscher_matrix other = matrix_of(gold, 0);
  if (kind == 3) {
    int64_t samples[PROMPTS], corrects[PROMPTS];
    for (int row = 0; row < PROMPTS; row++) {
      samples[row] = 10 + row;
      corrects[row] = row % 9;
    }
    must(esscher_table_set_counts(table, "counts", samples, corrects, PROMPTS, &error), error);
    return table;
  }
  must(esscher_table_add(table, ESSCHER_REWARDS, "rewards", &main_matrix, &error), error);
  if (kind == 1) must(esscher_table_add(table, ESSCHER_GOLD, "gold", &other, &error), error);
  if (kind == 4) must(esscher_table_add(table, ESSCHER_REWARDS, "second", &other, &error), error);
  return table;
}

esscher_options *options_of(int kind, const char *threads, const char *device) {
  esscher_error *error = NULL;
  esscher_options *options = esscher_options_create();
  const double lambdas[] = {0, 0.2, 1.5};
  must(esscher_options_set_numbers(options, "lambdas", lambdas, 3, &error), error);
  must(esscher_options_set(options, "ns", "1,2,8", &error), error);
  must(esscher_options_set(options, "resamples", "20", &error), error);
  must(esscher_options_set(options, "threads", threads, &error), error);
  must(esscher_options_set(options, "device", device, &error), error);
  if (kind == 0) must(esscher_options_add_policy(options, "mine", 0.3, 4, NAN, &error), error);
  if (kind == 4) {
    must(esscher_options_set(options, "ensemble", "mean", &error), error);
    must(esscher_options_set(options, "standardize", "model", &error), error);
  }
  return options;
}

char *run(int kind, const char *threads) {
  esscher_error *error = NULL;
  esscher_table *table = table_of(kind);
  esscher_options *options = options_of(kind, threads, "cpu");
  esscher_report *report = NULL;
  must(esscher_frontier(table, options, NULL, &report, &error), error);
  const char *text = NULL;
  size_t length = 0;
  must(esscher_report_text(report, "csv", &text, &length, &error), error);
  must(esscher_report_text(report, "json", &text, NULL, &error), error);
  must(esscher_report_text(report, "csv", &text, &length, &error), error);
  REQUIRE(strlen(text) == length, "a length that is none");
  double values[1024];
  const int64_t points = esscher_report_point_count(report);
  REQUIRE(points > 0 && points <= 1024, "%lld points", (long long)points);
  for (int64_t column = 0; column < esscher_report_column_count(report); column++) {
    if (esscher_report_column_kind(report, column) == ESSCHER_TEXT) continue;
    REQUIRE(esscher_report_numbers(report, column, values, 1024) == ESSCHER_OK, "column");
  }
  char *copy = strdup(text);
  esscher_report_destroy(report);
  esscher_options_destroy(options);
  esscher_table_destroy(table);
  return copy;
}

void sweep(int kind, const char *expected) {
  enum { SHARDS = 2, MOST_ROUNDS = 40 };
  esscher_error *error = NULL;
  esscher_state *states[SHARDS + 1] = {NULL};
  esscher_report *report = NULL;
  for (int round = 0; report == NULL; round++) {
    REQUIRE(round < MOST_ROUNDS, "the sweep of kind %d does not end", kind);
    for (int index = 0; index < SHARDS; index++) {
      esscher_table *table = table_of(kind);
      esscher_options *options = options_of(kind, index ? "2" : "1", "cpu");
      const esscher_shard shard = {sizeof shard, index + 1, SHARDS, 0, 0};
      must(esscher_shard_run(table, options, &shard, states[SHARDS], NULL, &states[index], &error), error);
      esscher_options_destroy(options);
      esscher_table_destroy(table);
    }
    esscher_state *merged = NULL;
    REQUIRE(esscher_merge((const esscher_state *const *)states, 1, &report, &merged, &error) == ESSCHER_BAD_INPUT,
            "a shard is missing");
    REQUIRE(report == NULL && merged == NULL && error != NULL, "what is left");
    esscher_error_destroy(error);
    const int count = states[SHARDS] ? SHARDS + 1 : SHARDS;
    const esscher_status status =
        esscher_merge((const esscher_state *const *)states, count, &report, &merged, &error);
    REQUIRE(status == (report ? ESSCHER_OK : ESSCHER_ANOTHER_ROUND), "%d: %s", status, esscher_error_message(error));
    REQUIRE(esscher_state_is_finished(merged) == (report != NULL), "finished");
    REQUIRE(esscher_state_round(merged) == round + 1, "round");
    for (int index = 0; index <= SHARDS; index++) esscher_state_destroy(states[index]);
    /* Through bytes, as another process gets it. */
    size_t length = 0;
    const void *bytes = esscher_state_bytes(merged, &length);
    states[SHARDS] = esscher_state_create(bytes, length, "merge", &error);
    REQUIRE(states[SHARDS] != NULL, "%s", esscher_error_message(error));
    esscher_state_destroy(merged);
  }
  const char *text = NULL;
  must(esscher_report_text(report, "csv", &text, NULL, &error), error);
  REQUIRE(strcmp(text, expected) == 0, "a sweep of kind %d gave other numbers:\n%s", kind, text);
  esscher_report_destroy(report);
  esscher_state_destroy(states[SHARDS]);
}

static int32_t stop_at(void *context, const char *stage, double fraction) {
  (void)stage, (void)fraction;
  int *left = context;
  return --*left <= 0;
}

void cancelled(int number) {
  esscher_error *error = NULL;
  esscher_table *table = table_of(number % KINDS);
  esscher_options *options = options_of(number % KINDS, "2", "cpu");
  const int32_t flag = number % 2;
  int left = 1 + number % 4;
  esscher_observer observer = {sizeof observer, &flag, stop_at, &left, NULL};
  esscher_report *report = (esscher_report *)&left;
  const esscher_status status = esscher_frontier(table, options, &observer, &report, &error);
  REQUIRE(status == ESSCHER_INTERRUPTED, "%d: %s", status, esscher_error_message(error));
  REQUIRE(report == NULL && esscher_error_status(error) == status, "what is left");
  esscher_error_destroy(error);
  esscher_options_destroy(options);
  esscher_table_destroy(table);
}

void refused(void) {
  esscher_error *error = NULL;
  esscher_table *table = table_of(0);
  esscher_matrix matrix = matrix_of(gold, 0);
  matrix.columns = SAMPLES - 1;
  must(esscher_table_add(table, ESSCHER_GOLD, "gold", &matrix, &error), error);
  esscher_report *report = NULL;
  REQUIRE(esscher_frontier(table, NULL, NULL, &report, &error) == ESSCHER_BAD_INPUT, "shapes");
  REQUIRE(strcmp(esscher_error_location(error), "gold, row 0") == 0, "%s", esscher_error_location(error));
  esscher_error_destroy(error);
  matrix.rows = -1;
  REQUIRE(esscher_table_add(table, ESSCHER_LOGPROBS, "x", &matrix, &error) == ESSCHER_USAGE, "rows");
  esscher_error_destroy(error);
  REQUIRE(esscher_table_add(table, 17, "x", &matrix, NULL) == ESSCHER_USAGE, "role");
  struct ArrowArrayStream stream = {0};
  REQUIRE(esscher_table_add_arrow(table, 0, "x", NULL, &stream, NULL) == ESSCHER_USAGE, "stream");
  esscher_options *options = esscher_options_create();
  REQUIRE(esscher_options_set(options, "lamdas", "1", &error) == ESSCHER_USAGE, "name");
  REQUIRE(strstr(esscher_error_message(error), "lambdas") != NULL, "%s", esscher_error_message(error));
  esscher_error_destroy(error);
  esscher_options_destroy(options);
  esscher_table_destroy(table);
}
