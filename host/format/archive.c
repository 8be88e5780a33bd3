// SPDX-License-Identifier: MIT
// Several matrices in one .npz. Layers grow side by side while a zip file grows at its end, so all
// entries wait in unnamed files, each at its place in one or, where nobody knows how many rows it
// gets, in its own, and are zipped at the end.
#include <ffwd/file.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zip.h>

#include "base/memory.h"
#include "format/file_io.h"
#include "format/npy_header.h"
#include "format/outfile.h"
#include "format/zip_io.h"

typedef struct entry {
    char *name;    /**< in the archive, with .npy */
    uint64_t rows; /**< UINT64_MAX: as many as come */
    uint64_t cols, row_bytes;
    uint32_t dtype;
    uint64_t written;      /**< rows */
    int fd;                /**< of the unnamed file that it waits in */
    uint64_t start, bytes; /**< there, header included */
    uint64_t data_start;
} entry;

struct ffwd_archive {
    char *path;
    int fd; /**< of the unnamed file that entries share */
    entry *entries;
    size_t count, capacity;
    uint64_t end; /**< where the next entry starts */
    bool failed, committed;
};

/** An archive is sought in while it is written: only a file will do. */
static ffwd_status check_target(const char *path, ffwd_error *err) {
    struct stat there;
    bool found = stat(path, &there) == 0;
    if (!found && errno != ENOENT) {
        return ffwd_fail_errno(err, path, "cannot create");
    }
    if (strcmp(path, "-") == 0 || (found && !S_ISREG(there.st_mode))) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: an archive can be written to a file only",
                         path);
    }
    return FFWD_OK;
}

ffwd_status ffwd_archive_create(const char *path, ffwd_archive **out, ffwd_error *err) {
    ffwd_status status;
    *out = NULL;
    ffwd_archive *archive = ffwd_alloc_zero(sizeof *archive);
    if (archive == NULL) {
        return ffwd_fail_memory(err, sizeof *archive, "an archive");
    }
    archive->fd = -1;
    archive->path = ffwd_copy_text(path);
    if (archive->path == NULL) {
        status = ffwd_fail_memory(err, strlen(path) + 1, "an archive's name");
        goto cleanup;
    }
    FFWD_TRY(status, check_target(path, err));
    FFWD_TRY(status, ffwd_file_unnamed(path, &archive->fd, err));
    *out = archive;
    return FFWD_OK;

cleanup:
    ffwd_archive_destroy(archive);
    return status;
}

static void drop_entry(const ffwd_archive *archive, entry *dropped) {
    if (dropped->fd >= 0 && dropped->fd != archive->fd) {
        (void)close(dropped->fd);
    }
    ffwd_free(dropped->name);
}

void ffwd_archive_destroy(ffwd_archive *archive) {
    if (archive == NULL) {
        return;
    }
    for (size_t i = 0; i < archive->count; i++) {
        drop_entry(archive, &archive->entries[i]);
    }
    if (archive->fd >= 0) {
        (void)close(archive->fd);
    }
    ffwd_free(archive->entries);
    ffwd_free(archive->path);
    ffwd_free(archive);
}

/* -------------------------------------------------------------------------------------- entries */

static ffwd_status grow(ffwd_archive *archive, ffwd_error *err) {
    if (archive->count < archive->capacity) {
        return FFWD_OK;
    }
    size_t capacity = archive->capacity > 0 ? 2 * archive->capacity : 8;
    entry *entries = ffwd_alloc(capacity * sizeof *entries);
    if (entries == NULL) {
        return ffwd_fail_memory(err, capacity * sizeof *entries, "an archive's entries");
    }
    if (archive->count > 0) {
        memcpy(entries, archive->entries, archive->count * sizeof *entries);
    }
    ffwd_free(archive->entries);
    archive->entries = entries;
    archive->capacity = capacity;
    return FFWD_OK;
}

static ffwd_status check_open(const ffwd_archive *archive, ffwd_error *err) {
    return archive->committed
               ? ffwd_fail(err, FFWD_ESTATE, "%s: is complete already", archive->path)
               : FFWD_OK;
}

/** What a new entry is asked to be. */
static ffwd_status check_entry(const ffwd_archive *archive, const char *name, uint32_t dtype,
                               ffwd_error *err) {
    const size_t length = strlen(name);
    if (ffwd_dtype_size(dtype) == 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: %s: dtype %u is none of f32, f64, u8",
                         archive->path, name, dtype);
    }
    for (size_t i = 0; i < archive->count; i++) {
        const char *other = archive->entries[i].name;
        if (strncmp(other, name, length) == 0 && strcmp(other + length, ".npy") == 0) {
            return ffwd_fail(err, FFWD_EARGUMENT, "%s: %s: has been added already", archive->path,
                             name);
        }
    }
    return FFWD_OK;
}

