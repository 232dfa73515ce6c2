/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sweeps whose prompts are spread over many processes and machines; docs/clusters.md says how they go.
 */
#ifndef ESSCHER_SWEEP_H
#define ESSCHER_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "esscher_status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct esscher_table;
struct esscher_options;
struct esscher_observer;
struct esscher_report;

/** The partial result of a shard, or of the merge of all shards of a round. */
typedef struct esscher_state esscher_state;

/**
 * Reads a state.
 *
 * @param bytes  what esscher_state_bytes gave, also in another process, or a file of `esscher frontier --state`.
 * @param length their number.
 * @param name   name for messages, such as a file's.
 * @param error  where a failure goes, or NULL.
 * @return the state, or NULL for anything else.
 */
esscher_state *esscher_state_create(const void *bytes, size_t length, const char *name,
                                    esscher_error **error);

/** Frees a state and its bytes. */
void esscher_state_destroy(esscher_state *state);

/** The state's bytes, the same on every machine; they live as long as the state. NULL of NULL. */
const void *esscher_state_bytes(const esscher_state *state, size_t *length);

/** Rounds that are merged: of a merge those it holds, of a shard those before its own; -1 of NULL. */
int64_t esscher_state_round(const esscher_state *state);

/** 1 where the sweep is answered, 0 where it is not, or the state is a shard's or NULL. */
int32_t esscher_state_is_finished(const esscher_state *state);

/** Which prompts a process holds. A shorter struct is taken as if the rest were 0. */
typedef struct esscher_shard {
  /** sizeof(esscher_shard). */
  size_t size;
  /** Number of the shard, from 1. */
  int64_t index;
  /** Shards of the sweep. */
  int64_t count;
  /** P of the sweep, where the table holds the shard's prompts alone; 0 where it holds all. */
  int64_t prompts;
  /** Place of the table's first prompt among the sweep's; 0 where the table holds all. */
  int64_t first_prompt;
} esscher_shard;

/**
 * Runs the passes of one round over a shard's prompts.
 *
 * @param table    all prompts, or the shard's.
 * @param options  the same in every shard and round; devices, threads and memory may differ.
 * @param shard    which prompts.
 * @param after    the merge of the round before; NULL in the first round.
 * @param observer how the run is watched, or NULL.
 * @param state    where the partial result goes; NULL is stored where the call fails, and where `after` is the finished
 *                 sweep of this question: nothing is left to run.
 * @param error    where a failure goes, or NULL.
 * @return as esscher_frontier; ESSCHER_BAD_INPUT where `after` is of another question.
 */
esscher_status esscher_shard_run(const struct esscher_table *table,
                                 const struct esscher_options *options, const esscher_shard *shard,
                                 const esscher_state *after,
                                 const struct esscher_observer *observer, esscher_state **state,
                                 esscher_error **error);

/**
 * Puts the shards of a round together, in any order.
 *
 * @param states one of every shard, and from the second round on the merge that they went by.
 * @param count  their number.
 * @param report where the report goes, the same in every bit as that of one run; NULL is stored where there is none yet.
 * @param state  where the merge goes, by which the next round runs; NULL where it is not wanted.
 * @param error  where a failure goes, or NULL.
 * @return ESSCHER_OK with a report; ESSCHER_ANOTHER_ROUND, without an error, where the shards have to run again after
 *         `state`; ESSCHER_BAD_INPUT for states that do not belong together, and shards that are missing or there twice.
 */
esscher_status esscher_merge(const esscher_state *const *states, int64_t count,
                             struct esscher_report **report, esscher_state **state,
                             esscher_error **error);

#ifdef __cplusplus
}
#endif

#endif /* ESSCHER_SWEEP_H */
