// SPDX-License-Identifier: Apache-2.0
#include "CZipArchive.h"

#include <stdio.h>
#include <zip.h>

// The opaque types are libzip's own under names of ours.
static zip_t *archive_of(czip_archive *archive) { return (zip_t *)archive; }
static zip_file_t *file_of(czip_member *member) { return (zip_file_t *)member; }

czip_archive *czip_open(const char *path, char *message, size_t capacity) {
  int code = 0;
  zip_t *archive = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (archive == NULL) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    snprintf(message, capacity, "%s", zip_error_strerror(&error));
    zip_error_fini(&error);
  }
  return (czip_archive *)archive;
}

void czip_close(czip_archive *archive) { zip_discard(archive_of(archive)); }

int64_t czip_count(czip_archive *archive) { return zip_get_num_entries(archive_of(archive), 0); }

const char *czip_name(czip_archive *archive, int64_t index) {
  return index < 0 ? NULL : zip_get_name(archive_of(archive), (zip_uint64_t)index, 0);
}

int czip_sizes(czip_archive *archive, int64_t index, uint64_t *size, uint64_t *compressed) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (index < 0 || zip_stat_index(archive_of(archive), (zip_uint64_t)index, 0, &stat) != 0) return -1;
  if (!(stat.valid & ZIP_STAT_SIZE) || !(stat.valid & ZIP_STAT_COMP_SIZE)) return -1;
  *size = stat.size;
  *compressed = stat.comp_size;
  return 0;
}

czip_member *czip_member_open(czip_archive *archive, int64_t index) {
  if (index < 0) return NULL;
  return (czip_member *)zip_fopen_index(archive_of(archive), (zip_uint64_t)index, 0);
}

void czip_member_close(czip_member *member) { zip_fclose(file_of(member)); }

int64_t czip_member_read(czip_member *member, void *buffer, size_t capacity) {
  return zip_fread(file_of(member), buffer, capacity);
}
