// SPDX-License-Identifier: MIT
// Forward passes through dense neural networks, on OpenCL devices or on the CPU: the computing
// part.
#ifndef FFWD_FFWD_H
#define FFWD_FFWD_H

#include <stddef.h>
#include <stdint.h>

#include <ffwd/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @mainpage
 *
 *     ffwd_model    what to compute   operations and weights; never changes; shared by threads
 *     ffwd_device   where             the CPU or one OpenCL device; shared by threads
 *     ffwd_engine   a model placed on a list of devices; one thread at a time
 *
 *     ffwd_error err = FFWD_ERROR_INIT;
 *     ffwd_model *model = NULL;
 *     ffwd_engine *engine = NULL;
 *
 *     if (ffwd_model_load("net.npz", NULL, &model, &err) != FFWD_OK ||
 *         ffwd_engine_create(model, NULL, 0, NULL, &engine, &err) != FFWD_OK ||
 *         ffwd_engine_run(engine, &x, &y, NULL, NULL, &err) != FFWD_OK) {
 *         fprintf(stderr, "%s\n", err.message);
 *     }
 *     ffwd_engine_destroy(engine);
 *     ffwd_model_destroy(model);
 *
 * Rules for every function below:
 *
 *  Shapes   matrices are [rows][columns]; one row is one observation. Strides count elements.
 *  Values   of a dense layer y[r][o] = activation(z), z the chain of fused multiply-adds over the
 *           inputs in order, starting from the bias; the same bits on every device
 *           (FFWD_ARITHMETIC_VERSION). A NaN that is written is the canonical quiet NaN.
 *  Memory   any naturally aligned pointer; X and Y must not overlap; with 0 rows data may be NULL;
 *           after a failed run the contents of Y are undefined.
 *  Options  a structure that starts with struct_size has an _INIT macro that sets it; 0 or NULL in
 *           a member is its default; NULL for the structure is all defaults.
 *  Owning   *_create, *_load and *_open hand over an object; *_destroy takes NULL and cannot fail.
 *           Objects are counted: an engine keeps its model and devices alive, any order of
 *           destruction is right. Returned strings live as long as the object they were asked of.
 *  Failing  returns a status; *out is NULL, err (may be NULL) is filled, nothing else has changed.
 *  Quiet    never aborts, exits, prints, or touches signals, locale or the caller's floating-point
 *           environment.
 *  Fork     objects that own threads or a driver answer FFWD_ESTATE in a forked child.
 */

#define FFWD_VERSION_MAJOR 0
#define FFWD_VERSION_MINOR 1
#define FFWD_VERSION_PATCH 0
#define FFWD_VERSION       "0.1.0"

/** Changes whenever any result may change by a bit. */
#define FFWD_ARITHMETIC_VERSION 1

/** The version of the library that is linked, "major.minor.patch". */
FFWD_API const char *ffwd_version(void);

/* ------------------------------------------------------------------------------------ statuses */

/** Name, value and text of every status. Values are pinned. */
#define FFWD_STATUS_LIST(X)                                                                        \
    X(FFWD_OK, 0, "done")                                                                          \
    X(FFWD_EARGUMENT, 1, "an argument is outside its documented range")                            \
    X(FFWD_ESTATE, 2, "not possible now, as in a forked child")                                    \
    X(FFWD_EOVERFLOW, 3, "a size does not fit")                                                    \
    X(FFWD_ECANCELLED, 4, "the progress callback asked to stop")                                   \
    X(FFWD_ENOMEM, 10, "out of memory")                                                            \
    X(FFWD_ENODEVICE, 11, "no such device, or the device was refused")                             \
    X(FFWD_EDEVICE, 12, "the driver failed and no fallback was allowed")                           \
    X(FFWD_EIO, 20, "reading or writing failed")                                                   \
    X(FFWD_EFORMAT, 21, "the bytes are not what the format demands")                               \
    X(FFWD_EUNSUPPORTED, 22, "well formed, but outside what is done here")                         \
    X(FFWD_EINTERNAL, 99, "a defect of ffwd")

#define FFWD_STATUS_ENUM(name, value, text) name = (value),
typedef enum ffwd_status { FFWD_STATUS_LIST(FFWD_STATUS_ENUM) } ffwd_status;
#undef FFWD_STATUS_ENUM

/** "FFWD_ENOMEM" and the like; "FFWD_?" for a value that is none. */
FFWD_API const char *ffwd_status_name(ffwd_status status);
/** One English phrase; "unknown status" for a value that is none. */
FFWD_API const char *ffwd_status_text(ffwd_status status);

/** What went wrong, in the caller's own memory. */
typedef struct ffwd_error {
    int32_t status;    /**< an ffwd_status */
    int32_t native;    /**< errno with FFWD_EIO, the cl_int where OpenCL failed, else 0 */
    uint64_t offset;   /**< byte position in a parsed file, or UINT64_MAX */
    char message[496]; /**< one English line with the values that disagree */
} ffwd_error;
#define FFWD_ERROR_INIT                                                                            \
    {                                                                                              \
        0, 0, UINT64_MAX, {                                                                        \
            0                                                                                      \
        }                                                                                          \
    }

