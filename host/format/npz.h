// SPDX-License-Identifier: MIT
// Arrays out of a .npz archive, which is a zip file of .npy files.
#ifndef FFWD_FORMAT_NPZ_H
#define FFWD_FORMAT_NPZ_H

#include <zip.h>

#include "format/npy_header.h"

typedef struct ffwd_npz {
    zip_t *zip;
    int fd;         /**< of the archive; -1 where it lies in memory */
    uint64_t bytes; /**< of the archive */
} ffwd_npz;

/** One array of an archive in memory. */
typedef struct ffwd_npz_array {
    ffwd_npy_header header;
    unsigned char *data; /**< header.data_bytes, aligned; NULL where there is no array */
} ffwd_npz_array;

/** Opens an archive; fd is closed with it, and after a failure. FFWD_EFORMAT, FFWD_EIO,
 * FFWD_ENOMEM. */
ffwd_status ffwd_npz_open_file(ffwd_npz *npz, int fd, uint64_t bytes, ffwd_error *err);
/** The same from memory, which must outlive it. */
ffwd_status ffwd_npz_open_bytes(ffwd_npz *npz, const void *data, uint64_t bytes, ffwd_error *err);
void ffwd_npz_close(ffwd_npz *npz);

uint64_t ffwd_npz_count(const ffwd_npz *npz);
/** The name of entry `index`, with .npy; "" where it has none. */
const char *ffwd_npz_name(const ffwd_npz *npz, uint64_t index);
/** Whether there is an array `name` (without .npy), and its entry. */
bool ffwd_npz_find(const ffwd_npz *npz, const char *name, uint64_t *index);

/**
 * Reads an entry and parses its header; messages begin with `name`. What the archive says of sizes
 * is not believed before it agrees with what deflate can do, and with the header.
 */
ffwd_status ffwd_npz_load(const ffwd_npz *npz, uint64_t index, const char *name,
                          ffwd_npz_array *array, ffwd_error *err);
void ffwd_npz_array_free(ffwd_npz_array *array);

#endif
