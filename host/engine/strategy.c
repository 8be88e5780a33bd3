// SPDX-License-Identifier: MIT
// The words of strategies.
#include <string.h>

#include "base/error.h"

const char *ffwd_strategy_name(uint32_t strategy) {
#define CASE(name, value, word)                                                                    \
    case name:                                                                                     \
        return word;
    switch (strategy) { FFWD_STRATEGY_LIST(CASE) }
#undef CASE
    return NULL;
}

ffwd_status ffwd_strategy_parse(const char *word, uint32_t *strategy, ffwd_error *err) {
#define MATCH(name, value, text)                                                                   \
    if (strcmp(word, text) == 0) {                                                                 \
        *strategy = (value);                                                                       \
        return FFWD_OK;                                                                            \
    }
    FFWD_STRATEGY_LIST(MATCH)
#undef MATCH
#define WORD(name, value, text) " " text
    return ffwd_fail(err, FFWD_EARGUMENT,
                     "unknown strategy '%s', known are" FFWD_STRATEGY_LIST(WORD), word);
#undef WORD
}
