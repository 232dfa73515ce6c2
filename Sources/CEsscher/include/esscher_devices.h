/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of a machine, and the program that tries their drivers.
 */
#ifndef ESSCHER_DEVICES_H
#define ESSCHER_DEVICES_H

#include "esscher_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The devices of this machine as JSON, as `esscher devices --json` prints them.
 *
 * @param text  where the text goes, for esscher_text_destroy.
 * @param error where a failure goes, or NULL.
 * @return ESSCHER_OK or ESSCHER_USAGE.
 */
esscher_status esscher_devices(char **text, esscher_error **error);

/**
 * Names a program that tries OpenCL drivers, which may abort or hang, in a process of its own. Without one, an
 * `esscher` beside the calling program is used, and without that no device is. The environment's ESSCHER_PROBE goes
 * before both.
 *
 * @param arguments the program by its absolute path, and arguments of its own; copied. The library adds more, the
 *                  first of which is "--opencl-probe", and the program hands those to esscher_probe_main.
 * @param count     from 1 to 8.
 * @param error     where a failure goes, or NULL.
 * @return ESSCHER_OK or ESSCHER_USAGE. Devices are looked for once a process: set it before the first run.
 */
esscher_status esscher_set_probe_command(const char *const *arguments, int32_t count,
                                         esscher_error **error);

/**
 * What the program of esscher_set_probe_command does: tries drivers and writes to standard output.
 *
 * @param count     number of arguments.
 * @param arguments those that the library added, "--opencl-probe" first.
 * @return the exit code for the program: 0, or 2 where the arguments are none of the library's.
 */
int32_t esscher_probe_main(int32_t count, const char *const *arguments);

#ifdef __cplusplus
}
#endif

#endif /* ESSCHER_DEVICES_H */
