// SPDX-License-Identifier: Apache-2.0
// Line reader over simdjson's DOM parser: the file is read in blocks, each line is parsed in place.
#include <simdjson.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "CJSONLines.h"

namespace {
constexpr size_t kBlock = size_t{1} << 20;
using simdjson::dom::element;
using simdjson::dom::element_type;
}  // namespace

struct cjl_reader {
  int fd = -1;
  std::string buffer;  // unread bytes are [begin, end); simdjson's padding lies behind end
  size_t begin = 0, end = 0;
  bool at_end = false;
  size_t line_number = 0;
  simdjson::dom::parser parser;
  std::string roles[CJL_ROLES];
  bool has_role[CJL_ROLES] = {};
  std::vector<double> numbers[CJL_ROLES];
  std::string prompt, message, fields;
  simdjson::dom::object last;
  bool has_last = false;
  size_t member = 0;

  int fill();
  int number(const element &value, std::vector<double> &out);
  int scores(const simdjson::dom::array &list, cjl_line *line);
  int extract(const simdjson::dom::object &object, cjl_line *line);
  int next(cjl_line *line);
};

/// Reads one more block behind `end`, moving what is unread to the front first.
int cjl_reader::fill() {
  if (begin > 0) {
    std::memmove(&buffer[0], &buffer[begin], end - begin);
    end -= begin;
    begin = 0;
  }
  if (buffer.size() < end + kBlock + simdjson::SIMDJSON_PADDING)
    buffer.resize(2 * (end + kBlock) + simdjson::SIMDJSON_PADDING);
  for (;;) {
    const ssize_t got = read(fd, &buffer[end], kBlock);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      message = std::strerror(errno);
      return CJL_READ_FAILED;
    }
    at_end = got == 0;
    end += static_cast<size_t>(got);
    return CJL_OK;
  }
}

int cjl_reader::number(const element &value, std::vector<double> &out) {
  switch (value.type()) {
    case element_type::DOUBLE:
    case element_type::INT64:
    case element_type::UINT64: {
      double x = 0;
      if (value.get(x)) break;
      out.push_back(x);
      return CJL_OK;
    }
    case element_type::BOOL: {
      bool x = false;
      if (value.get(x)) break;
      out.push_back(x ? 1 : 0);
      return CJL_OK;
    }
    case element_type::NULL_VALUE:
      out.push_back(std::numeric_limits<double>::quiet_NaN());
      return CJL_OK;
    case element_type::STRING: {
      std::string_view text;
      double x = 0;
      if (value.get(text)) break;
      if (cjl_parse_number(text.data(), text.size(), &x) != 0) {
        out.push_back(x);
        return CJL_OK;
      }
      message = std::string(text.substr(0, 60));
      return CJL_NOT_NUMBER;
    }
    case element_type::ARRAY:
      return CJL_NESTED;
    default:
      break;
  }
  message = simdjson::minify(value).substr(0, 60);
  return CJL_NOT_NUMBER;
}

/// The list of rewards: numbers, or a list a sample from which one number is taken.
int cjl_reader::scores(const simdjson::dom::array &list, cjl_line *line) {
  std::vector<double> &out = numbers[CJL_REWARD];
  bool has_number = false;
  for (element item : list) {
    simdjson::dom::array inner;
    if (item.get(inner)) {
      has_number = has_number || item.type() != element_type::NULL_VALUE;
      if (line->width > 0 && has_number) return CJL_NESTED;
      const int status = number(item, out);
      if (status != CJL_OK) return status;
      continue;
    }
    if (has_number) return CJL_NESTED;
    const size_t width = inner.size();
    if (line->width == 0) line->width = width;
    if (width != line->width || member >= width) {
      message = std::to_string(line->width) + " and " + std::to_string(width);
      return CJL_RAGGED;
    }
    const int status = number(inner.at(member).value(), out);
    if (status != CJL_OK) return status;
  }
  return CJL_OK;
}

