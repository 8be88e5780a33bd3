// SPDX-License-Identifier: MIT
// Reading .npz archives through libzip.
#include "format/npz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "format/zip_io.h"

/** Deflate makes at most 1032 bytes of one (258 of 2 bits): https://zlib.net/zlib_tech.html */
#define DEFLATE_MAX_RATIO 1032
/** The longest name of an array that is looked for. */
#define NAME_BYTES 64

/** libzip 1.7 takes some failures to allocate or to read for a broken archive, but the C library
 * has set errno, which is 0 before each step of reading. */
static ffwd_status fail_zip(zip_error_t *error, ffwd_error *err) {
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY || errno == ENOMEM) {
        return ffwd_fail(err, FFWD_ENOMEM, "out of memory while unzipping");
    }
    if (errno != 0) {
        return ffwd_fail_errno(err, "the archive", "cannot read");
    }
    return ffwd_fail(err, FFWD_EFORMAT, "not a sound zip archive: %s", zip_error_strerror(error));
}

/** Entries that share their bytes would make a small file as large as they are many. */
static ffwd_status check_overlap(const ffwd_npz *npz, ffwd_error *err) {
    uint64_t claimed = 0, entries = ffwd_npz_count(npz);
    for (uint64_t i = 0; i < entries; i++) {
        zip_stat_t entry;
        bool known =
            zip_stat_index(npz->zip, i, 0, &entry) == 0 && (entry.valid & ZIP_STAT_COMP_SIZE) != 0;
        if (known && (!ffwd_add(claimed, entry.comp_size, &claimed) || claimed > npz->bytes)) {
            return ffwd_fail(err, FFWD_EFORMAT,
                             "entries overlap: the first %llu claim more than the archive's %llu "
                             "bytes",
                             (unsigned long long)i + 1, (unsigned long long)npz->bytes);
        }
    }
    return FFWD_OK;
}

/** Takes the source over, also in failing. */
static ffwd_status open_source(ffwd_npz *npz, zip_source_t *source, uint64_t bytes,
                               zip_error_t *error, ffwd_error *err) {
    npz->bytes = bytes;
    npz->zip = source != NULL ? zip_open_from_source(source, ZIP_RDONLY, error) : NULL;
    if (npz->zip == NULL) {
        zip_source_free(source);
    }
    ffwd_status status = npz->zip != NULL ? check_overlap(npz, err) : fail_zip(error, err);
    if (status != FFWD_OK) {
        ffwd_npz_close(npz);
    }
    return status;
}

ffwd_status ffwd_npz_open_bytes(ffwd_npz *npz, const void *data, uint64_t bytes, ffwd_error *err) {
    zip_error_t error;
    zip_error_init(&error);
    errno = 0;
    npz->fd = -1;
    zip_source_t *source = zip_source_buffer_create(data, bytes, 0, &error);
    ffwd_status status = open_source(npz, source, bytes, &error, err);
    zip_error_fini(&error);
    return status;
}

ffwd_status ffwd_npz_open_file(ffwd_npz *npz, int fd, uint64_t bytes, ffwd_error *err) {
    zip_error_t error;
    zip_error_init(&error);
    errno = 0;
    npz->fd = fd;
    zip_source_t *source = ffwd_zip_input(fd, 0, bytes, &error);
    ffwd_status status = open_source(npz, source, bytes, &error, err);
    zip_error_fini(&error);
    return status;
}

void ffwd_npz_close(ffwd_npz *npz) {
    if (npz->zip != NULL) {
        zip_discard(npz->zip);
        npz->zip = NULL;
    }
    if (npz->fd >= 0) {
        (void)close(npz->fd); // nothing was written
        npz->fd = -1;
    }
}

uint64_t ffwd_npz_count(const ffwd_npz *npz) {
    zip_int64_t count = zip_get_num_entries(npz->zip, 0);
    return count > 0 ? (uint64_t)count : 0;
}

const char *ffwd_npz_name(const ffwd_npz *npz, uint64_t index) {
    const char *name = zip_get_name(npz->zip, index, ZIP_FL_ENC_RAW);
    return name != NULL ? name : "";
}

bool ffwd_npz_find(const ffwd_npz *npz, const char *name, uint64_t *index) {
    char file_name[NAME_BYTES];
    (void)snprintf(file_name, sizeof file_name, "%s.npy", name);
    zip_int64_t found = zip_name_locate(npz->zip, file_name, ZIP_FL_ENC_RAW);
    *index = (uint64_t)found;
    return found >= 0;
}

