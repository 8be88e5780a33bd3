// SPDX-License-Identifier: MIT
// Any bytes as a model in a .npz archive. What loads is described, and small ones score three rows.
#include "fuzz_model.h"

#include <string.h>

/* ------------------------------------------------------------------------------------ mutations */

#define LOCAL_BYTES   30
#define CENTRAL_BYTES 46

static uint32_t read_little(const uint8_t *from, unsigned bytes) {
    uint32_t value = 0;
    for (unsigned i = bytes; i-- > 0;) {
        value = value << 8 | from[i];
    }
    return value;
}

static void write_little(uint8_t *to, uint32_t value) {
    for (unsigned i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
}

/** CRC-32 of a zip entry, bit by bit. */
static uint32_t crc_of(const uint8_t *data, size_t size) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & -(crc & 1));
        }
    }
    return ~crc;
}

/** A stored entry, as the central directory tells of it at `record`. */
typedef struct stored {
    uint8_t *record, *local, *content;
    size_t bytes;
} stored;

static int read_record(uint8_t *data, size_t size, size_t at, stored *entry) {
    if (size - at < CENTRAL_BYTES || memcmp(data + at, "PK\1\2", 4) != 0 ||
        read_little(data + at + 10, 2) != 0) {
        return 0;
    }
    size_t start = read_little(data + at + 42, 4);
    entry->record = data + at;
    entry->bytes = read_little(data + at + 20, 4);
    if (start > size || size - start < LOCAL_BYTES) {
        return 0;
    }
    entry->local = data + start;
    size_t head =
        LOCAL_BYTES + read_little(entry->local + 26, 2) + read_little(entry->local + 28, 2);
    entry->content = entry->local + head;
    return head <= size - start && entry->bytes <= size - start - head && entry->bytes > 0;
}

/** The stored entry behind the directory's record number `wanted`, counted round; 0 where there is
 *  none. */
static int find_stored(uint8_t *data, size_t size, unsigned wanted, stored *entry) {
    unsigned count = 0;
    for (size_t at = 0; at < size; at++) {
        count += (unsigned)read_record(data, size, at, entry);
    }
    unsigned left = count > 0 ? wanted % count + 1 : 0;
    for (size_t at = 0; at < size && left > 0; at++) {
        left -= (unsigned)read_record(data, size, at, entry);
        if (left == 0) {
            return 1;
        }
    }
    return 0;
}

/** Bytes changed blindly fail the entry's CRC, and nothing behind it would be reached. Three of
 *  four mutations stay inside one stored entry, whose CRC is made right again. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    stored entry;
    if (seed % 4 == 0 || !find_stored(data, size, seed / 4, &entry)) {
        return LLVMFuzzerMutate(data, size, most);
    }
    size_t kept = LLVMFuzzerMutate(entry.content, entry.bytes, entry.bytes);
    memset(entry.content + kept, ' ', entry.bytes - kept);
    uint32_t crc = crc_of(entry.content, entry.bytes);
    write_little(entry.record + 16, crc);
    write_little(entry.local + 14, crc);
    return size;
}

/* --------------------------------------------------------------------------------------- models */

static void load(const uint8_t *data, size_t size, const ffwd_load_options *options) {
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model *model = parse_model(data, size, options);
    if (model == NULL) {
        return;
    }
    const uint64_t widest = describe_operations(model, &info);
    MUST(info.operation_count > 0 && info.inputs > 0 && info.outputs > 0);
    run_small(model, &info, widest);
    ffwd_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ffwd_load_options named = FFWD_LOAD_OPTIONS_INIT;
    named.dtype = FFWD_F32;
    named.activations = "relu";
    load(data, size, NULL);
    load(data, size, &named);
    return 0;
}
