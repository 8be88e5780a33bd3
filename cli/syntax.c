// SPDX-License-Identifier: MIT
// One table of options serves all commands: each command sees the rows that carry its bit.
#include "syntax.h"

#define BIT(command) (1U << (command))
#define ALL          (~0U)
#define MODELS       (BIT(RUN) | BIT(BENCH) | BIT(VERIFY) | BIT(INFO))
#define ROWS_OF_X    (BIT(RUN) | BIT(VERIFY))

#define AND_WORD(name, value, word) " " word
#define ACTIVATIONS                 FFWD_ACTIVATION_LIST(AND_WORD)

static const struct option_row {
    unsigned commands;
    struct argp_option option;
} option_rows[] = {
    {BIT(RUN),
     {"output", KEY_OUTPUT, "Y", 0,
      "Write Y to a .npy or .csv file; -, the default: CSV to standard output", 1}},
    {BIT(RUN) | BIT(BENCH),
     {"out-dtype", KEY_OUT_DTYPE, "f32|f64|u8", 0,
      "Dtype of Y (u8 where the last layer is a step); default the model's", 1}},
    {BIT(RUN),
     {"layers", KEY_LAYERS, "FILE.npz", 0,
      "Write every layer's sums and outputs: z1, y1, z2, y2, ...", 1}},
    {BIT(RUN),
     {"names", KEY_NAMES, "A,B..", 0, "Names of Y's columns in CSV; default y1,y2,...", 1}},
    {ROWS_OF_X,
     {"columns", KEY_COLUMNS, "A,B..", 0,
      "Of CSV: the columns that are the model's inputs, in this order, by name or number, as in "
      "age,7,10-12; default all that are not kept",
      1}},
    {BIT(RUN),
     {"keep", KEY_KEEP, "A,B..", 0, "Of CSV: columns that are no inputs and go on to Y as they are",
      1}},
    {BIT(VERIFY), {"keep", KEY_KEEP, "A,B..", 0, "Of CSV: columns that are no inputs", 1}},
    {ROWS_OF_X,
     {"map", KEY_MAP, "A=TEXT:N,..", 0,
      "Of CSV: the numbers that the texts of a column stand for, as in Sex=male:0,female:1", 1}},
    {ROWS_OF_X,
     {"missing", KEY_MISSING, "[A=]N,..", 0,
      "Of CSV: the number that missing cells of a column, or of all, stand for, as in Age=28; "
      "default: they are an error",
      1}},
    {ROWS_OF_X,
     {"delimiter", KEY_DELIMITER, "CHAR", 0,
      "Of CSV: what is between cells, a character or tab; default what the first lines show", 1}},
    {ROWS_OF_X,
     {"header", KEY_HEADER, "yes|no|auto", 0,
      "Of CSV: whether the first line has the columns' names; default auto: if all of it is text",
      1}},
    {BIT(VERIFY),
     {"expect", KEY_EXPECT, "Y", 0, "Compare the outputs with those of a .npy file, too", 1}},
    {BIT(VERIFY),
     {"tol", KEY_TOL, "SPEC", 0,
      "How far outputs may be from those expected: 4ulp, 1e-5 (absolute), or 1e-5,1e-4 (absolute, "
      "relative: |y - Y| <= 1e-5 + 1e-4 |Y|); default: not at all, by bits",
      1}},
    {MODELS,
     {"activation", KEY_ACTIVATION, "A[,B..]", 0,
      "One for all layers, or one for each, of" ACTIVATIONS
      ", softmax, log_softmax or argmax; with parameters leaky_relu:0.1, clip:-1:1; default step "
      "for shapes, the file's for files",
      2}},
    {MODELS,
     {"dtype", KEY_DTYPE, "f32|f64", 0,
      "Dtype of a shape (default f32), or convert a file's model to it", 2}},
    {MODELS,
     {"labels", KEY_LABELS, NULL, 0,
      "Of an ONNX model: its labels, or the index of the largest score, instead of the scores", 2}},
    {MODELS,
     {"no-fold", KEY_NO_FOLD, NULL, 0,
      "Of an ONNX model: scales and shifts stay operations, outside the dense layers", 2}},
    {BIT(RUN) | BIT(BENCH) | BIT(VERIFY),
     {"seed", KEY_SEED, "N", 0, "Seed of random weights and rows; default 1", 2}},
    {BIT(BENCH),
     {"rows", KEY_ROWS, "N", 0,
      "Rows of X; default 5000000, or what takes a quarter of memory where that is less", 2}},
    {BIT(INFO), {"rows", KEY_ROWS, "N", 0, "Rows to plan for; default many", 2}},
    {BIT(BENCH),
     {"repeat", KEY_REPEAT, "N", 0, "Timed repeats; default enough for a stable median", 2}},
    {BIT(RUN),
     {"device", KEY_DEVICE, "SEL", 0,
      "auto, cpu, opencl, gpu, P:D as `clinfo -l' numbers them, or part of a name; default "
      "FFWD_DEVICE, or auto",
      3}},
    {BIT(BENCH),
     {"device", KEY_DEVICE, "SEL", 0,
      "auto, cpu, opencl, gpu, P:D as `clinfo -l' numbers them, part of a name, or all; default "
      "FFWD_DEVICE, or auto",
      3}},
    {BIT(VERIFY) | BIT(INFO),
     {"device", KEY_DEVICE, "SEL", 0,
      "auto, cpu, opencl, gpu, P:D as `clinfo -l' numbers them, part of a name, or all; default "
      "FFWD_DEVICE, or all",
      3}},
    {MODELS,
     {"strategy", KEY_STRATEGY, "NAME", 0, "auto, chain, layered, fused, table: force a plan", 3}},
    {MODELS,
     {"isa", KEY_ISA, "NAME", 0, "Instruction set of the CPU path; `ffwd devices' lists them", 3}},
    {MODELS,
     {"threads", KEY_THREADS, "N", 0, "Threads of the CPU path; default all that we may use", 3}},
    {MODELS,
     {"memory", KEY_MEMORY, "BYTES", 0,
      "Bound on our buffers; K, M, G are powers of 1024; default what suits the device", 3}},
    {BIT(RUN) | BIT(BENCH),
     {"no-fallback", KEY_NO_FALLBACK, NULL, 0, "An error instead of another device", 3}},
    {BIT(BENCH),
     {"resident", KEY_RESIDENT, NULL, 0,
      "Time an OpenCL device with X and Y in its memory: X comes before the clock, Y goes after it",
      3}},
    {BIT(RUN) | BIT(BENCH),
     {"report", KEY_REPORT, "FORM", 0,
      "text, json or none: the report on standard error; default text", 4}},
    {BIT(RUN) | BIT(BENCH) | BIT(INFO) | BIT(DEVICES),
     {"json", KEY_JSON, "FILE", 0, "The report as JSON into a file; -: to standard output", 4}},
    {BIT(RUN) | BIT(BENCH),
     {"trace", KEY_TRACE, "FILE", 0, "The timeline, in Chrome's trace event format, into a file",
      4}},
    {ALL, {"help", KEY_HELP, NULL, 0, "Show this help", 5}},
    {ALL, {"version", KEY_VERSION, NULL, 0, "Show the version", 5}},
};

