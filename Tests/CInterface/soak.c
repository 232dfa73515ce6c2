// SPDX-License-Identifier: Apache-2.0
// Uses libesscher.so for long, in every way that a host does: thousands of calls, threads at once, fork in the middle,
// calls that are cancelled, arguments that are wrong, devices that fail. Every answer is compared with the first one;
// memory must not grow; a child that hangs is ended by its alarm.
//
//     soak CALLS          the calls, threads and forks
//     soak fork CHILDREN  children of a process that loaded the library and never called it, then of one that did; in
//                         each the thread that came over and another one call at once
//     soak device STATUS  runs on --device opencl that must end with STATUS
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "soak.h"

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

static char *expected[KINDS + 1];

static void run_and_compare(int kind, const char *threads) {
  char *text = run(kind, threads);
  REQUIRE(strcmp(text, expected[kind]) == 0, "kind %d gave other numbers:\n%s", kind, text);
  free(text);
}

static void one_call(int number) {
  if (number % 10 == 7) cancelled(number);
  else if (number % 10 == 9) refused();
  else if (number % 50 == 3) sweep(number / 50 % KINDS, expected[number / 50 % KINDS]);
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
    sweep(number % KINDS, expected[number % KINDS]);
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

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "--opencl-probe") == 0)
    return esscher_probe_main(count - 1, (const char *const *)arguments + 1);
  if (count == 3 && strcmp(arguments[1], "fork") == 0) return soak_forks(atoi(arguments[2]));
  if (count == 3 && strcmp(arguments[1], "device") == 0) return soak_devices(atoi(arguments[2]), arguments[0]);
  if (count == 2 && atoi(arguments[1]) > 0) return soak(atoi(arguments[1]));
  fprintf(stderr, "usage: soak CALLS | soak fork CHILDREN | soak device STATUS\n");
  return 2;
}
