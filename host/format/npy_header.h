// SPDX-License-Identifier: MIT
// The header of a .npy array, parsed from memory and never trusted, and the one that ffwd writes.
#ifndef FFWD_FORMAT_NPY_HEADER_H
#define FFWD_FORMAT_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/** What NumPy 2 allows. */
#define FFWD_NPY_AXES 64
/** The longest beginning of a file that is parsed: what a header of format 1.0 can claim at most.
 */
#define FFWD_NPY_HEADER_MAX (10 + 65535)
/** The longest header that is written. */
#define FFWD_NPY_WRITTEN_MAX 192

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FFWD_NPY_NATIVE '<'
#else
#define FFWD_NPY_NATIVE '>'
#endif

/** Whether a file that begins so is a .npy file. */
bool ffwd_npy_begins(const void *bytes, size_t count);

typedef enum ffwd_npy_kind {
    FFWD_NPY_BOOL = 'b',
    FFWD_NPY_SIGNED = 'i',
    FFWD_NPY_UNSIGNED = 'u',
    FFWD_NPY_FLOAT = 'f',
    FFWD_NPY_BYTES = 'S',  /**< text of one byte a character */
    FFWD_NPY_UNICODE = 'U' /**< text of four bytes a character */
} ffwd_npy_kind;

/** The type of an array's elements. */
typedef struct ffwd_npy_type {
    char descr[24]; /**< as in the header, "<f4" */
    ffwd_npy_kind kind;
    uint64_t bytes; /**< of one element */
    bool swapped;   /**< not in this machine's byte order */
} ffwd_npy_type;

typedef struct ffwd_npy_header {
    ffwd_npy_type type;
    bool fortran; /**< the first axis runs fastest */
    unsigned axes;
    uint64_t shape[FFWD_NPY_AXES];
    uint64_t rows, cols; /**< the first axis, and the others flattened */
    uint64_t data_offset, data_bytes;
} ffwd_npy_header;

/**
 * Parses the header at the start of a file (or of an archive's entry).
 *
 * @param available bytes in memory: all of the file, or at least FFWD_NPY_HEADER_MAX of it
 * @param file_bytes of the whole file: a header that claims more data than that is refused
 * @return FFWD_EFORMAT with the offset, FFWD_EUNSUPPORTED
 */
ffwd_status ffwd_npy_parse(const unsigned char *bytes, uint64_t available, uint64_t file_bytes,
                           ffwd_npy_header *header, ffwd_error *err);

/** FFWD_EUNSUPPORTED for text, where numbers are needed. */
ffwd_status ffwd_npy_check_numbers(const ffwd_npy_header *header, ffwd_error *err);

/** Writes the header of a dense [rows][cols] array in this machine's byte order; its length, which
 * is the same for any number of rows: they can be put in when they are known. */
uint64_t ffwd_npy_format(char bytes[FFWD_NPY_WRITTEN_MAX], uint64_t rows, uint64_t cols,
                         uint32_t dtype);

#endif
