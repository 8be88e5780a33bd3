// SPDX-License-Identifier: MIT
// Rows of a CSV file, block after block: read and cut into segments by one thread, parsed by all.
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/threads.h"
#include "format/csv_layout.h"
#include "format/csv_parse.h"
#include "format/decimal.h"
#include "format/npy_header.h"
#include "format/reader.h"

/** Segments of a block: enough that threads which end early find more, and memory stays small. */
#define SEGMENTS_PER_THREAD 2
#define SEGMENTS_MOST       64

/** A file shorter than this is read sooner than threads are made. */
#define SMALL_FILE ((uint64_t)1 << 17)

typedef struct csv_reader {
    ffwd_reader base;
    ffwd_source source;
    ffwd_csv_format format;
    ffwd_csv_block block;
    size_t segment; /**< of the block, which comes next */
    ffwd_csv_task *tasks;
    ffwd_csv_cell *cells;
    ffwd_threads *threads;
    uint32_t generation; /**< of the process that has the threads */
    bool failed;
    uint64_t next;      /**< row */
    uint64_t rows;      /**< UINT64_MAX where not known */
    uint64_t data_at;   /**< bytes before the first row */
    uint64_t data_line; /**< of the first row */
} csv_reader;

/* -------------------------------------------------------------------------------------- opening */

/** What begins as no text does. */
static ffwd_status refuse_binary(const csv_reader *own, size_t bytes, ffwd_error *err) {
    const char *text = own->block.text;
    const char *zero = memchr(text, 0, bytes);
    if (ffwd_npy_begins(text, bytes)) {
        return ffwd_fail_native(err, FFWD_EIO, ESPIPE,
                                "%s: a .npy file that is compressed or comes through a pipe",
                                own->base.path);
    }
    if (bytes >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: text in UTF-16; UTF-8 can be read",
                         own->base.path);
    }
    if (zero != NULL) {
        return ffwd_fail(err, FFWD_EFORMAT, "%s: neither a .npy file nor text: byte %zu is 0",
                         own->base.path, (size_t)(zero - text));
    }
    return FFWD_OK;
}

/** The end of the first lines, by which the layout is found: the same however a pipe hands them
 *  over. 0 where more must be read. */
static size_t sample_end(const ffwd_csv_block *block, int lines) {
    const char *begin = block->text + block->at, *end = block->text + block->end, *at = begin;
    bool enough = false;
    for (int i = 0; i < lines && !enough; i++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        enough = i > 0 && (size_t)(end - begin) >= FFWD_CSV_SAMPLE_BYTES &&
                 (line_end == NULL || (size_t)(line_end - begin) >= FFWD_CSV_SAMPLE_BYTES);
        if (!enough && line_end == NULL) {
            return block->ended ? block->end : 0;
        }
        at = enough ? at : line_end + 1;
    }
    return (size_t)(at - block->text);
}

static void skip_byte_order_mark(ffwd_csv_block *block) {
    if (block->end - block->at >= 3 && memcmp(block->text + block->at, "\xef\xbb\xbf", 3) == 0) {
        block->at += 3;
    }
}

static ffwd_status choose_delimiter(csv_reader *own, uint32_t given, ffwd_error *err) {
    ffwd_csv_block *block = &own->block;
    ffwd_status status;
    size_t end = 0;
    FFWD_TRY(status, ffwd_csv_check_delimiter(given, own->base.path, err));
    while (end == 0 && !block->ended) {
        FFWD_TRY(status, ffwd_csv_block_read(block, &own->source, err));
        end = sample_end(block, given != 0 ? 1 : FFWD_CSV_SAMPLE_LINES);
        size_t seen = end > 0 ? end : (size_t)ffwd_min(block->end, FFWD_CSV_SAMPLE_BYTES);
        FFWD_TRY(status, refuse_binary(own, seen, err));
    }
    skip_byte_order_mark(block);
    own->format.delimiter =
        given != 0 ? (char)given
                   : ffwd_csv_find_delimiter(block->text + block->at, block->text + end);

cleanup:
    return status;
}

static void advance(ffwd_csv_block *block, const char *to) {
    block->line += ffwd_csv_count_lines(block->text + block->at, to);
    block->at = (size_t)(to - block->text);
}

