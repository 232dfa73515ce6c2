// SPDX-License-Identifier: Apache-2.0
// Reading zip archives for Swift: libzip's calls with fixed-size types and no variadic or macro parts.
#ifndef ESSCHER_CZIPARCHIVE_H
#define ESSCHER_CZIPARCHIVE_H

#include <stddef.h>
#include <stdint.h>

typedef struct czip_archive czip_archive;
typedef struct czip_member czip_member;

/// Opens an archive read-only. NULL on failure, with a sentence in `message` (`capacity` bytes, always
/// NUL-terminated). Free with czip_close.
czip_archive *czip_open(const char *path, char *message, size_t capacity);
void czip_close(czip_archive *archive);

/// Number of members.
int64_t czip_count(czip_archive *archive);

/// Name of a member, or NULL; the archive's to free.
const char *czip_name(czip_archive *archive, int64_t index);

/// Sizes of a member as its directory entry states them. Returns 0, or -1 where it does not.
int czip_sizes(czip_archive *archive, int64_t index, uint64_t *size, uint64_t *compressed);

/// Opens a member for reading. NULL on failure (unknown compression, encryption, damage).
/// Free with czip_member_close.
czip_member *czip_member_open(czip_archive *archive, int64_t index);
void czip_member_close(czip_member *member);

/// Reads up to `capacity` decompressed bytes: their number, 0 at the end, -1 on damage (a wrong
/// checksum included).
int64_t czip_member_read(czip_member *member, void *buffer, size_t capacity);

#endif
