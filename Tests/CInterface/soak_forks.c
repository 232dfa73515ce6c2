// SPDX-License-Identifier: Apache-2.0
// Children of fork, of which the thread that came over is not like others.
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "soak.h"

static void *run_wide(void *argument) {
  *(char **)argument = run(KINDS, "4");
  return NULL;
}

static void child_of_fork(int number, const char *wanted) {
  const pid_t child = fork();
  REQUIRE(child >= 0, "fork");
  if (child == 0) {
    alarm(60);
    for (int turn = 0; turn < 2; turn++) {
      char *theirs = NULL, *own = NULL;
      pthread_t thread;
      REQUIRE(pthread_create(&thread, NULL, run_wide, &theirs) == 0, "thread");
      run_wide(&own);
      REQUIRE(pthread_join(thread, NULL) == 0, "join");
      REQUIRE(strcmp(own, theirs) == 0 && (wanted == NULL || strcmp(own, wanted) == 0), "other numbers");
      free(own);
      free(theirs);
    }
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child, "waitpid");
  REQUIRE(status == 0, "child %d ended with %d%s", number, status,
          WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ": it hung" : "");
}

int soak_forks(int children) {
  fill();
  for (int number = 0; number < children; number++) child_of_fork(number, NULL);
  char *wanted = run(KINDS, "4");
  for (int number = 0; number < children; number++) child_of_fork(number, wanted);
  free(wanted);
  printf("soak: %d children before the first call and as many after it\n", children);
  return 0;
}