static ffwd_status name_entry(entry *added, const char *name, ffwd_error *err) {
    size_t bytes = strlen(name) + sizeof ".npy";
    added->name = ffwd_alloc(bytes);
    if (added->name == NULL) {
        return ffwd_fail_memory(err, bytes, "an entry's name");
    }
    (void)snprintf(added->name, bytes, "%s.npy", name);
    return FFWD_OK;
}

/** Says where the entry ends that has `rows` rows; false where sizes do not fit. */
static bool measure_entry(entry *measured, uint64_t rows) {
    uint64_t data_bytes, end;
    return ffwd_multiply(measured->cols, ffwd_dtype_size(measured->dtype), &measured->row_bytes) &&
           ffwd_multiply(rows, measured->row_bytes, &data_bytes) &&
           ffwd_add(measured->data_start - measured->start, data_bytes, &measured->bytes) &&
           ffwd_add(measured->start, measured->bytes, &end) && end <= INT64_MAX;
}

/** Among the others where it is known how long it gets, else in a file of its own. */
static ffwd_status place_entry(const ffwd_archive *archive, entry *added, uint64_t header_bytes,
                               ffwd_error *err) {
    bool known = added->rows != UINT64_MAX;
    added->start = known ? archive->end : 0;
    added->data_start = added->start + header_bytes;
    if (!measure_entry(added, known ? added->rows : 0)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "%s: %s: %llu rows of %llu do not fit", archive->path,
                         added->name, (unsigned long long)added->rows,
                         (unsigned long long)added->cols);
    }
    if (!known) {
        return ffwd_file_unnamed(archive->path, &added->fd, err);
    }
    added->fd = archive->fd;
    return FFWD_OK;
}

ffwd_status ffwd_archive_add(ffwd_archive *archive, const char *name, uint64_t rows, uint64_t cols,
                             uint32_t dtype, size_t *number, ffwd_error *err) {
    char header[FFWD_NPY_WRITTEN_MAX];
    entry added = {.rows = rows, .cols = cols, .dtype = dtype, .fd = -1};
    ffwd_status status;
    FFWD_TRY(status, check_open(archive, err));
    FFWD_TRY(status, check_entry(archive, name, dtype, err));
    const uint64_t header_bytes = ffwd_npy_format(header, rows, cols, dtype);
    FFWD_TRY(status, grow(archive, err));
    FFWD_TRY(status, name_entry(&added, name, err));
    FFWD_TRY(status, place_entry(archive, &added, header_bytes, err));
    FFWD_TRY(status,
             ffwd_file_write_at(added.fd, archive->path, header, header_bytes, added.start, err));
    *number = archive->count;
    archive->entries[archive->count++] = added;
    archive->end += added.fd == archive->fd ? added.bytes : 0;
    return FFWD_OK;

cleanup:
    drop_entry(archive, &added);
    return status;
}

ffwd_status ffwd_archive_append(ffwd_archive *archive, size_t number, uint64_t rows,
                                const void *values, ffwd_error *err) {
    ffwd_status status = check_open(archive, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (number >= archive->count) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: entry %zu of %zu", archive->path, number,
                         archive->count);
    }
    entry *grown = &archive->entries[number];
    if (rows > grown->rows - grown->written) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: %s takes %llu rows, and %llu more after %llu",
                         archive->path, grown->name, (unsigned long long)grown->rows,
                         (unsigned long long)rows, (unsigned long long)grown->written);
    }
    uint64_t start = grown->data_start + grown->written * grown->row_bytes;
    grown->written += rows;
    status =
        ffwd_file_write_at(grown->fd, archive->path, values, rows * grown->row_bytes, start, err);
    archive->failed = archive->failed || status != FFWD_OK;
    return status;
}

/* -------------------------------------------------------------------------------------- zipping */

/** libzip 1.7 does not tell of some failures to allocate, but the C library has set errno, which is
 *  0 before zipping. */
static ffwd_status fail_zip(const ffwd_archive *archive, zip_error_t *error, ffwd_error *err) {
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY || errno == ENOMEM) {
        return ffwd_fail(err, FFWD_ENOMEM, "%s: out of memory while zipping", archive->path);
    }
    if (zip_error_system_type(error) == ZIP_ET_SYS && zip_error_code_system(error) != 0) {
        errno = zip_error_code_system(error);
        return ffwd_fail_errno(err, archive->path, "cannot write");
    }
    return ffwd_fail(err, FFWD_EIO, "%s: cannot write: %s", archive->path,
                     zip_error_strerror(error));
}

