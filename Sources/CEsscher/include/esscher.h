/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Esscher from C: the KL-reward frontier of a prompt x sample matrix of rewards in memory.
 *
 *     esscher_error *error = NULL;
 *     esscher_table *table = esscher_table_create("scores", &error);
 *     esscher_matrix matrix = {sizeof matrix, scores, ESSCHER_FLOAT32, 0, prompts, samples,
 *                              ESSCHER_CONTIGUOUS, ESSCHER_CONTIGUOUS, NULL, NULL, 0};
 *     esscher_table_add(table, ESSCHER_REWARDS, "scores", &matrix, &error);
 *     esscher_report *report = NULL;
 *     if (esscher_frontier(table, NULL, NULL, &report, &error) != ESSCHER_OK)
 *       fprintf(stderr, "%s\n", esscher_error_message(error));
 *
 * Conventions, which docs/c.md says more about:
 *
 * - No argument is trapped on: a null handle, a count below 0, a stride that overflows and text that is not UTF-8 are
 *   refused with a status and a sentence. What cannot be seen is the caller's: pointers must be valid for the sizes
 *   that go with them, and a handle must not be used after it was destroyed.
 * - What a create function or an out parameter hands over belongs to the caller, who gives it to the destroy function
 *   of its kind; these take NULL. Text that a handle hands out lives as long as the handle.
 * - `error` may be NULL. Otherwise a failing call stores a handle there, which the caller destroys; a call that
 *   succeeds stores NULL. A handle that was there before is not destroyed.
 * - Calls may run at once on different handles, and also on the same table, options or report where all of them only read
 *   it, as esscher_frontier does.
 * - A call returns when its work has ended; idle threads of the system's pool may stay for some seconds, so that the library
 *   is not unloaded by dlclose. No signal handler is installed, no signal mask and no environment is changed.
 * - A child made by fork may go on; devices are refused there where the parent had looked for devices. The thread that forked
 *   waits there while its calls run on threads of their own.
 * - A call takes up to 256 KiB of its thread's stack, and computes with NaN and infinities: traps of floating-point
 *   exceptions must be off.
 * - KL is in nats, text is UTF-8 and ends in a NUL, indices begin at 0.
 */
#ifndef ESSCHER_H
#define ESSCHER_H

#include <stddef.h>
#include <stdint.h>

#include "esscher_arrow.h"
#include "esscher_devices.h"
#include "esscher_status.h"
#include "esscher_sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version ---- */

/** Version of this interface. Functions and the tails of sized structs are added without a change of it. */
#define ESSCHER_ABI_VERSION 1

/** The interface version of the library that was loaded; compare with ESSCHER_ABI_VERSION. */
int32_t esscher_abi_version(void);

/** Version of Esscher, such as "0.1.0". Never NULL; not to be freed. */
const char *esscher_version(void);

/* ---- Options ---- */

/** What is asked of a run, with the program's defaults until it is set otherwise. */
typedef struct esscher_options esscher_options;

/** Options with every default. */
esscher_options *esscher_options_create(void);

/** Frees options. */
void esscher_options_destroy(esscher_options *options);

/**
 * Sets an option from text, in the words of `esscher frontier --help`.
 *
 * @param options the options.
 * @param name  without dashes: betas, lambdas, kl-budgets, ns, curves, resamples, confidence, bias-correct, seed,
 *              precision, missing, ensemble, standardize, device, threads or memory-budget.
 * @param value such as "0.1,0.5,2" or "log:0.1:10:48" for lambdas; of the switch bias-correct NULL, "true" or
 *              "false". A later value replaces an earlier one.
 * @param error where a failure goes, or NULL.
 * @return ESSCHER_OK, or ESSCHER_USAGE with the program's own sentence.
 */
esscher_status esscher_options_set(esscher_options *options, const char *name, const char *value,
                                   esscher_error **error);

/**
 * Sets a grid from numbers, without a detour through text.
 *
 * @param options the options.
 * @param name    betas, lambdas, kl-budgets or ns.
 * @param numbers `count` numbers in any order, copied; whole ones for ns.
 * @param count   at least 1, at most 100,000.
 * @param error   where a failure goes, or NULL.
 * @return ESSCHER_OK or ESSCHER_USAGE.
 */
