// SPDX-License-Identifier: MIT
// Matrices in files, read and written in chunks of rows: .npy and CSV in, .npy, CSV and .npz out.
#ifndef FFWD_FILE_H
#define FFWD_FILE_H

#include <ffwd/ffwd.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The rules at the top of ffwd.h hold. A reader, a writer or kept cells are used by one thread at a
 * time.
 *
 *     ffwd_reader   a matrix file: its rows in order, and again from wherever the file allows
 *     ffwd_kept     cells of a CSV file that pass, as text, from a reader's rows to a writer's
 *     ffwd_writer   a matrix file in the making: appears whole at *_commit, or not at all
 *     ffwd_archive  several matrices in one .npz, written the same way
 */

/* ------------------------------------------------------------------------------------- reading */

typedef struct ffwd_reader ffwd_reader;
typedef struct ffwd_kept ffwd_kept;

/** Whether the first line of a CSV file names its columns. */
typedef enum ffwd_header {
    FFWD_HEADER_AUTO = 0, /**< yes if all its cells are text, no if none is, else refused */
    FFWD_HEADER_YES = 1,
    FFWD_HEADER_NO = 2
} ffwd_header;

/** The number that a text stands for, in one column of a CSV file. */
typedef struct ffwd_word {
    const char *column, *text;
    double value;
} ffwd_word;

/** What is wrong with a cell of CSV that is no number: `native` of FFWD_EFORMAT. */
typedef enum ffwd_cell_fault {
    FFWD_CELL_TEXT = 1,    /**< a text in a column without words */
    FFWD_CELL_MISSING = 2, /**< in a column without a number for that */
} ffwd_cell_fault;

/** The number that missing cells stand for, in one column of a CSV file or, for "*", in all. */
typedef struct ffwd_missing {
    const char *column;
    double value;
} ffwd_missing;

/**
 * How a CSV file is read; of a `.npy` file no columns can be chosen. A column is given by its name
 * in the header or else by its number, the first being "1".
 */
typedef struct ffwd_reader_options {
    uint32_t struct_size;
    uint32_t delimiter;         /**< a character; 0: whichever of , ; tab | makes the lines alike */
    uint32_t header;            /**< an ffwd_header */
    uint32_t threads;           /**< that parse; 0: as many as this process may use CPUs */
    const char *const *columns; /**< those that are values, in this order; NULL: all but the kept */
    size_t column_count;
    const char *const *keep; /**< those that ffwd_reader_next hands out as text, in this order */
    size_t keep_count;
    const ffwd_word *words; /**< a column with words holds these alone */
    size_t word_count;
    const ffwd_missing *missing; /**< a column's own entry comes before "*" */
    size_t missing_count;
    /** Asked while CSV is read or waited for; not 0: FFWD_ECANCELLED. */
    int (*cancelled)(void *user);
    void *user;
} ffwd_reader_options;
#define FFWD_READER_OPTIONS_INIT                                                                   \
    { sizeof(ffwd_reader_options), 0, 0, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, NULL }

/** What a matrix file holds. Set struct_size first; grows at the end. */
typedef struct ffwd_matrix_info {
    uint32_t struct_size;
    uint32_t dtype;      /**< FFWD_F64 or FFWD_F32, whichever holds the stored type best */
    uint64_t rows;       /**< UINT64_MAX of CSV that was neither counted nor read to its end */
    uint64_t cols;       /**< of values; further axes flattened into it; 1-D is rows x 1 */
    uint64_t dimensions; /**< of the stored array; 1 may be taken as one row as well */
    const char *stored;  /**< the stored type as the file names it, as "<f4"; "text" of CSV */
} ffwd_matrix_info;
#define FFWD_MATRIX_INFO_INIT                                                                      \
    { sizeof(ffwd_matrix_info), 0, 0, 0, 0, "" }

/**
 * Opens a file of rows by what it begins with:
 *
 *     .npy   format 1.0 to 3.0; bool, integers, float16, float32, float64; C or Fortran order;
 *            either byte order. Only the header is read.
 *     CSV    all else, also compressed by gzip, and from a pipe, a device or, for "-", standard
 *            input: RFC 4180 with any delimiter, in ASCII or UTF-8 with or without its mark. Blanks
 *            may stand around cells, lines may end in CR LF, those of nothing but blanks are
 *            skipped. A record has 16 MiB at most.
 *
 * The first line of CSV is a header or not as ffwd_header says; one that mixes numbers and text is
 * refused, unless an option names a text in it (a header), or makes a number of each (none). All
 * records have as many cells as the first. A cell is missing when it is empty or NA, N/A, #N/A,
 * <NA>, NULL, None, ? in any case; other cells of a column of values are one of its words or, where
 * it has none, decimal numbers with a point, inf, infinity or nan, read to the nearest number of
 * the dtype that is wanted, whatever the locale. What is neither is refused with its line, column
 * and text.
 *
 * @return FFWD_EIO (native is errno), FFWD_EFORMAT, FFWD_EUNSUPPORTED, FFWD_EARGUMENT (options),
 *         FFWD_ECANCELLED, FFWD_ENOMEM
 */