/* --------------------------------------------------------------------------------------- rows */

typedef enum ffwd_dtype {
    FFWD_F32 = 1, /**< IEEE-754 binary32 */
    FFWD_F64 = 2, /**< IEEE-754 binary64 */
    FFWD_U8 = 3   /**< unsigned byte: inputs of any model; outputs whose last layer is a step */
} ffwd_dtype;

/** "f32", "f64", "u8"; "?" for a value that is none. */
FFWD_API const char *ffwd_dtype_name(uint32_t dtype);
/** Bytes of one element; 0 for a value that is none. */
FFWD_API size_t ffwd_dtype_size(uint32_t dtype);

/**
 * The caller's rows, read or written in place. Strides count elements: 0 means dense (col_stride 1,
 * row_stride cols), negative ones run backwards from data; a column store is {row_stride 1,
 * col_stride rows}. Values of another dtype than the model's are converted, rounding to nearest.
 */
typedef struct ffwd_input {
    const void *data;
    uint32_t dtype;
    uint64_t rows, cols;
    int64_t row_stride, col_stride;
} ffwd_input;

/** As ffwd_input; elements of one output must not overlap each other. */
typedef struct ffwd_output {
    void *data;
    uint32_t dtype;
    uint64_t rows, cols;
    int64_t row_stride, col_stride;
} ffwd_output;

/**
 * Fills values[0 .. count) with the elements first, first + 1, ... of a stream of numbers uniform
 * in
 * [-1, 1), the same in every build. Philox4x32-10 with the key (seed low, seed high) makes blocks
 * of four words from the counter (block low, block high, stream, 0):
 *
 *     FFWD_F32   element e is word e mod 4 of block e / 4:  (word >> 8) * 2^-23 - 1
 *     FFWD_F64   element e is words 2i (low) and 2i + 1 (high) of block e / 2, i = e mod 2:
 *                (both >> 11) * 2^-52 - 1
 *
 * Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 *
 * @return FFWD_EARGUMENT for another dtype
 */
FFWD_API ffwd_status ffwd_random_fill(uint64_t seed, uint32_t stream, uint64_t first,
                                      uint64_t count, uint32_t dtype, void *values,
                                      ffwd_error *err) FFWD_CHECKED;

/* -------------------------------------------------------------------------------------- memory */

/**
 * Where a model, device or engine has its host memory from: set in the options that it is made
 * with; NULL there, and for everything that takes no such options, is the C library's heap. The
 * functions may be called by several threads at once, with signals blocked; they must stay until
 * the object and all that keeps it are gone: clones, engines of a model or device, and lost
 * devices, which keep their models. What libraries and drivers allocate for themselves is theirs.
 */
typedef struct ffwd_allocator {
    /** A block of at least `bytes` bytes at a multiple of `alignment`, a power of two; NULL makes
     * the call that needs it fail with FFWD_ENOMEM. */
    void *(*allocate)(void *user, size_t alignment, size_t bytes);
    void (*release)(void *user, void *block);
    void *user;
} ffwd_allocator;

/* -------------------------------------------------------------------------------------- models */

/** Name, value and word of every kind of operation. Values are pinned. */
#define FFWD_KIND_LIST(X)                                                                          \
    X(FFWD_DENSE, 1, "dense")             /**< z = bias + W x, y = activation(z) */                \
    X(FFWD_AFFINE, 2, "affine")           /**< z[i] = fma(x[i], scale[i], shift[i]),               \
                                               y = activation(z) */                                \
    X(FFWD_SOFTMAX, 3, "softmax")         /**< y[i] = exp(x[i] - m) / s; m the largest x,          \
                                               s the sum of exp(x[i] - m), i in order */           \
    X(FFWD_LOG_SOFTMAX, 4, "log_softmax") /**< y[i] = (x[i] - m) - log(s) */                       \
    X(FFWD_ARGMAX, 5, "argmax")           /**< y[0] = index from 0 of the first NaN, else of the   \
                                               first largest x */

#define FFWD_KIND_ENUM(name, value, word) name = (value),
typedef enum ffwd_kind { FFWD_KIND_LIST(FFWD_KIND_ENUM) } ffwd_kind;
#undef FFWD_KIND_ENUM

/** The word of a kind; NULL for a value that is none. */
FFWD_API const char *ffwd_kind_name(uint32_t kind);

/**
 * Name, value and word of every activation. Values are pinned. Of its parameters, alpha and beta,
 * each shows what it has and, behind =, what they are where a word does not say.
 */