esscher_status esscher_options_set_numbers(esscher_options *options, const char *name,
                                           const double *numbers, int64_t count,
                                           esscher_error **error);

/**
 * Adds a trained policy that the report places against the frontier.
 *
 * @param options the options.
 * @param name   a name of its own.
 * @param kl     its KL to the base policy in nats, at least 0.
 * @param reward its mean reward over the same prompts, finite.
 * @param gold   its mean gold reward, or NaN where it was not measured.
 * @param error  where a failure goes, or NULL.
 * @return ESSCHER_OK, or ESSCHER_BAD_INPUT for an empty name, one that is there already, or a number out of range.
 */
esscher_status esscher_options_add_policy(esscher_options *options, const char *name, double kl,
                                          double reward, double gold, esscher_error **error);

/* ---- Tables ---- */

/** Rewards, and what goes with them. */
typedef struct esscher_table esscher_table;

/** What an array of a table holds. */
enum {
  /** Rewards to tilt and to select by; added again, another model of an ensemble. */
  ESSCHER_REWARDS = 0,
  /** Gold rewards of the same samples. */
  ESSCHER_GOLD = 1,
  /** Log importance weights of the same samples. */
  ESSCHER_LOG_WEIGHTS = 2,
  /** Log-probabilities of the same samples under the base policy. */
  ESSCHER_LOGPROBS = 3
};

/** Element types. A bool is a byte, true where it is not 0. */
enum {
  ESSCHER_FLOAT16 = 1,
  ESSCHER_BFLOAT16 = 2,
  ESSCHER_FLOAT32 = 3,
  ESSCHER_FLOAT64 = 4,
  ESSCHER_INT8 = 5,
  ESSCHER_INT16 = 6,
  ESSCHER_INT32 = 7,
  ESSCHER_INT64 = 8,
  ESSCHER_UINT8 = 9,
  ESSCHER_UINT16 = 10,
  ESSCHER_UINT32 = 11,
  ESSCHER_UINT64 = 12,
  ESSCHER_BOOL = 13
};

/** As a stride: cells lie back to back, and rows too. */
#define ESSCHER_CONTIGUOUS INT64_MIN

/**
 * A prompt x sample array in the caller's memory.
 *
 * Cells of one row lie `column_stride` bytes apart and need no alignment. Rows lie `row_stride` bytes apart and have
 * `columns` cells each; or, where `offsets` is not NULL, row r has the cells offsets[r] up to offsets[r + 1],
 * `column_stride` apart from `data` on. A cell that is NaN, or whose bit of `validity` is 0, is missing.
 *
 * A shorter struct than this one is taken as if the rest were 0, as long as it has everything up to
 * `column_stride`; a longer one, of a later version and up to 1024 bytes, where its unknown rest is 0.
 */
typedef struct esscher_matrix {
  /** sizeof(esscher_matrix). */
  size_t size;
  /** The first cell: of row 0 and column 0, whatever the signs of the strides. */
  const void *data;
  /** Element type, ESSCHER_FLOAT16 and so on. */
  int32_t dtype;
  /** Type of `offsets`: ESSCHER_INT32 or ESSCHER_INT64; 0 without them. */
  int32_t offset_dtype;
  /** Number of prompts, at least 1. */
  int64_t rows;
  /** Samples of each prompt, at least 1; with `offsets` the number of cells behind `data`. */
  int64_t columns;
  /** Bytes from one row to the next, of any sign, 0 or ESSCHER_CONTIGUOUS; not looked at with `offsets`. */
  int64_t row_stride;
  /** Bytes from one cell of a row to the next, of any sign, 0 or ESSCHER_CONTIGUOUS. */
  int64_t column_stride;
  /** rows + 1 numbers that never decrease, aligned, or NULL. */
  const void *offsets;
  /** Bits of the first cell and those after it, lowest bit of a byte first, or NULL: cell (r, c) has the number
      validity_offset + r * columns + c, or validity_offset + offsets[r] + c. */
  const uint8_t *validity;
  /** Number of the first cell's bit, at least 0. */
  int64_t validity_offset;
} esscher_matrix;

/**
 * An empty table.
 *
 * @param label name of the reward in the report.
 * @param error where a failure goes, or NULL.
 * @return the table, or NULL where `label` is NULL, empty, longer than 4 MiB or not UTF-8.
 */
