// SPDX-License-Identifier: MIT
// A piece of a CSV file in memory, cut where records end.
#ifndef FFWD_FORMAT_CSV_BLOCK_H
#define FFWD_FORMAT_CSV_BLOCK_H

#include "format/csv_scan.h"
#include "format/source.h"

/** The longest record. */
#define FFWD_CSV_RECORD_MAX ((size_t)1 << 24)

/** Some whole records. */
typedef struct ffwd_csv_segment {
    const char *begin, *end;
    uint64_t rows; /**< lines that are blank are none */
    uint64_t line; /**< where it begins */
} ffwd_csv_segment;

typedef struct ffwd_csv_block {
    char *text; /**< what is behind its end is readable, and begins with a line end */
    size_t at, end, room;
    bool ended;      /**< the source has no more */
    uint64_t offset; /**< of the text in the file */
    uint64_t line;   /**< of `at`, the first being 1 */
    ffwd_csv_segment *segments;
    size_t segment_count, segment_most;
} ffwd_csv_block;

/** An empty block that grows when a record is longer than all of it. FFWD_ENOMEM. */
ffwd_status ffwd_csv_block_create(ffwd_csv_block *block, size_t segments, ffwd_error *err);
void ffwd_csv_block_destroy(ffwd_csv_block *block);
/** Forgets the text, for a source that begins anew. */
void ffwd_csv_block_clear(ffwd_csv_block *block);

/** Reads more behind what there is; `at` becomes 0. FFWD_EFORMAT where it is longer than a record
 *  may be; as ffwd_source_read. */
ffwd_status ffwd_csv_block_read(ffwd_csv_block *block, ffwd_source *source, ffwd_error *err);

/** Cuts the records from `at` on into segments, none of a record that is not complete; `at` is
 *  behind them then. */
void ffwd_csv_block_cut(ffwd_csv_block *block, char delimiter);

/** Reads until there are segments again, or none at the end. */
ffwd_status ffwd_csv_block_next(ffwd_csv_block *block, ffwd_source *source, char delimiter,
                                ffwd_error *err);

#endif