#define FFWD_ACTIVATION_LIST(X)                                                                    \
    X(FFWD_IDENTITY, 0, "identity")     /**< z */                                                  \
    X(FFWD_STEP, 1, "step")             /**< z > alpha ? 1 : 0; NaN gives 0; alpha = 0 */          \
    X(FFWD_RELU, 2, "relu")             /**< z < 0 ? 0 : z */                                      \
    X(FFWD_SIGMOID, 3, "sigmoid")       /**< 1 / (1 + exp(-z)) */                                  \
    X(FFWD_TANH, 4, "tanh")             /**< (1 - exp(-2z)) / (1 + exp(-2z)) */                    \
    X(FFWD_STEP_GE, 5, "step_ge")       /**< z >= alpha ? 1 : 0; NaN gives 0; alpha = 0 */         \
    X(FFWD_LEAKY_RELU, 6, "leaky_relu") /**< z < 0 ? alpha z : z; alpha = 0.01 */                  \
    X(FFWD_PRELU, 7, "prelu")           /**< z < 0 ? slopes[o] z : z */                            \
    X(FFWD_THRESHOLDED_RELU, 8, "thresholded_relu") /**< z > alpha ? z : 0; alpha = 1 */           \
    X(FFWD_ELU, 9, "elu")    /**< z < 0 ? alpha (exp(z) - 1) : z; alpha = 1 */                     \
    X(FFWD_SELU, 10, "selu") /**< beta (z < 0 ? alpha (exp(z) - 1) : z), alpha beta finite;        \
                                  alpha = 1.6732632, beta = 1.050701, in full as in ONNX */        \
    X(FFWD_CELU, 11, "celu") /**< z < 0 ? alpha (exp(z / alpha) - 1) : z, alpha > 0; alpha = 1 */  \
    X(FFWD_HARD_SIGMOID, 12, "hard_sigmoid") /**< alpha z + beta, between 0 and 1;                 \
                                                  alpha = 0.2, beta = 0.5 */                       \
    X(FFWD_CLIP, 13, "clip")           /**< z between alpha and beta; alpha = -inf, beta = inf */  \
    X(FFWD_SOFTPLUS, 14, "softplus")   /**< log(1 + exp(z)) */                                     \
    X(FFWD_SOFTSIGN, 15, "softsign")   /**< z / (1 + |z|) */                                       \
    X(FFWD_GELU, 16, "gelu")           /**< z (1 + erf(z / sqrt(2))) / 2 */                        \
    X(FFWD_GELU_TANH, 17, "gelu_tanh") /**< z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2 */   \
    X(FFWD_SILU, 18, "silu")           /**< z / (1 + exp(-z)) */                                   \
    X(FFWD_HARD_SWISH, 19, "hard_swish") /**< z times (z + 3) / 6 between 0 and 1 */               \
    X(FFWD_MISH, 20, "mish")             /**< z tanh(log(1 + exp(z))) */                           \
    X(FFWD_EXP, 21, "exp")               /**< exp(z) */                                            \
    X(FFWD_SIGN, 22, "sign")             /**< 1 above 0, -1 below, 0 at 0 */                       \
    X(FFWD_ABS, 23, "abs")               /**< |z| */

#define FFWD_ACTIVATION_ENUM(name, value, word) name = (value),
typedef enum ffwd_activation { FFWD_ACTIVATION_LIST(FFWD_ACTIVATION_ENUM) } ffwd_activation;
#undef FFWD_ACTIVATION_ENUM

/** The word of an activation, as in files and options; NULL for a value that is none. */
FFWD_API const char *ffwd_activation_name(uint32_t activation);
/** The activation of a word; FFWD_EARGUMENT, with the known words, when there is none. */
FFWD_API ffwd_status ffwd_activation_parse(const char *word, uint32_t *activation,
                                           ffwd_error *err) FFWD_CHECKED;

/**
 * One operation of the chain; passed in arrays together with sizeof(ffwd_operation). The values are
 * in the model's dtype.
 *
 *     dense    [neurons][inputs] weights; bias [neurons], or NULL: the sums start from +0
 *     affine   neurons = inputs; weights are the scale [inputs], or NULL: 1; bias is the shift
 *              [inputs], or NULL: -0. Both NULL: the activation alone
 *     the others, which need the whole row: no weights, no bias, identity; neurons = inputs, of an
 *              argmax 1. All outputs of a softmax, or its logarithm, are NaN where an input is NaN
 *              or +inf, or all are -inf
 */
typedef struct ffwd_operation {
    uint32_t kind;       /**< ffwd_kind */
    uint32_t activation; /**< ffwd_activation */
    uint64_t inputs, neurons;
    const void *weights;
    const void *bias;
    /** Parameters of the activation, rounded to the model's dtype. Callers whose structure ends
     *  before them get those of the bare word. */
    double alpha, beta;
    const void *slopes; /**< [neurons], of a prelu alone */
} ffwd_operation;

/**
 * Reads the word of a layer in files and options: an activation, parameters behind colons ("relu",
 * "leaky_relu:0.1", "clip:-1:1"); or "softmax", "log_softmax", "argmax": the layer has the identity
 * then, and this operation comes behind it. Sets kind (FFWD_DENSE or the one behind), activation,
 * alpha and beta, and nothing else.
 *
 * @return FFWD_EARGUMENT for a word that is none or has the wrong parameters
 */
