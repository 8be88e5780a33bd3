// SPDX-License-Identifier: MIT
// Matrices in files, read and written in chunks of rows: .npy in, .npy, .csv and .npz out.
#ifndef FFWD_FILE_H
#define FFWD_FILE_H

#include <ffwd/ffwd.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The rules at the top of ffwd.h hold. A reader or writer is used by one thread at a time.
 *
 *     ffwd_reader   a matrix file; any rows of it, any number of times
 *     ffwd_writer   a matrix file in the making: appears whole at *_commit, or not at all
 *     ffwd_archive  several matrices in one .npz, written the same way
 */

typedef struct ffwd_reader ffwd_reader;

/** What a matrix file holds. Set struct_size first; grows at the end. */
typedef struct ffwd_matrix_info {
    uint32_t struct_size;
    uint32_t dtype;      /**< FFWD_F64 or FFWD_F32, whichever holds the stored type best */
    uint64_t rows, cols; /**< further axes flattened into cols; 1-D is rows x 1 */
    uint64_t dimensions; /**< of the stored array; 1 may be taken as one row as well */
    const char *stored;  /**< the stored type as the file names it, as "<f4" */
} ffwd_matrix_info;
#define FFWD_MATRIX_INFO_INIT                                                                      \
    { sizeof(ffwd_matrix_info), 0, 0, 0, 0, "" }

/**
 * Opens a `.npy` file (format 1.0 to 3.0; bool, integers, float16, float32, float64; C or Fortran
 * order; either byte order). Only the header is read.
 *
 * @return FFWD_EIO (native is errno), FFWD_EFORMAT, FFWD_EUNSUPPORTED, FFWD_ENOMEM
 */
FFWD_API ffwd_status ffwd_reader_open(const char *path, ffwd_reader **out,
                                      ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_reader_describe(const ffwd_reader *reader, ffwd_matrix_info *info);
/** From now on a 1-D array of n values is one row of n. FFWD_EARGUMENT for more dimensions. */
FFWD_API ffwd_status ffwd_reader_take_as_row(ffwd_reader *reader, ffwd_error *err) FFWD_CHECKED;
/**
 * Reads rows [first, first + rows) into values, dense [rows][cols], converted to dtype (FFWD_F32 or
 * FFWD_F64), rounding to nearest.
 *
 * @return FFWD_EFORMAT when the file ends early, FFWD_EIO, FFWD_EARGUMENT past the last row
 */
FFWD_API ffwd_status ffwd_reader_read(ffwd_reader *reader, uint64_t first, uint64_t rows,
                                      uint32_t dtype, void *values, ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_reader_destroy(ffwd_reader *reader);

typedef struct ffwd_writer ffwd_writer;

/**
 * Begins a matrix file: `.npy`, `.csv`, or "-" for CSV on standard output. The file is written
 * beside its name and takes it at ffwd_writer_commit, whole on the disk and with the mode of the
 * file that it replaces; ffwd_writer_destroy before that removes it. CSV starts with a line
 * "y1,y2,...", numbers have the fewest digits that read back exactly. A device or a pipe is written
 * in place, as CSV unless its name ends in `.npy`.
 *
 * @param rows UINT64_MAX where not known, for CSV only: the header of `.npy` holds it
 * @return FFWD_EUNSUPPORTED for another ending, FFWD_EIO (native is errno), FFWD_EARGUMENT,
 *         FFWD_EOVERFLOW, FFWD_ENOMEM
 */
FFWD_API ffwd_status ffwd_writer_create(const char *path, uint64_t rows, uint64_t cols,
                                        uint32_t dtype, ffwd_writer **out,
                                        ffwd_error *err) FFWD_CHECKED;
/** Appends rows: dense [rows][cols] of the writer's dtype. FFWD_EARGUMENT for too many. */
FFWD_API ffwd_status ffwd_writer_append(ffwd_writer *writer, uint64_t rows, const void *values,
                                        ffwd_error *err) FFWD_CHECKED;
/** Makes the file appear under its name; FFWD_EARGUMENT when rows are missing, FFWD_EIO. */
FFWD_API ffwd_status ffwd_writer_commit(ffwd_writer *writer, ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_writer_destroy(ffwd_writer *writer);

typedef struct ffwd_archive ffwd_archive;

/**
 * Begins a `.npz` file. Entries wait in an unnamed file beside it, so memory stays small; disk
 * holds them twice while they are zipped. FFWD_EUNSUPPORTED where the path is no file ("-", a
 * device).
 */
FFWD_API ffwd_status ffwd_archive_create(const char *path, ffwd_archive **out,
                                         ffwd_error *err) FFWD_CHECKED;
/** Adds an array of `rows` x `cols`, as `name` without ".npy"; *entry numbers it from 0.
 * FFWD_EARGUMENT for a name that is there, FFWD_ESTATE after the commit, FFWD_EOVERFLOW, FFWD_EIO,
 * FFWD_ENOMEM. */
FFWD_API ffwd_status ffwd_archive_add(ffwd_archive *archive, const char *name, uint64_t rows,
                                      uint64_t cols, uint32_t dtype, size_t *entry,
                                      ffwd_error *err) FFWD_CHECKED;
/** Appends rows to an entry: dense [rows][cols] of its dtype. FFWD_EARGUMENT for too many,
 *  FFWD_ESTATE after the commit, FFWD_EIO. */
FFWD_API ffwd_status ffwd_archive_append(ffwd_archive *archive, size_t entry, uint64_t rows,
                                         const void *values, ffwd_error *err) FFWD_CHECKED;
/**
 * Zips the entries (stored, not compressed) and makes the file appear under its name;
 * FFWD_EARGUMENT when rows are missing or nothing was added, FFWD_EIO.
 */
FFWD_API ffwd_status ffwd_archive_commit(ffwd_archive *archive, ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_archive_destroy(ffwd_archive *archive);

#ifdef __cplusplus
}
#endif

#endif
