// SPDX-License-Identifier: Apache-2.0
// Decimal text to the nearest double, with the words users write for missing values.
#include <cctype>
#include <charconv>
#include <cstring>
#include <limits>

#include "CJSONLines.h"

static bool equals(const char *text, size_t length, const char *word) {
  if (std::strlen(word) != length) return false;
  for (size_t i = 0; i < length; i++)
    if (std::tolower(static_cast<unsigned char>(text[i])) != word[i]) return false;
  return true;
}

int cjl_parse_number(const char *text, size_t length, double *value) {
  while (length > 0 && (*text == ' ' || *text == '\t' || *text == '\r')) text++, length--;
  while (length > 0 &&
         (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\r'))
    length--;
  *value = std::numeric_limits<double>::quiet_NaN();
  if (length == 0) return 2;
  const char *digits = text;
  size_t rest = length;
  // from_chars takes no plus sign.
  if (*digits == '+' && rest > 1 && digits[1] != '-') digits++, rest--;
  double parsed = 0;
  auto result = std::from_chars(digits, digits + rest, parsed);
  if (result.ec == std::errc::result_out_of_range && result.ptr == digits + rest) {
    // Too small rounds to zero; too large is infinite, which the caller refuses.
    const bool negative = *digits == '-';
    bool small = false;
    for (size_t i = 0; i + 1 < rest; i++)
      if ((digits[i] == 'e' || digits[i] == 'E') && digits[i + 1] == '-') small = true;
    const double magnitude = small ? 0 : std::numeric_limits<double>::infinity();
    *value = negative ? -magnitude : magnitude;
    return 1;
  }
  if (result.ec == std::errc() && result.ptr == digits + rest) {
    if (parsed != parsed) return 2;
    *value = parsed;
    return 1;
  }
  if (equals(text, length, "na") || equals(text, length, "null") || equals(text, length, "none") ||
      equals(text, length, "n/a"))
    return 2;
  if (equals(text, length, "true") || equals(text, length, "false")) {
    *value = std::tolower(static_cast<unsigned char>(*text)) == 't' ? 1 : 0;
    return 3;
  }
  return 0;
}
