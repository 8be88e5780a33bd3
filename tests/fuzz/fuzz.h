// SPDX-License-Identifier: MIT
// What the fuzz targets share: a defect is what ends the process.
#ifndef FFWD_TESTS_FUZZ_H
#define FFWD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <ffwd/ffwd.h>

/** Ends the process with one line, which libFuzzer takes for a finding. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** A failure that says why: a status of its own in the struct, one line, and none that names a
 *  defect of ours. */
static inline void must_explain(ffwd_status status, const ffwd_error *err) {
    MUST(status != FFWD_OK && status != FFWD_EINTERNAL && status != FFWD_ESTATE);
    MUST(err->status == (int32_t)status && err->message[0] != '\0');
    for (const char *at = err->message; *at != '\0'; at++) {
        MUST(*at != '\n');
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

#endif