#define MODEL_DOC                                                                                  \
    "MODEL is a .npz file (W1, W2, ... as [neurons][inputs], optional b1, b2, ... and "            \
    "activations), a .onnx file, or a shape such as 2-3-2-1, with random weights and no bias."
#define X_DOC                                                                                      \
    " X is a .npy file, a CSV file (also of gzip), - for CSV on standard input, or random:ROWS."

static const syntax syntaxes[COMMAND_COUNT + 1] = {
    [RUN] = {"run", "MODEL X", "MODEL and X", 2, 2,
             "Scores a file: Y = MODEL(X), row by row.\v" MODEL_DOC X_DOC
             " Y appears whole or not at all."},
    [BENCH] = {"bench", "[MODEL]", "", 0, 1,
               "Times a model on random rows against the limit of the machine, measured in the "
               "same run; default 2-3-2-1 with step.\v" MODEL_DOC
               " With --device all every device is timed, and their outputs must be equal."},
    [VERIFY] = {"verify", "MODEL X", "MODEL and X", 2, 2,
                "Compares every device, strategy and instruction set with the portable reference, "
                "by bits.\v" MODEL_DOC X_DOC " --device, --strategy, --isa and --threads narrow "
                "what is compared. With --expect the outputs are compared with given ones, too."},
    [INFO] = {"info", "MODEL", "MODEL", 1, 1,
              "Shows a model: its operations, parameters, flops and bytes a row, and the plan on "
              "each device.\v" MODEL_DOC},
    [DEVICES] = {"devices", "", "", 0, 0,
                 "Lists what there is to run on, and what was refused and why."},
    [COMMAND_COUNT] = {
        "", "COMMAND [ARGUMENT...]", "", 0, 0,
        "Forward passes through dense neural networks, on OpenCL devices or on the CPU.\n\n"
        "  ffwd run MODEL X [-o Y]   score a file\n"
        "  ffwd bench [MODEL]        time a model against the measured limit\n"
        "  ffwd verify MODEL X       compare every device with the reference, by bits\n"
        "  ffwd info MODEL           operations, parameters, the plan on each device\n"
        "  ffwd devices              what there is, what was refused and why\n\n"
        "`ffwd COMMAND --help' lists the options of a command.\v"
        "Exit status: 0 done; 1 verify or bench found a difference; 64 usage; 65 bad data; 66 no "
        "such input; 69 device or feature unavailable; 70 a defect; 71 out of memory; 73, 74 an "
        "output cannot be made, or reading or writing failed; 129, 130, 143 interrupted.\n\n"
        "Environment: FFWD_DEVICE is the default of --device; FFWD_CACHE is the folder where "
        "compiled OpenCL programs are kept, `off' keeps none; FFWD_OPENCL_LIBRARY names the OpenCL "
        "loader, `none' does without."}};

const syntax *syntax_of(command which) {
    return &syntaxes[which];
}

void syntax_options(command which, struct argp_option chosen[SYNTAX_MOST_OPTIONS]) {
    _Static_assert(sizeof option_rows / sizeof *option_rows < SYNTAX_MOST_OPTIONS, "room for all");
    size_t count = 0;
    for (size_t i = 0; i < sizeof option_rows / sizeof *option_rows; i++) {
        if (option_rows[i].commands & BIT(which)) {
            chosen[count++] = option_rows[i].option;
        }
    }
    chosen[count] = (struct argp_option){0};
}