esscher_table *esscher_table_create(const char *label, esscher_error **error);

/** Frees a table and releases what it took over from Arrow. The caller's arrays are left alone. */
void esscher_table_destroy(esscher_table *table);

/**
 * Adds an array. Its cells are not copied: they must stay, unchanged, until the table is destroyed. The struct and its
 * `offsets` may go.
 *
 * @param table  the table; unchanged where the call fails.
 * @param role   ESSCHER_REWARDS and so on.
 * @param name   name of the array for messages, and of the model in an ensemble.
 * @param matrix where the cells are.
 * @param error  where a failure goes, or NULL.
 * @return ESSCHER_OK; ESSCHER_USAGE for arguments that make no array; ESSCHER_BAD_INPUT for offsets that do not fit.
 */
esscher_status esscher_table_add(esscher_table *table, int32_t role, const char *name,
                                 const esscher_matrix *matrix, esscher_error **error);

/**
 * Adds a column of an Arrow stream: lists (list, large_list, fixed_size_list and both list views) with a row for each
 * prompt, or plain numbers, which are one prompt. Element types are the floats, the integers and bool; a null is a
 * missing cell, a null list a prompt without samples. Batches are kept until the table is destroyed; cells are not
 * copied except where one prompt goes over several batches, and booleans are unpacked.
 *
 * @param table  the table; unchanged where the call fails.
 * @param role   ESSCHER_REWARDS and so on.
 * @param name   as of esscher_table_add.
 * @param column the column of a stream of record batches; NULL for the first that is named as the role's columns
 *               usually are (docs/input.md), and of a stream without columns.
 * @param stream read to its end and released, whatever the outcome; NULL is refused.
 * @param error  where a failure goes, or NULL.
 * @return ESSCHER_OK, ESSCHER_USAGE or ESSCHER_BAD_INPUT.
 */
esscher_status esscher_table_add_arrow(esscher_table *table, int32_t role, const char *name,
                                       const char *column, struct ArrowArrayStream *stream,
                                       esscher_error **error);

/**
 * Sets the rewards to 0 and 1 by their counts: prompt r has samples[r] rewards, of which corrects[r] are 1.
 *
 * @param table    a table without rewards.
 * @param name     name of the counts for messages.
 * @param samples  `rows` numbers of at least 1, copied.
 * @param corrects `rows` numbers from 0 to samples[r], copied.
 * @param rows     number of prompts, at least 1.
 * @param error    where a failure goes, or NULL.
 * @return ESSCHER_OK, ESSCHER_USAGE or ESSCHER_BAD_INPUT.
 */
esscher_status esscher_table_set_counts(esscher_table *table, const char *name,
                                        const int64_t *samples, const int64_t *corrects,
                                        int64_t rows, esscher_error **error);

/**
 * Names the prompts, for lines of esscher_observer.prompts and for messages. The identifier of prompt r is the UTF-8 text
 * from texts[offsets[r]] up to texts[offsets[r + 1]].
 *
 * @param table   a table without identifiers.
 * @param texts   all identifiers, copied; may be NULL where every one is empty.
 * @param offsets rows + 1 numbers of at least 0 that never decrease.
 * @param rows    number of prompts; a run refuses another number than its rewards have.
 * @param error   where a failure goes, or NULL.
 * @return ESSCHER_OK, ESSCHER_USAGE or ESSCHER_BAD_INPUT.
 */
esscher_status esscher_table_set_prompts(esscher_table *table, const char *texts,
                                         const int64_t *offsets, int64_t rows,
                                         esscher_error **error);

/* ---- Runs ---- */

/** How a caller watches a run. A shorter struct is taken as if the rest were 0. */
typedef struct esscher_observer {
  /** sizeof(esscher_observer). */
  size_t size;
  /** Ends the run soon after it is not 0 any more; may be set from any thread and from a signal handler. May be NULL. */
  const volatile int32_t *cancel;
  /** Called on the thread of the call (in a child made by fork, on the one that works for it) with the stage's name and the share of it that is done, 0 to 1; ends the run
      where it returns another number than 0. Must return, and may not change the run's handles. May be NULL. */
  int32_t (*progress)(void *context, const char *stage, double fraction);
  /** First argument of `progress` and `prompts`. */
  void *context;
  /** Takes the CSV of `--per-prompt`, a header and then a line for each prompt and point, some 64 KiB at a time: `length`
      bytes, valid during the call, that end with a line. NULL and 0 where a device failed and the run begins anew: what was
      taken is void. Called where `progress` is, by esscher_frontier alone; ends the run where it returns another
      number than 0. What it took of a run that fails is void too. May be NULL. */
  int32_t (*prompts)(void *context, const char *lines, size_t length);
} esscher_observer;

