// SPDX-License-Identifier: MIT
// Micro-benchmarks for whoever works on ffwd's speed: one part at a time, through the public header
// where that can be.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "micro.h"

typedef struct benchmark {
    const char *name;
    void (*run)(const micro_options *given);
    const char *what;
} benchmark;

static const benchmark benchmarks[] = {
    {"layers", micro_layers, "one layer by inputs and neurons, against the limit"},
    {"activations", micro_activations, "time of an activation for each element"},
    {"transposes", micro_transposes,
     "rows to features and back, by width, in each instruction set"},
    {"latency", micro_latency, "one row through a prepared engine: the distribution"},
    {"creation", micro_creation, "models and engines made and destroyed"},
    {"limits", micro_limits, "the limit measured by ffwd and by other code"},
    {"predictions", micro_predictions, "predicted beside measured times of whole runs, ms"},
};
#define BENCHMARK_COUNT (sizeof benchmarks / sizeof benchmarks[0])

static int usage(void) {
    fprintf(stderr, "usage: ffwd_micro NAME [--threads N] [--device SEL] [--json]\n"
                    "                       [--network TEXT] [--rows N]\n\n");
    for (size_t i = 0; i < BENCHMARK_COUNT; i++) {
        fprintf(stderr, "  %-12s %s\n", benchmarks[i].name, benchmarks[i].what);
    }
    fprintf(stderr, "\n--json is known to limits alone, --network and --rows to predictions.\n");
    return 64;
}

/** False for what is no option. */
static bool parse(int count, char **texts, micro_options *given) {
    for (int i = 0; i < count; i++) {
        const bool has_value = i + 1 < count;
        if (strcmp(texts[i], "--json") == 0) {
            given->json = true;
        } else if (strcmp(texts[i], "--threads") == 0 && has_value) {
            given->threads = (uint32_t)strtoul(texts[++i], NULL, 10);
        } else if (strcmp(texts[i], "--device") == 0 && has_value) {
            given->device = texts[++i];
        } else if (strcmp(texts[i], "--network") == 0 && has_value) {
            given->network = texts[++i];
        } else if (strcmp(texts[i], "--rows") == 0 && has_value) {
            given->rows = strtoull(texts[++i], NULL, 10);
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    micro_options given = {0};
    if (argc < 2 || !parse(argc - 2, argv + 2, &given)) {
        return usage();
    }
    for (size_t i = 0; i < BENCHMARK_COUNT; i++) {
        if (strcmp(argv[1], benchmarks[i].name) == 0) {
            benchmarks[i].run(&given);
            return 0;
        }
    }
    return usage();
}