static ffwd_status zip_entry(const ffwd_archive *archive, const entry *zipped, zip_t *zip,
                             ffwd_error *err) {
    zip_error_t *error = zip_get_error(zip);
    zip_source_t *source = ffwd_zip_input(zipped->fd, zipped->start, zipped->bytes, error);
    if (source == NULL) {
        return fail_zip(archive, error, err);
    }
    zip_int64_t index = zip_file_add(zip, zipped->name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return fail_zip(archive, error, err);
    }
    // 1980-01-01, as NumPy writes it: the same arrays make the same file.
    if (zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(zip, (zip_uint64_t)index, 0, 0x21, 0) != 0) {
        return fail_zip(archive, error, err);
    }
    return FFWD_OK;
}

static ffwd_status open_zip(const ffwd_archive *archive, int fd, zip_t **zip, ffwd_error *err) {
    zip_error_t error;
    ffwd_status status = FFWD_OK;
    zip_error_init(&error);
    zip_source_t *target = ffwd_zip_output(fd, &error);
    *zip = target != NULL ? zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error) : NULL;
    if (*zip == NULL) {
        zip_source_free(target);
        status = fail_zip(archive, &error, err);
    }
    zip_error_fini(&error);
    return status;
}

static ffwd_status zip_entries(const ffwd_archive *archive, int fd, ffwd_error *err) {
    ffwd_status status;
    zip_t *zip = NULL;
    errno = 0;
    FFWD_TRY(status, open_zip(archive, fd, &zip, err));
    for (size_t i = 0; i < archive->count; i++) {
        FFWD_TRY(status, zip_entry(archive, &archive->entries[i], zip, err));
    }
    if (zip_close(zip) != 0) {
        status = fail_zip(archive, zip_get_error(zip), err);
        goto cleanup;
    }
    return FFWD_OK;

cleanup:
    if (zip != NULL) {
        zip_discard(zip);
    }
    return status;
}

static ffwd_status check_complete(const ffwd_archive *archive, ffwd_error *err) {
    const ffwd_status status = check_open(archive, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (archive->failed) {
        return ffwd_fail(err, FFWD_EIO, "%s: an earlier write failed", archive->path);
    }
    if (archive->count == 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: no matrix was added", archive->path);
    }
    for (size_t i = 0; i < archive->count; i++) {
        const entry *checked = &archive->entries[i];
        if (checked->rows != UINT64_MAX && checked->written < checked->rows) {
            return ffwd_fail(err, FFWD_EARGUMENT,
                             "%s: %s takes %llu rows, but only %llu were given", archive->path,
                             checked->name, (unsigned long long)checked->rows,
                             (unsigned long long)checked->written);
        }
    }
    return FFWD_OK;
}

/** Puts the rows of entries into their headers that did not have them. */
static ffwd_status put_rows(ffwd_archive *archive, ffwd_error *err) {
    char header[FFWD_NPY_WRITTEN_MAX];
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < archive->count; i++) {
        entry *grown = &archive->entries[i];
        if (grown->rows != UINT64_MAX) {
            continue;
        }
        const uint64_t bytes = ffwd_npy_format(header, grown->written, grown->cols, grown->dtype);
        if (!measure_entry(grown, grown->written)) {
            return ffwd_fail(err, FFWD_EOVERFLOW, "%s: %s: %llu rows of %llu do not fit",
                             archive->path, grown->name, (unsigned long long)grown->written,
                             (unsigned long long)grown->cols);
        }
        FFWD_TRY(status,
                 ffwd_file_write_at(grown->fd, archive->path, header, bytes, grown->start, err));
    }

cleanup:
    return status;
}

ffwd_status ffwd_archive_commit(ffwd_archive *archive, ffwd_error *err) {
    ffwd_outfile file = FFWD_OUTFILE_NONE;
    ffwd_status status;
    FFWD_TRY(status, check_complete(archive, err));
    FFWD_TRY(status, put_rows(archive, err));
    FFWD_TRY(status, ffwd_outfile_open(&file, archive->path, err));
    FFWD_TRY(status, zip_entries(archive, file.fd, err));
    FFWD_TRY(status, ffwd_outfile_commit(&file, err));
    archive->committed = true;

cleanup:
    ffwd_outfile_discard(&file);
    return status;
}
