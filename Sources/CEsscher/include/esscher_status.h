/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a call of esscher.h ended, and why.
 */
#ifndef ESSCHER_STATUS_H
#define ESSCHER_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Outcome of a call: ESSCHER_OK or the exit code that the program would end with. */
typedef int32_t esscher_status;

enum {
  /** Done. */
  ESSCHER_OK = 0,
  /** A fault inside Esscher. */
  ESSCHER_INTERNAL = 1,
  /** Arguments that cannot be carried out as given. */
  ESSCHER_USAGE = 2,
  /** Data that is malformed, or that the estimators are not defined for. */
  ESSCHER_BAD_INPUT = 3,
  /** A device asked for by name is not usable. */
  ESSCHER_DEVICE_UNAVAILABLE = 4,
  /** A known-answer check did not hold. */
  ESSCHER_VERIFICATION_FAILED = 5,
  /** Another round over the data is needed. */
  ESSCHER_ANOTHER_ROUND = 6,
  /** The cell has no value; the row's note says why. Not a failure: no error is stored. */
  ESSCHER_UNDEFINED = 100,
  /** The observer ended the call. */
  ESSCHER_INTERRUPTED = 130
};

/** Why a call failed. */
typedef struct esscher_error esscher_error;

/** The status that the call returned; ESSCHER_OK of NULL. */
esscher_status esscher_error_status(const esscher_error *error);

/** What is wrong and what to do about it, the place first where there is one. Never NULL; "" of NULL. */
const char *esscher_error_message(const esscher_error *error);

/** The place alone, such as "scores, row 3, column 17"; "" where there is none, and of NULL. */
const char *esscher_error_location(const esscher_error *error);

/** Frees an error. */
void esscher_error_destroy(esscher_error *error);

/** Frees a text that a function handed over to the caller. */
void esscher_text_destroy(char *text);

#ifdef __cplusplus
}
#endif

#endif /* ESSCHER_STATUS_H */
