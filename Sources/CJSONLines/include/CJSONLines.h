// SPDX-License-Identifier: Apache-2.0
// JSON lines and decimal numbers for Swift: a small C face on simdjson and std::from_chars, which
// Swift cannot call itself. No exception leaves a function, and nothing here is thread-safe.
#ifndef ESSCHER_CJSONLINES_H
#define ESSCHER_CJSONLINES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a field of a line stands for.
enum {
  CJL_PROMPT = 0,
  CJL_REWARD = 1,
  CJL_GOLD = 2,
  CJL_LOG_WEIGHT = 3,
  CJL_NUM_SAMPLES = 4,
  CJL_NUM_CORRECT = 5,
  CJL_LOG_PROBABILITY = 6,
  CJL_ROLES = 7
};

/// Result of a call.
enum {
  CJL_OK = 0,
  CJL_END = 1,           // no further line
  CJL_READ_FAILED = 2,   // read(2) failed; the message is strerror's
  CJL_NOT_JSON = 3,      // the line does not parse; the message is simdjson's
  CJL_NOT_OBJECT = 4,    // the line is JSON, but not an object
  CJL_NOT_NUMBER = 5,    // a value that must be a number is not; the message quotes it
  CJL_NESTED = 6,        // a list where a number is expected
  CJL_NO_MEMORY = 7,
  CJL_RAGGED = 8         // lists inside the list of rewards differ in length; the message has both
};

/// One line's fields. Pointers are valid until the next call on the reader.
typedef struct {
  size_t number;                  // line in the file, from 1
  const char *prompt;             // the prompt field as text (raw JSON for lists and objects), or NULL
  size_t prompt_length;
  const double *values[CJL_ROLES];  // numbers of each role, NULL where the field is absent
  size_t counts[CJL_ROLES];
  int is_list[CJL_ROLES];
  size_t width;                   // numbers in each list inside the list of rewards, 0 for plain numbers
} cjl_line;

typedef struct cjl_reader cjl_reader;

/// A reader of the file behind `fd`, which stays the caller's to close. NULL without memory.
/// Free with cjl_close.
cjl_reader *cjl_open(int fd);
void cjl_close(cjl_reader *reader);

/// Names the field that holds a role; NULL for none.
void cjl_set_role(cjl_reader *reader, int role, const char *name);

/// Where the rewards are lists inside a list, one a sample, chooses which number of each is read.
void cjl_set_member(cjl_reader *reader, size_t member);

/// Reads the next non-blank line and extracts the fields with a role.
int cjl_next(cjl_reader *reader, cjl_line *line);

/// Names of the last line's fields, newline-separated; NUL-terminated, the reader's to free.
const char *cjl_fields(cjl_reader *reader);

/// About the last failure; NUL-terminated, the reader's to free.
const char *cjl_message(const cjl_reader *reader);

/// Line of the last call, from 1.
size_t cjl_line_number(const cjl_reader *reader);

/// Parses the decimal number that fills text[0, length), surrounding blanks allowed, to the nearest
/// double. Returns 1 for a number (inf included), 2 for a missing value (empty, nan, na, null, none in
/// any case), 3 for true or false (1 or 0), and 0 for anything else.
int cjl_parse_number(const char *text, size_t length, double *value);

#ifdef __cplusplus
}
#endif

#endif