FFWD_API ffwd_status ffwd_operation_parse(const char *word, size_t operation_size,
                                          ffwd_operation *operation, ffwd_error *err) FFWD_CHECKED;

/**
 * The word of an operation as ffwd_operation_parse reads it, of a dense or affine one that of its
 * activation; "?" where there is none. Writes at most `size` bytes, the final 0 included.
 *
 * @return the word's length
 */
FFWD_API size_t ffwd_operation_word(const ffwd_operation *operation, size_t operation_size,
                                    char *text, size_t size);

typedef struct ffwd_model ffwd_model;

/**
 * Makes a model of `count` operations on rows of `inputs` values; everything is copied. An empty
 * chain copies its rows.
 *
 * @param dtype          FFWD_F32 or FFWD_F64: of weights, bias and all arithmetic
 * @param operation_size sizeof(ffwd_operation)
 * @return FFWD_EARGUMENT when widths do not meet or are 0, FFWD_EOVERFLOW, FFWD_ENOMEM
 */
FFWD_API ffwd_status ffwd_model_create(uint32_t dtype, uint64_t inputs,
                                       const ffwd_operation *operations, size_t count,
                                       size_t operation_size, ffwd_model **out,
                                       ffwd_error *err) FFWD_CHECKED;

typedef struct ffwd_load_options {
    uint32_t struct_size;
    uint32_t dtype;          /**< convert to this dtype; 0: as in the file */
    const char *activations; /**< "relu" for all layers or "relu,relu,identity"; NULL: the file's */
    const ffwd_allocator *allocator; /**< of the model */
    uint32_t labels;  /**< ONNX; 1: its labels, or the index of the largest, instead of scores */
    uint32_t no_fold; /**< ONNX; 1: scales and shifts stay operations of their own */
} ffwd_load_options;
#define FFWD_LOAD_OPTIONS_INIT                                                                     \
    { sizeof(ffwd_load_options), 0, NULL, NULL, 0, 0 }

/**
 * Loads a model file:
 *
 *     .npz    W1 .. WL ([neurons][inputs]), optional b1 .. bL and optional `activations`
 *     .onnx   a graph that is a chain of operations on rows. X is its first input that has no
 *             initializer; axis 0 are the rows, all other axes one row. Of several outputs Y is the
 *             first that is no label. Whatever is not part of such a chain is refused with the
 *             node's name. Labels that are text are given by their index.
 *
 * Scales and shifts, as of a BatchNormalization, become part of the dense layer beside them: folded
 * in double, and rounded once to the model's dtype.
 *
 * @return FFWD_EIO, FFWD_EFORMAT, FFWD_EUNSUPPORTED (also from a build without the file component),
 *         FFWD_EARGUMENT (options), FFWD_ENOMEM
 */
FFWD_API ffwd_status ffwd_model_load(const char *path, const ffwd_load_options *options,
                                     ffwd_model **out, ffwd_error *err) FFWD_CHECKED;