/* -------------------------------------------------------------------------------------- entries */

/** Whether the archive's claims about an entry can be true at all. */
static ffwd_status check_claims(const ffwd_npz *npz, const zip_stat_t *entry, ffwd_error *err) {
    zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    uint64_t possible = entry->comp_size;
    if ((entry->valid & needed) != needed) {
        return ffwd_fail(err, FFWD_EFORMAT, "the archive does not tell its size");
    }
    if (entry->comp_method != ZIP_CM_STORE && entry->comp_method != ZIP_CM_DEFLATE) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "zip method %u cannot be read; stored and deflated entries can",
                         entry->comp_method);
    }
    bool sound = entry->comp_size <= npz->bytes;
    if (entry->comp_method == ZIP_CM_DEFLATE) {
        sound = sound && ffwd_multiply(entry->comp_size, DEFLATE_MAX_RATIO, &possible);
    }
    if (!sound || entry->size > possible) {
        return ffwd_fail(err, FFWD_EFORMAT,
                         "the archive claims %llu bytes from %llu, and holds %llu",
                         (unsigned long long)entry->size, (unsigned long long)entry->comp_size,
                         (unsigned long long)npz->bytes);
    }
    return FFWD_OK;
}

/** Reads all of an entry; the read past its end makes libzip check the CRC. */
static ffwd_status read_entry(zip_file_t *entry, unsigned char *data, uint64_t bytes,
                              ffwd_error *err) {
    unsigned char beyond;
    uint64_t done = 0;
    zip_int64_t got = 1;
    while (done < bytes && got > 0) {
        got = zip_fread(entry, data + done, bytes - done);
        done += got > 0 ? (uint64_t)got : 0;
    }
    if (got >= 0 && done == bytes) {
        got = zip_fread(entry, &beyond, 1);
        done += got > 0 ? 1 : 0;
    }
    if (got < 0) {
        return fail_zip(zip_file_get_error(entry), err);
    }
    if (done != bytes) {
        return ffwd_fail(err, FFWD_EFORMAT, "the archive claims %llu bytes, but there are %s",
                         (unsigned long long)bytes, done < bytes ? "fewer" : "more");
    }
    return FFWD_OK;
}

/** Parses the .npy file in `data` and moves its elements to the front, where they are aligned. */
static ffwd_status parse_array(ffwd_npz_array *array, uint64_t bytes, ffwd_error *err) {
    const ffwd_npy_header *header = &array->header;
    ffwd_status status = ffwd_npy_parse(array->data, bytes, bytes, &array->header, err);
    if (status != FFWD_OK) {
        return status;
    }
    uint64_t held = bytes - header->data_offset;
    if (header->data_bytes != held) {
        return ffwd_fail(err, FFWD_EFORMAT,
                         "the header claims %llu bytes of data, the entry holds %llu",
                         (unsigned long long)header->data_bytes, (unsigned long long)held);
    }
    memmove(array->data, array->data + header->data_offset, (size_t)held);
    return FFWD_OK;
}

static ffwd_status load(const ffwd_npz *npz, uint64_t index, ffwd_npz_array *array,
                        ffwd_error *err) {
    zip_stat_t entry;
    ffwd_status status;
    zip_file_t *file = NULL;
    errno = 0;
    if (zip_stat_index(npz->zip, index, 0, &entry) != 0) {
        return fail_zip(zip_get_error(npz->zip), err);
    }
    FFWD_TRY(status, check_claims(npz, &entry, err));
    array->data = ffwd_alloc(entry.size);
    if (array->data == NULL) {
        status = ffwd_fail_memory(err, entry.size, "an array");
        goto cleanup;
    }
    file = zip_fopen_index(npz->zip, index, 0);
    if (file == NULL) {
        status = fail_zip(zip_get_error(npz->zip), err);
        goto cleanup;
    }
    FFWD_TRY(status, read_entry(file, array->data, entry.size, err));
    status = parse_array(array, entry.size, err);

cleanup:
    if (file != NULL) {
        (void)zip_fclose(file);
    }
    return status;
}

ffwd_status ffwd_npz_load(const ffwd_npz *npz, uint64_t index, const char *name,
                          ffwd_npz_array *array, ffwd_error *err) {
    ffwd_status status = load(npz, index, array, err);
    if (status != FFWD_OK) {
        ffwd_npz_array_free(array);
        return ffwd_fail_prefix(err, status, name);
    }
    return FFWD_OK;
}

void ffwd_npz_array_free(ffwd_npz_array *array) {
    ffwd_free(array->data);
    array->data = NULL;
}