/** Reads until the first record is complete, which then is at block->at; *end is behind it. */
static ffwd_status find_first_record(csv_reader *own, const char **end, ffwd_error *err) {
    ffwd_csv_block *block = &own->block;
    const char *stop = NULL;
    for (;;) {
        const char *text_end = block->text + block->end;
        advance(block,
                ffwd_csv_skip_blank(block->text + block->at, text_end, own->format.delimiter));
        stop = ffwd_csv_record_end(block->text + block->at, text_end, own->format.delimiter);
        if (stop != NULL || block->ended) {
            break;
        }
        ffwd_status status = ffwd_csv_block_read(block, &own->source, err);
        if (status != FFWD_OK) {
            return status;
        }
    }
    *end = stop != NULL ? stop : block->text + block->end;
    return block->at < block->end ? FFWD_OK
                                  : ffwd_fail(err, FFWD_EFORMAT, "%s: is empty", own->base.path);
}

static ffwd_status begin_rows(csv_reader *own, const ffwd_reader_options *options,
                              ffwd_error *err) {
    ffwd_csv_block *block = &own->block;
    ffwd_csv_format *format = &own->format;
    const char *end;
    bool named;
    ffwd_status status;
    FFWD_TRY(status, choose_delimiter(own, options->delimiter, err));
    FFWD_TRY(status, find_first_record(own, &end, err));
    const char *record = block->text + block->at;
    format->first_line = block->line;
    FFWD_TRY(status, ffwd_csv_find_header(options, own->base.path, record, end, format->delimiter,
                                          &named, err));
    FFWD_TRY(status, ffwd_csv_columns_create(options, own->base.path, record, end,
                                             format->delimiter, named, &format->columns, err));
    if (named) {
        advance(block, end);
    }
    own->data_at = block->offset + block->at;
    own->data_line = block->line;
    ffwd_csv_block_cut(block, format->delimiter);

cleanup:
    return status;
}

static uint32_t choose_threads(const csv_reader *own, uint32_t wanted) {
    if (own->source.seekable && own->source.size <= SMALL_FILE) {
        return 1;
    }
    return wanted > 0 ? wanted : ffwd_cpu_count();
}

static ffwd_status reserve(csv_reader *own, const ffwd_reader_options *options, ffwd_error *err) {
    ffwd_status status;
    uint32_t threads = choose_threads(own, options->threads);
    size_t segments = (size_t)ffwd_min(SEGMENTS_PER_THREAD * (uint64_t)threads, SEGMENTS_MOST);
    uint64_t task_bytes = (segments + 2) * sizeof *own->tasks;
    uint64_t cell_bytes = (options->keep_count + 1) * sizeof *own->cells;
    own->generation = ffwd_fork_generation();
    FFWD_TRY(status, ffwd_decimal_prepare(err));
    FFWD_TRY(status, ffwd_csv_block_create(&own->block, segments, err));
    own->tasks = ffwd_alloc(task_bytes);
    own->cells = ffwd_alloc(cell_bytes);
    if (own->tasks == NULL || own->cells == NULL) {
        return ffwd_fail_memory(err, task_bytes + cell_bytes, "reading a CSV file");
    }
    FFWD_TRY(status, ffwd_threads_create(threads, options->threads == 0, &own->threads, err));

cleanup:
    return status;
}

static void csv_destroy(ffwd_reader *reader) {
    csv_reader *own = (csv_reader *)reader;
    if (own->threads != NULL && own->generation == ffwd_fork_generation()) {
        ffwd_threads_destroy(own->threads);
    } else if (own->threads != NULL) {
        ffwd_threads_abandon(own->threads);
    }
    ffwd_source_close(&own->source);
    ffwd_csv_block_destroy(&own->block);
    ffwd_csv_columns_destroy(&own->format.columns);
    ffwd_free(own->tasks);
    ffwd_free(own->cells);
    ffwd_free(own->base.path);
    ffwd_free(own);
}

/* --------------------------------------------------------------------------------- information */

static void csv_describe(const ffwd_reader *reader, ffwd_matrix_info *info) {
    const csv_reader *own = (const csv_reader *)reader;
    info->dtype = FFWD_F64;
    info->rows = own->rows;
    info->cols = own->format.columns.value_count;
    info->dimensions = 2;
    info->stored = "text";
}

static const char *csv_name(const ffwd_reader *reader, bool kept, uint64_t column) {
    const ffwd_csv_columns *columns = &((const csv_reader *)reader)->format.columns;
    if (column >= (kept ? columns->kept_count : columns->value_count)) {
        return NULL;
    }
    return columns->all[kept ? columns->kept[column] : columns->values[column]].name;
}