FFWD_API ffwd_status ffwd_reader_open(const char *path, const ffwd_reader_options *options,
                                      ffwd_reader **out, ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_reader_describe(const ffwd_reader *reader, ffwd_matrix_info *info);
/** The name of a column of values; where the header has none, "x" and its number in the file. NULL
 *  of `.npy`, and past the last column. */
FFWD_API const char *ffwd_reader_name(const ffwd_reader *reader, uint64_t column);
/** The same of a kept column, as ffwd_writer_options takes it. */
FFWD_API const char *ffwd_reader_kept_name(const ffwd_reader *reader, size_t index);
/** From now on a 1-D array of n values is one row of n. FFWD_EARGUMENT for more dimensions. */
FFWD_API ffwd_status ffwd_reader_take_as_row(ffwd_reader *reader, ffwd_error *err) FFWD_CHECKED;
/**
 * Reads the rows that come next into values, dense [*rows][cols], converted to dtype (FFWD_F32 or
 * FFWD_F64), rounding to nearest.
 *
 * @param kept takes the cells of the kept columns in place of what it held; NULL leaves them out
 * @param rows `most` of them; fewer at the end of the file, where `kept` is full, and of a pipe
 *             that has no more at the moment; 0 only when there are no more, or `most` is 0
 * @return FFWD_EFORMAT when the file ends early or a cell cannot be read (native is an
 *         ffwd_cell_fault, or 0), FFWD_EIO, FFWD_EARGUMENT, FFWD_ECANCELLED, FFWD_ENOMEM; after a
 *         failure only ffwd_reader_seek goes on
 */
FFWD_API ffwd_status ffwd_reader_next(ffwd_reader *reader, uint64_t most, uint32_t dtype,
                                      void *values, ffwd_kept *kept, uint64_t *rows,
                                      ffwd_error *err) FFWD_CHECKED;
/**
 * Makes `row`, counted from 0, the one that comes next: any of a `.npy` file (FFWD_EARGUMENT past
 * the last), the first of a CSV file; another one, or of a pipe, is FFWD_EUNSUPPORTED.
 */
FFWD_API ffwd_status ffwd_reader_seek(ffwd_reader *reader, uint64_t row,
                                      ffwd_error *err) FFWD_CHECKED;
/**
 * How many rows there are. Reads a CSV file to its end, once, and goes back to its first row; of a
 * pipe FFWD_EUNSUPPORTED unless it was read to its end.
 */
FFWD_API ffwd_status ffwd_reader_count(ffwd_reader *reader, uint64_t *rows,
                                       ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_reader_destroy(ffwd_reader *reader);

/** Room for kept cells of about `bytes` of text: a reader goes beyond that for a single row, which
 *  has 16 MiB at most. Empty until ffwd_reader_next. FFWD_EOVERFLOW, FFWD_ENOMEM. */
FFWD_API ffwd_status ffwd_kept_create(uint64_t bytes, ffwd_kept **out,
                                      ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_kept_destroy(ffwd_kept *kept);

/* ------------------------------------------------------------------------------------- writing */

typedef struct ffwd_writer ffwd_writer;

/** What stands in a CSV file beside the values. */
typedef struct ffwd_writer_options {
    uint32_t struct_size;
    const char *const *names; /**< of the columns; NULL: y1, y2, ...; CSV */
    size_t name_count;        /**< as many as there are columns, or 0 */
    const char *const *kept;  /**< names of the kept columns, which stand before the others; CSV */
    size_t kept_count;
} ffwd_writer_options;
#define FFWD_WRITER_OPTIONS_INIT                                                                   \
    { sizeof(ffwd_writer_options), NULL, 0, NULL, 0 }

/**
 * Begins a matrix file: `.npy`, `.csv`, or "-" for CSV on standard output. The file is written
 * beside its name and takes it at ffwd_writer_commit, whole on the disk and with the mode of the
 * file that it replaces; ffwd_writer_destroy before that removes it. CSV starts with a line of
 * names, "y1,y2,..." unless others are given; numbers have the fewest digits that read back
 * exactly, text is quoted where it must be. A device or a pipe is written in place, as CSV unless
 * its name ends in `.npy`.
 *
 * @param rows UINT64_MAX where not known: `.npy` gets them at the commit, which a pipe cannot
 * @return FFWD_EUNSUPPORTED for another ending, for such a pipe, and for names or kept columns in
 *         `.npy`, FFWD_EIO (native is errno), FFWD_EARGUMENT, FFWD_EOVERFLOW, FFWD_ENOMEM
 */
FFWD_API ffwd_status ffwd_writer_create(const char *path, uint64_t rows, uint64_t cols,
                                        uint32_t dtype, const ffwd_writer_options *options,
                                        ffwd_writer **out, ffwd_error *err) FFWD_CHECKED;
/**
 * Appends rows: dense [rows][cols] of the writer's dtype. A pipe or a device gets them at once.
 *
 * @param kept the cells of the kept columns of these very rows; NULL without such columns
 * @return FFWD_EARGUMENT for too many rows, and for kept cells of other rows or columns; FFWD_EIO
 */
FFWD_API ffwd_status ffwd_writer_append(ffwd_writer *writer, uint64_t rows, const void *values,
                                        const ffwd_kept *kept, ffwd_error *err) FFWD_CHECKED;
/** Makes the file appear under its name; FFWD_EARGUMENT when rows are missing, FFWD_EIO. */
FFWD_API ffwd_status ffwd_writer_commit(ffwd_writer *writer, ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_writer_destroy(ffwd_writer *writer);

/* ------------------------------------------------------------------------------------ archives */

typedef struct ffwd_archive ffwd_archive;

/**
 * Begins a `.npz` file. Entries wait in an unnamed file beside it, so memory stays small; disk
 * holds them twice while they are zipped. FFWD_EUNSUPPORTED where the path is no file ("-", a
 * device).
 */
FFWD_API ffwd_status ffwd_archive_create(const char *path, ffwd_archive **out,
                                         ffwd_error *err) FFWD_CHECKED;
/** Adds an array of `rows` (UINT64_MAX: as many as come) x `cols`, as `name` without ".npy"; *entry
 * numbers it from 0.
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
