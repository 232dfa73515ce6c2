// SPDX-License-Identifier: Apache-2.0
// Runs a program and takes what it prints, for at most some seconds: a driver that aborts, hangs or kills
// the process takes only that one with it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "COpenCL.h"

extern char **environ;

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int copencl_run(const char *path, const char *const *arguments, int timeout_ms, char *output,
                size_t capacity, int *status) {
  memset(output, 0, capacity);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  // Drivers write what they think to standard error; the sentence the user gets is ours.
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  // The arguments are not written to; posix_spawn's type is older than const.
  char *words[16] = {0};
  for (int i = 0; i < 15 && arguments[i] != NULL; i++) memcpy(&words[i], &arguments[i], sizeof words[i]);
  const int failure = posix_spawn(&child, path, &actions, NULL, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failure != 0) {
    close(ends[0]);
    return failure;
  }
  const long long deadline = now_ms() + timeout_ms;
  size_t length = 0;
  int timed_out = 0, interrupted = 0;
  for (;;) {
    const long long left = deadline - now_ms();
    struct pollfd poller = {.fd = ends[0], .events = POLLIN};
    const int ready = left > 0 ? poll(&poller, 1, (int)left) : 0;
    if (ready <= 0) {
      // The user's wish to stop is heard at once, and the child does not outlive it.
      interrupted = ready < 0 && errno == EINTR;
      timed_out = 1;
      break;
    }
    char rest[256];
    const int full = length + 1 >= capacity;
    const ssize_t got =
        read(ends[0], full ? rest : output + length, full ? sizeof rest : capacity - 1 - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (!full) length += (size_t)got;
  }
  close(ends[0]);
  // A child that closed its output may still hang on its way out.
  for (int ended = 0; !ended;) {
    if (timed_out) kill(child, SIGKILL);
    const pid_t waited = waitpid(child, status, timed_out ? 0 : WNOHANG);
    ended = waited == child || (waited < 0 && errno != EINTR);
    if (!ended && now_ms() >= deadline) timed_out = 1;
    if (!ended && !timed_out) poll(NULL, 0, 2);
  }
  return interrupted ? EINTR : timed_out ? ETIMEDOUT : 0;
}

void copencl_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

int copencl_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
int copencl_exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