static ffwd_status csv_take_as_row(ffwd_reader *reader, ffwd_error *err) {
    return ffwd_fail(err, FFWD_EARGUMENT, "%s: lines of CSV are rows; they cannot be one",
                     reader->path);
}

/* --------------------------------------------------------------------------------------- places */

static ffwd_status check_process(const csv_reader *own, ffwd_error *err) {
    return own->generation == ffwd_fork_generation()
               ? FFWD_OK
               : ffwd_fail(err, FFWD_ESTATE, "%s: was opened before a fork", own->base.path);
}

/** The first row comes next. */
static ffwd_status rewind_rows(csv_reader *own, ffwd_error *err) {
    ffwd_csv_block *block = &own->block;
    ffwd_status status;
    FFWD_TRY(status, ffwd_source_rewind(&own->source, err));
    own->failed = true;
    ffwd_csv_block_clear(block);
    while (block->end < own->data_at && !block->ended) {
        FFWD_TRY(status, ffwd_csv_block_read(block, &own->source, err));
    }
    if (block->end < own->data_at) {
        return ffwd_fail(err, FFWD_EFORMAT, "%s: has become shorter than its first line was",
                         own->base.path);
    }
    block->at = (size_t)own->data_at;
    block->line = own->data_line;
    ffwd_csv_block_cut(block, own->format.delimiter);
    own->segment = 0;
    own->next = 0;
    own->failed = false;

cleanup:
    return status;
}

static ffwd_status csv_seek(ffwd_reader *reader, uint64_t row, ffwd_error *err) {
    csv_reader *own = (csv_reader *)reader;
    ffwd_status status = check_process(own, err);
    if (status != FFWD_OK || (row == own->next && !own->failed)) {
        return status;
    }
    if (row > 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "%s: rows of CSV come in order: after row %llu comes none but the next, "
                         "not row %llu",
                         reader->path, (unsigned long long)own->next, (unsigned long long)row);
    }
    return rewind_rows(own, err);
}

/** Counts from the first row on. */
static ffwd_status count_rows(csv_reader *own, uint64_t *rows, ffwd_error *err) {
    ffwd_csv_block *block = &own->block;
    ffwd_status status = FFWD_OK;
    while (block->segment_count > 0 || !block->ended) {
        for (size_t i = 0; i < block->segment_count; i++) {
            *rows += block->segments[i].rows;
        }
        FFWD_TRY(status, ffwd_csv_block_next(block, &own->source, own->format.delimiter, err));
    }

cleanup:
    return status;
}

static ffwd_status csv_count(ffwd_reader *reader, uint64_t *rows, ffwd_error *err) {
    csv_reader *own = (csv_reader *)reader;
    uint64_t counted = 0;
    ffwd_status status;
    if (own->rows == UINT64_MAX) {
        FFWD_TRY(status, check_process(own, err));
        FFWD_TRY(status, rewind_rows(own, err));
        own->failed = true; // unless it comes back
        FFWD_TRY(status, count_rows(own, &counted, err));
        FFWD_TRY(status, rewind_rows(own, err));
        own->rows = counted;
    }
    *rows = own->rows;
    status = FFWD_OK;

cleanup:
    return status;
}

/* ----------------------------------------------------------------------------------------- rows */

static void parse_task(void *context, size_t slot) {
    csv_reader *own = context;
    ffwd_csv_parse(&own->format, &own->tasks[slot]);
}

/** One task for each segment that is wanted; kept cells must come in order, so there is one then.
 */
static uint32_t plan_tasks(csv_reader *own, uint64_t most, uint32_t dtype, unsigned char *values,
                           ffwd_kept *kept) {
    uint64_t row_bytes = own->format.columns.value_count * ffwd_dtype_size(dtype);
    uint32_t count = 0;
    for (size_t i = own->segment; i < own->block.segment_count && most > 0; i++) {
        uint64_t rows = ffwd_min(own->block.segments[i].rows, most);
        own->tasks[count++] = (ffwd_csv_task){.segment = &own->block.segments[i],
                                              .rows = rows,
                                              .values = values,
                                              .dtype = dtype,
                                              .kept = kept,
                                              .cells = kept != NULL ? own->cells : NULL};
        values += rows * row_bytes;
        most -= rows;
        if (kept != NULL) {
            break;
        }
    }
    return count;
}

