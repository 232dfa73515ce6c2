// SPDX-License-Identifier: Apache-2.0
// What the parts of the soak have in common.
#ifndef ESSCHER_SOAK_H
#define ESSCHER_SOAK_H

#include <esscher.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Kinds of calls, 0 up to KINDS; the last one is for children of fork. */
enum { KINDS = 5 };

#define REQUIRE(condition, ...)                                   \
  do {                                                            \
    if (!(condition)) {                                           \
      fprintf(stderr, "soak: line %d: %s: ", __LINE__, #condition); \
      fprintf(stderr, __VA_ARGS__);                               \
      fputc('\n', stderr);                                        \
      _exit(1);                                                   \
    }                                                             \
  } while (0)

/* Makes the inputs. */
void fill(void);
void must(esscher_status status, esscher_error *error);
/* A table: plain rewards, gold beside them, rows of different lengths, counts, an ensemble; and, for forked children, rows
   of so many lengths that workers meet at the locks of what they share. */
esscher_table *table_of(int kind);
esscher_options *options_of(int kind, const char *threads, const char *device);
/* One whole use of the library; the report's CSV is the caller's. */
char *run(int kind, const char *threads);
/* A sweep of two shards that must end with `expected`; in every round also a merge that lacks one. */
void sweep(int kind, const char *expected);
/* A call that ends early: its flag was set, or its callback says so at some point. */
void cancelled(int number);
/* Arguments that are wrong, and data that is. */
void refused(void);

/* Children of a process that loaded the library and never called it, then of one that did; in each the thread that came over
   and another one call at once. */
int soak_forks(int children);
/* Runs on --device opencl that must end with `wanted`. */
int soak_devices(int wanted, const char *program);

#endif