int cjl_reader::extract(const simdjson::dom::object &object, cjl_line *line) {
  for (int role = 0; role < CJL_ROLES; role++) {
    numbers[role].clear();
    line->values[role] = nullptr;
    line->counts[role] = 0;
    line->is_list[role] = 0;
    if (!has_role[role]) continue;
    element value;
    if (object.at_key(roles[role]).get(value)) continue;
    if (role == CJL_PROMPT) {
      std::string_view text;
      if (!value.get(text)) {
        prompt.assign(text);
      } else {
        prompt = simdjson::minify(value);
      }
      line->prompt = prompt.data();
      line->prompt_length = prompt.size();
      continue;
    }
    simdjson::dom::array list;
    int status = CJL_OK;
    if (!value.get(list)) {
      line->is_list[role] = 1;
      if (role == CJL_REWARD) {
        status = scores(list, line);
        if (status != CJL_OK) return status;
      } else {
        for (element item : list) {
          status = number(item, numbers[role]);
          if (status != CJL_OK) return status;
        }
      }
    } else {
      status = number(value, numbers[role]);
      if (status != CJL_OK) return status;
    }
    static const double nothing = 0;
    line->values[role] = numbers[role].empty() ? &nothing : numbers[role].data();
    line->counts[role] = numbers[role].size();
  }
  return CJL_OK;
}

int cjl_reader::next(cjl_line *line) {
  std::memset(line, 0, sizeof *line);
  has_last = false;
  for (;;) {
    size_t searched = begin;
    const char *newline = nullptr;
    while ((newline = static_cast<const char *>(
                std::memchr(buffer.data() + searched, '\n', end - searched))) == nullptr &&
           !at_end) {
      const size_t seen = end - begin;
      const int status = fill();
      if (status != CJL_OK) return status;
      searched = begin + seen;
    }
    if (newline == nullptr && begin == end) return CJL_END;
    const size_t start = begin;
    size_t length = newline ? static_cast<size_t>(newline - buffer.data()) - begin : end - begin;
    begin += length + (newline ? 1 : 0);
    line_number++;
    const char *text = buffer.data() + start;
    if (line_number == 1 && length >= 3 && std::memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
      text += 3;
      length -= 3;
    }
    bool blank = true;
    for (size_t i = 0; i < length && blank; i++)
      blank = text[i] == ' ' || text[i] == '\t' || text[i] == '\r';
    if (blank) continue;
    line->number = line_number;
    element root;
    // The buffer always has the padding behind the last byte read, so nothing need be copied.
    auto error = parser.parse(text, length, false).get(root);
    if (error) {
      message = simdjson::error_message(error);
      return CJL_NOT_JSON;
    }
    if (root.get(last)) return CJL_NOT_OBJECT;
    has_last = true;
    return extract(last, line);
  }
}

cjl_reader *cjl_open(int fd) {
  try {
    cjl_reader *reader = new cjl_reader;
    reader->fd = fd;
    reader->buffer.resize(kBlock + simdjson::SIMDJSON_PADDING);
    return reader;
  } catch (const std::exception &) {
    return nullptr;
  }
}

void cjl_close(cjl_reader *reader) { delete reader; }

void cjl_set_role(cjl_reader *reader, int role, const char *name) {
  if (role < 0 || role >= CJL_ROLES) return;
  try {
    reader->has_role[role] = name != nullptr;
    reader->roles[role] = name ? name : "";
  } catch (const std::exception &) {
    reader->has_role[role] = false;
  }
}

void cjl_set_member(cjl_reader *reader, size_t member) { reader->member = member; }

int cjl_next(cjl_reader *reader, cjl_line *line) {
  try {
    return reader->next(line);
  } catch (const std::exception &failure) {
    return CJL_NO_MEMORY;
  }
}

const char *cjl_fields(cjl_reader *reader) {
  try {
    reader->fields.clear();
    if (reader->has_last)
      for (auto field : reader->last)
        // Names that the list cannot hold are none a user could type either.
        if (field.key.find('\0') == std::string_view::npos && field.key.find('\n') == std::string_view::npos)
          reader->fields.append(field.key).append("\n");
    return reader->fields.c_str();
  } catch (const std::exception &) {
    return "";
  }
}

const char *cjl_message(const cjl_reader *reader) { return reader->message.c_str(); }

size_t cjl_line_number(const cjl_reader *reader) { return reader->line_number; }