/** The same from the bytes of such a file, which are not needed afterwards. */
FFWD_API ffwd_status ffwd_model_parse(const void *bytes, size_t size,
                                      const ffwd_load_options *options, ffwd_model **out,
                                      ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_model_destroy(ffwd_model *model);

/** What a model is. Set struct_size first; grows at the end. */
typedef struct ffwd_model_info {
    uint32_t struct_size;
    uint32_t dtype;
    uint64_t inputs, outputs;
    uint64_t operation_count;
    uint64_t parameters; /**< weights, biases, scales, shifts, slopes */
    uint64_t flops;      /**< a row: 2 for each fused multiply-add */
} ffwd_model_info;
#define FFWD_MODEL_INFO_INIT                                                                       \
    { sizeof(ffwd_model_info), 0, 0, 0, 0, 0, 0 }
FFWD_API void ffwd_model_describe(const ffwd_model *model, ffwd_model_info *info);

/**
 * Operation `index`, from 0; weights and bias point into the model.
 *
 * @param operation_size sizeof(ffwd_operation)
 * @return FFWD_EARGUMENT past the last one
 */
FFWD_API ffwd_status ffwd_model_operation(const ffwd_model *model, size_t index,
                                          size_t operation_size, ffwd_operation *operation,
                                          ffwd_error *err) FFWD_CHECKED;

/** A node of the ONNX graph that a model came from. Set struct_size first; grows at the end. */
typedef struct ffwd_model_node {
    uint32_t struct_size;
    uint32_t folded;    /**< 1: a scale or shift that became part of a dense operation */
    const char *name;   /**< "" where it has none */
    const char *op;     /**< its operator, "Gemm" and the like */
    const char *fate;   /**< what became of it: a phrase such as "dense" or "part of gelu" */
    uint64_t operation; /**< that it is, or is a part of, counted from 1; 0: of none */
} ffwd_model_node;
#define FFWD_MODEL_NODE_INIT                                                                       \
    { sizeof(ffwd_model_node), 0, "", "", "", 0 }

/** Nodes of the graph; 0 for a model that did not come from one. */
FFWD_API size_t ffwd_model_node_count(const ffwd_model *model);

/** Node `index`, from 0, in the file's order. FFWD_EARGUMENT past the last one. */
FFWD_API ffwd_status ffwd_model_describe_node(const ffwd_model *model, size_t index,
                                              ffwd_model_node *node, ffwd_error *err) FFWD_CHECKED;

/* ------------------------------------------------------------------------------------- devices */

typedef struct ffwd_device ffwd_device;

/**
 * Instruction sets of the CPU path in this build, slowest first, "portable" among them.
 *
 * @param available receives whether this machine can run it; may be NULL
 * @return NULL past the end
 */
FFWD_API const char *ffwd_isa_name(size_t index, int *available);

typedef struct ffwd_device_options {
    uint32_t struct_size;
    uint32_t threads;                /**< of the CPU path; 0: min(affinity mask, cgroup quota) */
    const char *isa;                 /**< of the CPU path; NULL: the machine's best */
    const ffwd_allocator *allocator; /**< of the device */
    /** The folder of compiled programs and measured rates, or "off"; NULL: $FFWD_CACHE, without
     *  that $XDG_CACHE_HOME/ffwd, without that $HOME/.cache/ffwd. */
    const char *cache;
} ffwd_device_options;
#define FFWD_DEVICE_OPTIONS_INIT                                                                   \
    { sizeof(ffwd_device_options), 0, NULL, NULL, NULL }

/**
 * Opens one device.
 *
 * @param selector "cpu"; "opencl": the first OpenCL device that is not refused; "gpu": the first
 * such GPU; "P:D": platform and device as `clinfo -l` numbers them; else part of a name, case
 * ignored. ("auto" needs a model: see ffwd_engine_create.)
 * @return FFWD_ENODEVICE with the reason; FFWD_EARGUMENT for an unknown isa or a device option that
 *         the device does not have; FFWD_EUNSUPPORTED for an isa that this machine lacks
 */
FFWD_API ffwd_status ffwd_device_open(const char *selector, const ffwd_device_options *options,
                                      ffwd_device **out, ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_device_destroy(ffwd_device *device);

/** Driver objects (contexts, queues, buffers, ...) that this process has left alone so far because
 *  their device was lost: a driver that broke down may never return from releasing them. */
FFWD_API uint64_t ffwd_abandoned_objects(void);

typedef enum ffwd_device_type {
    FFWD_TYPE_CPU = 1,
    FFWD_TYPE_GPU = 2,
    FFWD_TYPE_ACCELERATOR = 3,
    FFWD_TYPE_OTHER = 4
} ffwd_device_type;

/** What a device is. Strings are never NULL; empty where not known. */
typedef struct ffwd_device_info {
    uint32_t struct_size;
    uint32_t type;          /**< ffwd_device_type */
    const char *id;         /**< selects it again: "cpu" or "P:D" */
    const char *backend;    /**< "cpu" or "opencl" */
    const char *name;       /**< of the silicon, as the system or driver calls it */
    const char *platform;   /**< OpenCL platform */
    const char *driver;     /**< driver version */
    const char *isa;        /**< instruction set of the CPU path */
    uint32_t threads;       /**< of the CPU path; compute units of an OpenCL device */
    uint32_t f64;           /**< 1 where float64 models run, as far as is known */
    uint32_t shares_memory; /**< 1 where rows are used in place in host memory */
    uint64_t memory_bytes;
    const char *refused;    /**< why it cannot be used, or empty */
    const char *cache;      /**< of an OpenCL device: folder of compiled programs and what else it
                                 leaves to later processes; empty: nothing is kept */
    const char *cache_note; /**< why something could not be kept, or empty */
    /** How often something was found there so far, how often not, and how many of these misses had
     *  something there that was of no use: damaged, or refused by the driver. */
    uint32_t cache_hits, cache_misses, cache_spoilt;
} ffwd_device_info;
#define FFWD_DEVICE_INFO_INIT                                                                      \
    { sizeof(ffwd_device_info), 0, "", "", "", "", "", "", 0, 0, 0, 0, "", "", "", 0, 0, 0 }
FFWD_API void ffwd_device_describe(const ffwd_device *device, ffwd_device_info *info);

typedef struct ffwd_device_list ffwd_device_list;

/** Everything there is: the CPU first, then every OpenCL device, refused ones with their reason. */
FFWD_API ffwd_status ffwd_device_list_create(ffwd_device_list **out, ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_device_list_destroy(ffwd_device_list *list);
FFWD_API size_t ffwd_device_list_count(const ffwd_device_list *list);
/** Entry `index`; the strings live as long as the list. */
FFWD_API ffwd_status ffwd_device_list_get(const ffwd_device_list *list, size_t index,
                                          ffwd_device_info *info, ffwd_error *err) FFWD_CHECKED;
/** Why there are no (more) OpenCL devices, a sentence; empty where nothing stood in the way. */
FFWD_API const char *ffwd_device_list_note(const ffwd_device_list *list);

/* ------------------------------------------------------------------------------------- engines */

typedef struct ffwd_engine ffwd_engine;

/** Name, value and word of every strategy. Same bits; they differ in speed. */
#define FFWD_STRATEGY_LIST(X)                                                                      \
    X(FFWD_STRATEGY_AUTO, 0, "auto")                                                               \
    X(FFWD_CHAIN, 1, "chain")     /**< per layer a matmul kernel, then an activation kernel */     \
    X(FFWD_LAYERED, 2, "layered") /**< per layer one kernel with bias and activation */            \
    X(FFWD_FUSED, 3, "fused")     /**< consecutive layers in one kernel */                         \
    X(FFWD_TABLE, 4, "table")     /**< the first layer's steps look the outputs up */

#define FFWD_STRATEGY_ENUM(name, value, word) name = (value),
typedef enum ffwd_strategy { FFWD_STRATEGY_LIST(FFWD_STRATEGY_ENUM) } ffwd_strategy;
#undef FFWD_STRATEGY_ENUM

/** The word of a strategy; NULL for a value that is none. */
FFWD_API const char *ffwd_strategy_name(uint32_t strategy);
/** The strategy of a word; FFWD_EARGUMENT, with the known words, when there is none. */
FFWD_API ffwd_status ffwd_strategy_parse(const char *word, uint32_t *strategy,
                                         ffwd_error *err) FFWD_CHECKED;

typedef struct ffwd_engine_options {
    uint32_t struct_size;
    uint32_t strategy;      /**< ffwd_strategy; one that the first device lacks, or lacks for the
                                 model: FFWD_ENODEVICE */
    uint32_t no_fallback;   /**< 1: a failing device is an error, not a reason for the next one */
    uint64_t expected_rows; /**< what the choice reckons with; 0: many */
    uint64_t memory_bytes;  /**< bound on the engine's own buffers; 0: from the device */
    uint64_t chunk_rows;    /**< rows a chunk at most; 0: from memory and work */
    const char *device; /**< selector when no devices are listed; NULL: $FFWD_DEVICE, or "auto" */
    /** Of the CPU path, where the engine opens it; with a named OpenCL device FFWD_EARGUMENT. */
    const ffwd_device_options *device_options;
    const ffwd_allocator *allocator; /**< of the engine and of the devices that it opens */
    /** 1: for measurements, ffwd_engine_run is timed as a run over rows that are on the device
     *  already (ffwd/opencl.h): it brings all of X there before, and Y back after total_ns, which
     *  counts the device's clock from the first kernel to the last. Rows are dense, nothing is
     *  captured or traced, no other device helps. FFWD_EUNSUPPORTED from a device without OpenCL
     *  buffers; "auto" is the first OpenCL device. */
    uint32_t resident;
} ffwd_engine_options;
#define FFWD_ENGINE_OPTIONS_INIT                                                                   \
    { sizeof(ffwd_engine_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, 0 }

/**
 * Places a model on devices: plans, packs weights, compiles and uploads. The first device runs
 * every chunk; a chunk that it fails on is redone on the next one, at last on the CPU, which is
 * added to the list unless no_fallback is set. A device whose driver fails already here is left
 * out, and ffwd_engine_why says so; one that lacks memory takes smaller chunks before it counts as
 * failed. The first is an error all the same where what would take its place lacks the strategy.
 *
 * Without devices the selector in the options decides. "auto" takes the CPU where the model does no
 * more than 120 x (inputs + outputs) flops a row, since moving the rows costs more than computing
 * them, or where the CPU is done with the expected rows before a GPU could be opened, by what that
 * took an earlier process; else the GPU, if there is one and it is predicted to be faster.
 * ffwd_engine_why tells the reason.
 *
 * @return FFWD_ENODEVICE, FFWD_EDEVICE, FFWD_EARGUMENT (options), FFWD_EOVERFLOW, FFWD_ENOMEM,
 *         FFWD_ESTATE; FFWD_EUNSUPPORTED from a device that cannot take the model, as float64 where
 *         it has none, or an empty chain on an OpenCL device
 */
FFWD_API ffwd_status ffwd_engine_create(const ffwd_model *model, ffwd_device *const *devices,
                                        size_t device_count, const ffwd_engine_options *options,
                                        ffwd_engine **out, ffwd_error *err) FFWD_CHECKED;

/**
 * Another engine for another thread, sharing model, devices and packed weights; may be called while
 * the original runs. Devices that fail now are left out, and ffwd_engine_why says so, unless
 * no_fallback is set: then, or where none is left, FFWD_EDEVICE or FFWD_ENOMEM.
 */
FFWD_API ffwd_status ffwd_engine_clone(const ffwd_engine *engine, ffwd_engine **out,
                                       ffwd_error *err) FFWD_CHECKED;
FFWD_API void ffwd_engine_destroy(ffwd_engine *engine);

/** Name, value and word of every kind of span. Values are pinned. */
#define FFWD_SPAN_LIST(X)                                                                          \
    X(FFWD_SPAN_RUN, 1, "run")           /**< the whole call */                                    \
    X(FFWD_SPAN_CHUNK, 2, "chunk")       /**< rows on a device, from their first use to the last,  \
                                              named "failed chunk" where it will be redone */      \
    X(FFWD_SPAN_UPLOAD, 3, "upload")     /**< X to the device */                                   \
    X(FFWD_SPAN_KERNEL, 4, "kernel")     /**< a stage of the plan over a chunk */                  \
    X(FFWD_SPAN_DOWNLOAD, 5, "download") /**< Y, or a capture, to the host */                      \
    X(FFWD_SPAN_COPY, 6, "copy")         /**< by the host, beside an upload or a download */       \
    X(FFWD_SPAN_THREAD, 7, "thread")     /**< a thread of the CPU path at work on a kernel */

#define FFWD_SPAN_ENUM(name, value, word) name = (value),
typedef enum ffwd_span_kind { FFWD_SPAN_LIST(FFWD_SPAN_ENUM) } ffwd_span_kind;
#undef FFWD_SPAN_ENUM

/** The word of a kind of span; NULL for a value that is none. */
FFWD_API const char *ffwd_span_name(uint32_t kind);

/**
 * Something that took time in a run. The spans of one lane of one device nest or do not overlap.
 * Times are the host's CLOCK_MONOTONIC. An OpenCL device keeps its own: by when a chunk's commands
 * were enqueued, which both clocks saw, they are brought onto the host's, and into the chunk's
 * time. The strings live as long as the call that hands the span out. Grows at the end.
 */
typedef struct ffwd_span {
    uint32_t struct_size;
    uint32_t kind;      /**< ffwd_span_kind */
    const char *device; /**< its id, "cpu" or "P:D"; empty: the engine itself */
    const char *lane;   /**< where on it: "chunks", "kernels", "thread 1" and the like */
    const char *name;   /**< of a kernel its own; else the word of the kind */
    uint64_t start_ns, end_ns;
    uint64_t first_row, rows;          /**< of X */
    uint64_t first_layer, layer_count; /**< of a kernel, from 1; else 0 */
    uint64_t bytes;                    /**< that were moved; of a kernel 0 */
} ffwd_span;

typedef struct ffwd_run_options {
    uint32_t struct_size;
    /** Called on the caller's thread after every chunk, the last included; not 0: stop. */
    int (*progress)(void *user, uint64_t rows_done, uint64_t rows);
    void *user; /**< of progress and trace */
    /** [operation count] captures of z and y of every operation, [rows][neurons] in the model's
     *  dtype; those with data NULL are left out. NULL: none. Where there is no activation, as of
     *  an argmax, z is y. */
    const ffwd_output *sums, *outputs;
    /** Called on the caller's thread with every span of the run, soon after its end, in no order;
     *  NULL: nothing is recorded, and nothing is slower for it. */
    void (*trace)(void *user, const ffwd_span *span);
} ffwd_run_options;
#define FFWD_RUN_OPTIONS_INIT                                                                      \
    { sizeof(ffwd_run_options), NULL, NULL, NULL, NULL, NULL }

/** Totals of one run. Set struct_size first; grows at the end. */
typedef struct ffwd_report {
    uint32_t struct_size;
    uint32_t chunks, chunks_redone; /**< redone: completed by another device than the first */
    uint64_t rows;
    uint64_t bytes; /**< X as it lies + Y as delivered; weights and intermediates apart */
    uint64_t flops; /**< 2 for each fused multiply-add of the plan */
    uint64_t total_ns;
    uint64_t setup_ns; /**< of the engine's creation: compile, pack, upload weights */
    uint64_t upload_ns, kernel_ns, download_ns; /**< may overlap */
    /** Times that a device ran out of memory and took half the rows from then on, also in later
     * runs of this engine; a clone begins anew. */
    uint64_t chunks_halved;
    /** Of upload_ns and download_ns, what passed while kernels of another chunk were at work. */
    uint64_t hidden_ns;
} ffwd_report;
#define FFWD_REPORT_INIT                                                                           \
    { sizeof(ffwd_report), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * Computes y from x. Between the first use and the end x and y belong to the engine. Where a driver
 * broke down in the middle and would not say that it is done (ffwd_abandoned_objects has grown
 * then, ffwd_engine_fallback tells), rows that it used in place are the driver's until the process
 * ends.
 *
 * @param x [rows][model inputs]
 * @param y [rows][model outputs], FFWD_F32, FFWD_F64, or FFWD_U8 where the last layer is a step
 * @return FFWD_EARGUMENT with the shapes that disagree, FFWD_ECANCELLED, FFWD_ENOMEM, FFWD_ESTATE;
 *         without a fallback FFWD_EDEVICE, and FFWD_ENODEVICE for a kernel that computes wrongly
 */
FFWD_API ffwd_status ffwd_engine_run(ffwd_engine *engine, const ffwd_input *x, const ffwd_output *y,
                                     const ffwd_run_options *options, ffwd_report *report,
                                     ffwd_error *err) FFWD_CHECKED;

/** The plan: one kernel that covers one or more operations. */
typedef struct ffwd_stage {
    uint32_t struct_size;
    const char *kernel;                /**< its name in the source */
    uint64_t first_layer, layer_count; /**< operations it covers, from 1 */
    uint64_t ns;                       /**< in the last run, summed over chunks */
    uint64_t launches;                 /**< in the last run */
    uint64_t bytes; /**< read and written in the last run, of one that only moves rows on the device
                         (ffwd/opencl.h), which covers no operation; else 0 */
} ffwd_stage;
#define FFWD_STAGE_INIT                                                                            \
    { sizeof(ffwd_stage), "", 0, 0, 0, 0, 0 }
FFWD_API size_t ffwd_engine_stage_count(const ffwd_engine *engine);
FFWD_API ffwd_status ffwd_engine_stage(const ffwd_engine *engine, size_t index, ffwd_stage *stage,
                                       ffwd_error *err) FFWD_CHECKED;

/** The strategy in use, never FFWD_STRATEGY_AUTO. */
FFWD_API uint32_t ffwd_engine_strategy(const ffwd_engine *engine);
/** The first device. */
FFWD_API void ffwd_engine_device(const ffwd_engine *engine, ffwd_device_info *info);
/** Why this device, one sentence. */
FFWD_API const char *ffwd_engine_why(const ffwd_engine *engine);
/** What went wrong in the last run and was mended, one sentence: a device that ran out of memory
 *  and took smaller chunks, or failed and left its chunks to another. Empty where nothing did. */
FFWD_API const char *ffwd_engine_fallback(const ffwd_engine *engine);
/** Rows a chunk, and bytes of the engine's own buffers, packed weights included. */
FFWD_API uint64_t ffwd_engine_chunk_rows(const ffwd_engine *engine);
FFWD_API uint64_t ffwd_engine_memory(const ffwd_engine *engine);

/** What the machine could do at best with the same rows. Set struct_size first; grows at the end.
 */
typedef struct ffwd_limit {
    uint32_t struct_size;
    uint64_t stream_bytes; /**< X and the weights read once, Y written once */
    uint64_t stream_ns;    /**< the best of plain and non-temporal stores */
    uint64_t transfer_ns;  /**< host to device and back, where rows must move; else 0 */
    double fma_gflops;     /**< best sustained fused multiply-adds, model's dtype, best isa */
    double isa_fma_gflops; /**< the same in the forced instruction set; 0 where none was forced */
} ffwd_limit;
#define FFWD_LIMIT_INIT                                                                            \
    { sizeof(ffwd_limit), 0, 0, 0, 0, 0 }

/**
 * Measures the limit of one run over the run's own buffers, by the same threads (an OpenCL CPU
 * device is measured by the native ones). May overwrite Y. All of it is measured at each call:
 * interleave calls with runs, and compare pairs.
 *
 * @return as ffwd_engine_run; FFWD_EARGUMENT for rows that are not dense
 */
FFWD_API ffwd_status ffwd_engine_limit(ffwd_engine *engine, const ffwd_input *x,
                                       const ffwd_output *y, ffwd_limit *limit,
                                       ffwd_error *err) FFWD_CHECKED;

/** How long a run should take, and its parts. Set struct_size first; grows at the end. */
typedef struct ffwd_prediction {
    uint32_t struct_size;
    uint32_t measured; /**< 1: from rates measured on this machine; 0: assumed of such a device */
    uint64_t rows;
    /** Host to host: the kernels, which compute while they move through memory, each waiting for
     *  the longer of both, and behind or beside them the transfers. */
    uint64_t total_ns;
    uint64_t upload_ns, compute_ns, memory_ns, launch_ns, download_ns;
    uint64_t setup_ns; /**< that the engine's creation took, beside total_ns */
} ffwd_prediction;
#define FFWD_PREDICTION_INIT                                                                       \
    { sizeof(ffwd_prediction), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * Predicts the time of a run over dense rows of the model's dtype on the first device, by the plan
 * and by rates of the device: those are measured once, which takes some tens of milliseconds, and
 * kept for later processes where the device keeps anything.
 *
 * @return FFWD_ESTATE
 */
FFWD_API ffwd_status ffwd_engine_predict(ffwd_engine *engine, uint64_t rows,
                                         ffwd_prediction *prediction, ffwd_error *err) FFWD_CHECKED;

#ifdef __cplusplus
}
#endif

#endif
