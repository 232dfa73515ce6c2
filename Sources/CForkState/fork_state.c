// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CForkState.h"

#include <errno.h>
#include <signal.h>

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

int cforkstate_run_on_new_thread(void (*body)(void *context), void *context) {
  struct call call = {body, context};
  // The thread inherits the mask: signals go on reaching the threads that had them. What a thread brings upon itself is
  // not blocked, which would hide where it happened.
  sigset_t blocked, before;
  sigfillset(&blocked);
  static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
  for (unsigned i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&blocked, own[i]);
  int status = pthread_sigmask(SIG_BLOCK, &blocked, &before);
  if (status != 0) return status;
  pthread_t thread;
  status = pthread_create(&thread, NULL, run, &call);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (status != 0) return status;
  return pthread_join(thread, NULL) == 0 ? 0 : EDEADLK;
}
