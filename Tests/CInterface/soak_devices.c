// SPDX-License-Identifier: Apache-2.0
// Devices that work and devices that fail.
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "soak.h"

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

int soak_devices(int wanted, const char *program) {
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