/** Result of a run. */
typedef struct esscher_report esscher_report;

/**
 * Estimates the frontier: `esscher frontier` on arrays in memory. The same cells, options and seed give the same
 * numbers as the program, bit for bit.
 *
 * @param table    rewards and what goes with them.
 * @param options  what is asked, or NULL for every default.
 * @param observer how the run is watched, or NULL.
 * @param report   where the report goes; NULL is stored where the call fails.
 * @param error    where a failure goes, or NULL.
 * @return ESSCHER_OK, ESSCHER_USAGE, ESSCHER_BAD_INPUT, ESSCHER_DEVICE_UNAVAILABLE, ESSCHER_INTERRUPTED or
 *         ESSCHER_INTERNAL.
 */
esscher_status esscher_frontier(const esscher_table *table, const esscher_options *options,
                                const esscher_observer *observer, esscher_report **report,
                                esscher_error **error);

/* ---- Reports ---- */

/** What a column holds. */
enum { ESSCHER_NUMBER = 0, ESSCHER_INTEGER = 1, ESSCHER_FLAG = 2, ESSCHER_TEXT = 3 };

/** Number of points, a row each; 0 of NULL. */
int64_t esscher_report_point_count(const esscher_report *report);

/** Number of columns (docs/output.md); 0 of NULL. */
int64_t esscher_report_column_count(const esscher_report *report);

/** Name of a column; NULL where there is none of this number. */
const char *esscher_report_column_name(const esscher_report *report, int64_t column);

/** ESSCHER_NUMBER and so on; -1 where there is no column of this number. */
int32_t esscher_report_column_kind(const esscher_report *report, int64_t column);

/**
 * Reads a cell of a column of numbers, integers or flags (0 or 1).
 *
 * @param report the report.
 * @param row    the point.
 * @param column the column.
 * @param value  where the number goes; left alone unless ESSCHER_OK is returned.
 * @return ESSCHER_OK, ESSCHER_UNDEFINED where the cell has no value, or ESSCHER_USAGE for a place that is not there, a
 *         column of text or a null pointer.
 */
esscher_status esscher_report_number(const esscher_report *report, int64_t row, int64_t column,
                                     double *value);

/**
 * Reads a column of numbers, integers or flags (0 or 1); undefined cells become NaN, which no defined cell is.
 *
 * @param report the report.
 * @param column the column.
 * @param values where the numbers go.
 * @param count  room behind `values`, at least the number of points.
 * @return ESSCHER_OK or ESSCHER_USAGE.
 */
esscher_status esscher_report_numbers(const esscher_report *report, int64_t column, double *values,
                                      int64_t count);

/** A cell of a column of text, "" where it is empty; NULL for a place that is not there or holds no text. */
const char *esscher_report_cell_text(const esscher_report *report, int64_t row, int64_t column);

/** Number of warnings; 0 of NULL. */
int64_t esscher_report_warning_count(const esscher_report *report);

/** A warning, or NULL where there is none of this number. */
const char *esscher_report_warning(const esscher_report *report, int64_t index);

/**
 * The report as the program writes it.
 *
 * @param report the report.
 * @param format csv, json, jsonl or table.
 * @param text   where the text goes; it ends in a NUL and lives as long as the report.
 * @param length where its length goes in bytes, without the NUL, or NULL.
 * @param error  where a failure goes, or NULL.
 * @return ESSCHER_OK or ESSCHER_USAGE.
 */
esscher_status esscher_report_text(const esscher_report *report, const char *format,
                                   const char **text, size_t *length, esscher_error **error);

/** Frees a report and every text it handed out. */
void esscher_report_destroy(esscher_report *report);

#ifdef __cplusplus
}
#endif

#endif /* ESSCHER_H */
