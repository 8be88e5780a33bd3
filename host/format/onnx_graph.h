// SPDX-License-Identifier: MIT
// An ONNX graph as a list of nodes over values: which are constants, and which are X's rows.
#ifndef FFWD_FORMAT_ONNX_GRAPH_H
#define FFWD_FORMAT_ONNX_GRAPH_H

#include "format/onnx_tensor.h"

#define ONNX_NONE UINT32_MAX
/** Inputs and outputs of a node that anything here looks at. */
#define ONNX_INPUTS_MAX  6
#define ONNX_OUTPUTS_MAX 2
/** An extent that the file does not say; of axis 0, where rows are, it hardly matters. */
#define ONNX_UNKNOWN (-1)
/** In a list of counts, the number of rows. */
#define ONNX_ROW_COUNT INT64_MIN

typedef enum onnx_kind {
    ONNX_OPAQUE,   /**< nothing is known of it */
    ONNX_CONSTANT, /**< a tensor */
    ONNX_COUNTS,   /**< up to ONNX_RANK_MAX integers in dims[0 .. rank), as Shape gives */
    ONNX_ROWS      /**< computed from X; axis 0 are the rows */
} onnx_kind;

typedef struct onnx_value {
    onnx_view name;
    uint32_t node; /**< that makes it, or ONNX_NONE */
    onnx_kind kind;
    int32_t type; /**< onnx_type */
    unsigned rank;
    bool scalar; /**< one count that is no list */
    int64_t dims[ONNX_RANK_MAX];
    onnx_tensor *tensor; /**< of a constant */
} onnx_value;

typedef enum onnx_domain { ONNX_CORE, ONNX_ML, ONNX_FOREIGN } onnx_domain;

typedef struct onnx_node {
    onnx_view message, name, op;
    onnx_domain domain;
    uint32_t input_count, output_count;
    uint32_t inputs[ONNX_INPUTS_MAX]; /**< values; ONNX_NONE where left out */
    uint32_t outputs[ONNX_OUTPUTS_MAX];
    bool passes;    /**< is in the chain, and changes nothing there */
    uint32_t place; /**< 1 + the step it became or became a part of; 0: none */
} onnx_node;

typedef struct onnx_graph {
    onnx_arena arena;
    uint64_t bytes; /**< of the file */
    int64_t opset;
    onnx_node *nodes;
    onnx_value *values;
    uint32_t node_count, value_count;
    uint32_t x; /**< the value */
    uint32_t *outputs;
    uint32_t output_count;
} onnx_graph;

/** Reads a model; values are as the file declares them, those that nodes make are opaque. */
ffwd_status ffwd_onnx_graph_read(onnx_graph *graph, onnx_view file, ffwd_error *err);

bool ffwd_onnx_node_is(const onnx_node *node, const char *op);
bool ffwd_onnx_node_is_ml(const onnx_node *node, const char *op);

/** Input `index` of a node; NULL where it has none. */
onnx_value *ffwd_onnx_input(const onnx_graph *graph, const onnx_node *node, unsigned index);

/** Whether input `index` is computed from X. */
bool ffwd_onnx_takes_rows(const onnx_graph *graph, const onnx_node *node, unsigned index);

/** The node that makes input `index`, where it is `op`; else NULL. */
onnx_node *ffwd_onnx_maker(const onnx_graph *graph, const onnx_node *node, unsigned index,
                           const char *op);

/** An attribute, decoded into *found, whose lists have been given room; false where there is none.
 */
bool ffwd_onnx_attribute(const onnx_node *node, const char *name, FfwdOnnxAttribute *found);
double ffwd_onnx_float_attribute(const onnx_node *node, const char *name, double usual);
int64_t ffwd_onnx_int_attribute(const onnx_node *node, const char *name, int64_t usual);

/** The integers of a constant of at most one axis; false where it is none or has too many. */
bool ffwd_onnx_counts(onnx_graph *graph, const onnx_value *value, int64_t counts[ONNX_RANK_MAX],
                      unsigned *count);

/** Whether a constant holds one number, perhaps many times, and which. */
bool ffwd_onnx_scalar(onnx_graph *graph, const onnx_value *value, double *number);

/** Values in a row; 0 where the file does not say. */
uint64_t ffwd_onnx_width(const onnx_value *rows);

/** Fails with "node 'name' (Op): reason". */
ffwd_status ffwd_onnx_refuse(const onnx_node *node, ffwd_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts the same before a failure. */
ffwd_status ffwd_onnx_prefix(const onnx_node *node, ffwd_error *err, ffwd_status status);

#endif
