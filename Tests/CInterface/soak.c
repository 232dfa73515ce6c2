// SPDX-License-Identifier: Apache-2.0
// Uses libesscher.so for long, in every way that a host does: thousands of calls, threads at once, fork in the middle,
// calls that are cancelled, arguments that are wrong, devices that fail. Every answer is compared with the first one;
// memory must not grow; a child that hangs is ended by its alarm.
//
//     soak CALLS          the calls, threads and forks
//     soak device STATUS  runs on --device opencl that must end with STATUS
#define _GNU_SOURCE
#include <esscher.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { PROMPTS = 24, SAMPLES = 48, KINDS = 5, LENGTHS = 900, CELLS = LENGTHS * (LENGTHS + 15) / 2 };

static float rewards[PROMPTS * SAMPLES];
static float gold[PROMPTS * SAMPLES];
static int64_t offsets[PROMPTS + 1];
static float long_rewards[CELLS];
static int64_t long_offsets[LENGTHS + 1];
static char *expected[KINDS + 1];

#define REQUIRE(condition, ...)                                   \
  do {                                                            \
    if (!(condition)) {                                           \
      fprintf(stderr, "soak: line %d: %s: ", __LINE__, #condition); \
      fprintf(stderr, __VA_ARGS__);                               \
      fputc('\n', stderr);                                        \
      _exit(1);                                                   \
    }                                                             \
  } while (0)

static void fill(void) {
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

static void must(esscher_status status, esscher_error *error) {
  REQUIRE(status == ESSCHER_OK, "%s", esscher_error_message(error));
  REQUIRE(error == NULL, "a call that succeeds stores no error");
}

/* A table: plain rewards, gold beside them, rows of different lengths, counts, an ensemble; and, for forked children, rows
   of so many lengths that workers meet at the locks of what they share. */
static esscher_table *table_of(int kind) {
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

static esscher_options *options_of(int kind, const char *threads, const char *device) {
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

/* One whole use of the library; the report's CSV is the caller's. */
static char *run(int kind, const char *threads) {
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

static void run_and_compare(int kind, const char *threads) {
  char *text = run(kind, threads);
  REQUIRE(strcmp(text, expected[kind]) == 0, "kind %d gave other numbers:\n%s", kind, text);
  free(text);
}

/* A sweep of two shards, to its end, in every round also a merge that lacks one. */
static void sweep_and_compare(int kind) {
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
  REQUIRE(strcmp(text, expected[kind]) == 0, "a sweep of kind %d gave other numbers:\n%s", kind, text);
  esscher_report_destroy(report);
  esscher_state_destroy(states[SHARDS]);
}

static int32_t stop_at(void *context, const char *stage, double fraction) {
  (void)stage, (void)fraction;
  int *left = context;
  return --*left <= 0;
}

/* A call that ends early: its flag was set, or its callback says so at some point. */
static void cancelled(int number) {
  esscher_error *error = NULL;
  esscher_table *table = table_of(number % KINDS);
  esscher_options *options = options_of(number % KINDS, "2", "cpu");
  const int32_t flag = number % 2;
  int left = 1 + number % 4;
  esscher_observer observer = {sizeof observer, &flag, stop_at, &left};
  esscher_report *report = (esscher_report *)&left;
  const esscher_status status = esscher_frontier(table, options, &observer, &report, &error);
  REQUIRE(status == ESSCHER_INTERRUPTED, "%d: %s", status, esscher_error_message(error));
  REQUIRE(report == NULL && esscher_error_status(error) == status, "what is left");
  esscher_error_destroy(error);
  esscher_options_destroy(options);
  esscher_table_destroy(table);
}

/* Arguments that are wrong, and data that is. */
static void refused(void) {
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

static void one_call(int number) {
  if (number % 10 == 7) cancelled(number);
  else if (number % 10 == 9) refused();
  else if (number % 50 == 3) sweep_and_compare(number / 50 % KINDS);
  else run_and_compare(number % KINDS, number % 3 ? "2" : "1");
}

/* ---- Threads and forks ---- */

static int calls_a_thread;

static void *caller(void *argument) {
  const int first = *(const int *)argument;
  for (int number = 0; number < calls_a_thread; number++) one_call(first + number);
  return NULL;
}

/* A child that uses the library again, with more threads than it is forked from, and forks once more. */
static void fork_once(int number, int depth) {
  const pid_t child = fork();
  REQUIRE(child >= 0, "fork");
  if (child == 0) {
    alarm(120);
    for (int kind = 0; kind < KINDS; kind++) run_and_compare(kind, number % 2 ? "4" : "1");
    for (int turn = 0; turn < 5; turn++) run_and_compare(KINDS, "16");
    cancelled(number);
    refused();
    sweep_and_compare(number % KINDS);
    if (depth > 0) fork_once(number, depth - 1);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child, "waitpid");
  REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child of fork %d ended with %d%s", number,
          status, WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ": it hung" : "");
}

static void threads_and_forks(int calls) {
  enum { THREADS = 4 };
  pthread_t threads[THREADS];
  int firsts[THREADS];
  calls_a_thread = calls / THREADS;
  for (int i = 0; i < THREADS; i++) {
    firsts[i] = i * 13;
    REQUIRE(pthread_create(&threads[i], NULL, caller, &firsts[i]) == 0, "thread");
  }
  // In the middle of what they do.
  const int forks = calls / 100 < 4 ? 4 : calls / 100;
  for (int i = 0; i < forks; i++) fork_once(i, i % 8 == 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

/* Bytes that were allocated and not freed. Resident memory would tell how the allocator shares its pages out among threads
   instead. */
static long bytes_in_use(void) {
  const struct mallinfo2 info = mallinfo2();
  return (long)(info.uordblks + info.hblkhd);
}

static int soak(int calls) {
  fill();
  for (int kind = 0; kind <= KINDS; kind++) expected[kind] = run(kind, "1");
  const int warm = calls / 4;
  for (int number = 0; number < warm; number++) one_call(number);
  const long before = bytes_in_use();
  for (int number = warm; number < calls; number++) one_call(number);
  const long grown = bytes_in_use() - before;
  // Blocks that threads keep for their next allocation count too, some tens of KiB each. Under the sanitizer, which
  // has an allocator of its own, leaks are counted at the end instead.
  REQUIRE(SANITIZED || grown < 200000, "%d calls took %ld bytes", calls - warm, grown);
  threads_and_forks(calls / 2);
  for (int kind = 0; kind <= KINDS; kind++) free(expected[kind]);
  printf("soak: %d calls, %ld bytes more in use after the last %d; %d more on 4 threads with forks between\n",
         calls, grown, calls - warm, calls / 2);
  return 0;
}

/* ---- Devices ---- */

static esscher_status device_run(const char *name, const char **said) {
  static char words[4096];
  esscher_error *error = NULL;
  esscher_table *table = table_of(1);
  esscher_options *options = options_of(1, "2", name);
  esscher_report *report = NULL;
  const esscher_status status = esscher_frontier(table, options, NULL, &report, &error);
  snprintf(words, sizeof words, "%s", esscher_error_message(error));
  *said = words;
  REQUIRE((status == ESSCHER_OK) == (report != NULL), "a report and a failure");
  esscher_error_destroy(error);
  esscher_report_destroy(report);
  esscher_options_destroy(options);
  esscher_table_destroy(table);
  return status;
}

static int devices(int wanted, const char *program) {
  fill();
  char path[4096];
  REQUIRE(realpath(program, path) != NULL, "%s", program);
  const char *const command[] = {path};
  esscher_error *error = NULL;
  must(esscher_set_probe_command(command, 1, &error), error);
  const char *said = "";
  for (int number = 0; number < 20; number++) {
    const esscher_status status = device_run("opencl", &said);
    REQUIRE(status == wanted, "%d, not %d: %s", status, wanted, said);
    REQUIRE(status == ESSCHER_OK || strlen(said) > 40, "no sentence");
    // auto goes on without it.
    REQUIRE(device_run("auto", &said) == ESSCHER_OK, "%s", said);
  }
  char *text = NULL;
  must(esscher_devices(&text, &error), error);
  esscher_text_destroy(text);
  const pid_t child = fork();
  REQUIRE(child >= 0, "fork");
  if (child == 0) {
    alarm(120);
    REQUIRE(device_run("opencl", &said) == ESSCHER_DEVICE_UNAVAILABLE, "a device after a fork");
    REQUIRE(strstr(said, "forked") != NULL, "%s", said);
    REQUIRE(device_run("auto", &said) == ESSCHER_OK && device_run("cpu", &said) == ESSCHER_OK, "%s", said);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0, "the child ended with %d", status);
  printf("soak: --device opencl ended with %d 20 times, and was refused after a fork\n", wanted);
  return 0;
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "--opencl-probe") == 0)
    return esscher_probe_main(count - 1, (const char *const *)arguments + 1);
  if (count == 3 && strcmp(arguments[1], "device") == 0) return devices(atoi(arguments[2]), arguments[0]);
  if (count == 2 && atoi(arguments[1]) > 0) return soak(atoi(arguments[1]));
  fprintf(stderr, "usage: soak CALLS | soak device STATUS\n");
  return 2;
}
