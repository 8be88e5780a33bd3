// SPDX-License-Identifier: MIT
// Text without quotes is cut at any line end. Where there are quotes, all before a place decide
// whether a line end is one, so records are walked over one by one.
#include "format/csv_block.h"

#include <string.h>

#include "base/memory.h"
#include "format/decimal.h"

/** Long enough that handing it to a thread costs little, short enough for the second-level cache of
 *  several threads. */
#define SEGMENT_BYTES ((size_t)1 << 17)

/** Behind the text: a line end that the last line may lack, and one that belongs to no line. */
#define PADDING (2 + FFWD_DECIMAL_PADDING)

ffwd_status ffwd_csv_block_create(ffwd_csv_block *block, size_t segments, ffwd_error *err) {
    // All but the last have their share of the room, rounded down.
    uint64_t bytes = (segments + 2) * sizeof *block->segments;
    *block = (ffwd_csv_block){0};
    block->segment_most = segments;
    block->room = segments * SEGMENT_BYTES;
    block->text = ffwd_alloc(block->room + PADDING);
    block->segments = ffwd_alloc(bytes);
    if (block->text == NULL || block->segments == NULL) {
        ffwd_csv_block_destroy(block);
        return ffwd_fail_memory(err, segments * SEGMENT_BYTES, "a piece of a CSV file");
    }
    ffwd_csv_block_clear(block);
    return FFWD_OK;
}

void ffwd_csv_block_destroy(ffwd_csv_block *block) {
    ffwd_free(block->text);
    ffwd_free(block->segments);
    *block = (ffwd_csv_block){0};
}

/** What is behind the text is defined, so that who reads too far reads nothing of interest. */
static void end_text(ffwd_csv_block *block) {
    memset(block->text + block->end, '\n', PADDING);
}

void ffwd_csv_block_clear(ffwd_csv_block *block) {
    block->at = 0;
    block->end = 0;
    block->ended = false;
    block->offset = 0;
    block->line = 1;
    block->segment_count = 0;
    end_text(block);
}

static ffwd_status grow(ffwd_csv_block *block, const char *name, ffwd_error *err) {
    if (block->room >= FFWD_CSV_RECORD_MAX) {
        return ffwd_fail(err, FFWD_EFORMAT,
                         "%s: line %llu: a record of more than 16 MiB; a quote that is not closed?",
                         name, (unsigned long long)block->line);
    }
    size_t room = 2 * block->room < FFWD_CSV_RECORD_MAX ? 2 * block->room : FFWD_CSV_RECORD_MAX;
    char *text = ffwd_alloc(room + PADDING);
    if (text == NULL) {
        return ffwd_fail_memory(err, room, "a long record of a CSV file");
    }
    memcpy(text, block->text, block->end);
    ffwd_free(block->text);
    block->text = text;
    block->room = room;
    return FFWD_OK;
}

ffwd_status ffwd_csv_block_read(ffwd_csv_block *block, ffwd_source *source, ffwd_error *err) {
    size_t count;
    memmove(block->text, block->text + block->at, block->end - block->at);
    block->offset += block->at;
    block->end -= block->at;
    block->at = 0;
    if (block->end == block->room) {
        ffwd_status grown = grow(block, source->name, err);
        if (grown != FFWD_OK) {
            return grown;
        }
    }
    ffwd_status status =
        ffwd_source_read(source, block->text + block->end, block->room - block->end, &count, err);
    if (status == FFWD_OK) {
        block->end += count;
        block->ended = count == 0;
        if (block->ended && block->end > 0 && block->text[block->end - 1] != '\n') {
            block->text[block->end++] = '\n';
        }
    }
    end_text(block);
    return status;
}

static void add_segment(ffwd_csv_block *block, const char *begin, const char *end, uint64_t rows) {
    block->segments[block->segment_count++] = (ffwd_csv_segment){begin, end, rows, block->line};
    block->line += ffwd_csv_count_lines(begin, end);
    block->at = (size_t)(end - block->text);
}

static void cut_lines(ffwd_csv_block *block, size_t most, char delimiter) {
    const char *at = block->text + block->at;
    const char *last = memrchr(at, '\n', block->end - block->at);
    const char *end = last != NULL ? last + 1 : at;
    while (at < end) {
        const char *stop = end;
        if ((size_t)(end - at) > most) {
            stop = (const char *)memchr(at + most - 1, '\n', (size_t)(end - at) - most + 1) + 1;
        }
        add_segment(block, at, stop, ffwd_csv_count_records(at, stop, delimiter));
        at = stop;
    }
}

/** The last record of a file ends with it, also where a quote is not closed. */
static const char *find_record_end(const ffwd_csv_block *block, const char *at, char delimiter) {
    const char *end = block->text + block->end;
    const char *stop = ffwd_csv_record_end(at, end, delimiter);
    return stop == NULL && block->ended ? end : stop;
}

static void cut_records(ffwd_csv_block *block, size_t most, char delimiter) {
    const char *begin = block->text + block->at, *end = block->text + block->end, *at = begin;
    uint64_t rows = 0;
    for (;;) {
        at = ffwd_csv_skip_blank(at, end, delimiter);
        const char *stop = at < end ? find_record_end(block, at, delimiter) : NULL;
        if (stop == NULL) {
            break;
        }
        at = stop;
        rows++;
        if ((size_t)(at - begin) >= most) {
            add_segment(block, begin, at, rows);
            begin = at;
            rows = 0;
        }
    }
    if (at > begin) {
        add_segment(block, begin, at, rows);
    }
}

void ffwd_csv_block_cut(ffwd_csv_block *block, char delimiter) {
    size_t most = block->room / block->segment_most;
    block->segment_count = 0;
    if (memchr(block->text + block->at, '"', block->end - block->at) == NULL) {
        cut_lines(block, most, delimiter);
    } else {
        cut_records(block, most, delimiter);
    }
}

ffwd_status ffwd_csv_block_next(ffwd_csv_block *block, ffwd_source *source, char delimiter,
                                ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    block->segment_count = 0;
    while (block->segment_count == 0 && !block->ended && status == FFWD_OK) {
        status = ffwd_csv_block_read(block, source, err);
        if (status == FFWD_OK) {
            ffwd_csv_block_cut(block, delimiter);
        }
    }
    return status;
}