/** Goes on behind what a task has done. */
static void leave_behind(csv_reader *own, const ffwd_csv_task *task) {
    ffwd_csv_segment *segment = &own->block.segments[own->segment];
    segment->rows -= task->rows;
    if (segment->rows == 0) {
        own->segment++;
    } else {
        segment->line += ffwd_csv_count_lines(segment->begin, task->stopped);
        segment->begin = task->stopped;
    }
}

/** Parses what is in the block. */
static ffwd_status parse_rows(csv_reader *own, uint64_t most, uint32_t dtype, void *values,
                              ffwd_kept *kept, uint64_t *rows, ffwd_error *err) {
    uint32_t count = plan_tasks(own, most, dtype, values, kept);
    ffwd_threads_run(own->threads, count, parse_task, own);
    for (uint32_t i = 0; i < count; i++) {
        const ffwd_csv_task *task = &own->tasks[i];
        if (task->fault.kind != FFWD_CSV_FINE) {
            return ffwd_csv_fail(&own->format, task, err);
        }
        leave_behind(own, task);
        *rows += task->rows;
    }
    return FFWD_OK;
}

/** A next block when this one is used up; false at the end of the file. */
static ffwd_status have_segments(csv_reader *own, bool *more, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    if (own->segment == own->block.segment_count) {
        status = ffwd_csv_block_next(&own->block, &own->source, own->format.delimiter, err);
        own->segment = 0;
    }
    *more = own->block.segment_count > 0;
    return status;
}

/** Rows that are there are not held back until more of a pipe come. */
static bool would_wait(const csv_reader *own) {
    return own->segment == own->block.segment_count && !own->block.ended &&
           ffwd_source_is_dry(&own->source);
}

static ffwd_status read_rows(csv_reader *own, uint64_t most, uint32_t dtype, unsigned char *values,
                             ffwd_kept *kept, uint64_t *rows, ffwd_error *err) {
    uint64_t row_bytes = own->format.columns.value_count * ffwd_dtype_size(dtype);
    bool more = true;
    ffwd_status status = FFWD_OK;
    while (*rows < most && (kept == NULL || !ffwd_kept_is_full(kept)) &&
           (*rows == 0 || !would_wait(own))) {
        FFWD_TRY(status, have_segments(own, &more, err));
        if (!more) {
            own->rows = own->next + *rows;
            break;
        }
        FFWD_TRY(status,
                 parse_rows(own, most - *rows, dtype, values + *rows * row_bytes, kept, rows, err));
    }

cleanup:
    return status;
}

static ffwd_status csv_next(ffwd_reader *reader, uint64_t most, uint32_t dtype, void *values,
                            ffwd_kept *kept, uint64_t *rows, ffwd_error *err) {
    csv_reader *own = (csv_reader *)reader;
    uint64_t done = 0;
    ffwd_status status;
    FFWD_TRY(status, check_process(own, err));
    if (own->failed) {
        return ffwd_fail(err, FFWD_ESTATE, "%s: an earlier read failed", reader->path);
    }
    if (kept != NULL) {
        ffwd_kept_clear(kept, own->format.columns.kept_count);
        kept = own->format.columns.kept_count > 0 ? kept : NULL;
    }
    FFWD_TRY(status, read_rows(own, most, dtype, values, kept, &done, err));
    own->next += done;
    *rows = done;

cleanup:
    own->failed = status != FFWD_OK;
    return status;
}

ffwd_status ffwd_csv_reader_open(ffwd_source *source, const ffwd_reader_options *options,
                                 ffwd_reader **out, ffwd_error *err) {
    static const ffwd_reader_ops ops = {csv_describe, csv_name,  csv_take_as_row, csv_next,
                                        csv_seek,     csv_count, csv_destroy};
    ffwd_status status;
    csv_reader *own = ffwd_alloc_zero(sizeof *own);
    if (own == NULL) {
        ffwd_source_close(source);
        return ffwd_fail_memory(err, sizeof *own, "a reader");
    }
    own->base.ops = &ops;
    own->source = *source;
    own->source.cancelled = options->cancelled;
    own->source.user = options->user;
    own->rows = UINT64_MAX;
    own->base.path = ffwd_copy_text(source->name);
    if (own->base.path == NULL) {
        status = ffwd_fail_memory(err, strlen(source->name) + 1, "a reader's name");
        goto cleanup;
    }
    own->source.name = own->base.path;
    own->format.file = own->base.path;
    FFWD_TRY(status, reserve(own, options, err));
    FFWD_TRY(status, begin_rows(own, options, err));
    *out = &own->base;
    return FFWD_OK;

cleanup:
    csv_destroy(&own->base);
    return status;
}
