// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CForkState.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

static int is_child;
static __thread int is_forking_thread;

static void in_child(void) {
  is_child = 1;
  is_forking_thread = 1;
}

// When the code is loaded: a process may fork before it ever calls.
__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, in_child); }

int cforkstate_is_child(void) { return is_child; }

int cforkstate_is_forking_thread(void) { return is_forking_thread; }

struct call {
  void (*body)(void *context);
  void *context;
};

static void *run(void *argument) {
  const struct call *call = argument;
  call->body(call->context);
  return NULL;
}

int cforkstate_run_on_new_threads(int count, void (*body)(void *context), void *context) {
  struct call call = {body, context};
  pthread_t *threads = calloc((size_t)count, sizeof *threads);
  if (threads == NULL) return 0;
  // New threads inherit the mask: signals go on reaching the threads that had them. What a thread brings upon itself is not
  // blocked, which would hide where it happened.
  static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (unsigned i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&blocked, own[i]);
  int begun = 0;
  if (pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0) {
    while (begun < count && pthread_create(&threads[begun], NULL, run, &call) == 0) begun++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  for (int i = 0; i < begun; i++) pthread_join(threads[i], NULL);
  free(threads);
  return begun;
}
