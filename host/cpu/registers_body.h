// SPDX-License-Identifier: MIT
// Small networks, all rows and layers of which are at most REGISTER_WIDTH values wide: two vectors
// of rows go through all layers in registers, so that memory is all that limits them. Included by
// rowblock_body.h, which says what the includer supplies.
//
// The layers are functions that hand their outputs to the next one in vector registers, as the
// arguments of a tail call. Names ending in _I_O or _O take I inputs to O outputs:
//
//     enter_2 -> dense_2_3 -> dense_3_2 -> dense_2_1 -> leave_1        the canonical network
//
// One jump a layer and two vectors is all that the freedom of any small network costs.
#ifndef FFWD_CPU_REGISTERS_BODY_H
#define FFWD_CPU_REGISTERS_BODY_H

#define REGISTER_WIDTH  SPLIT_WIDTH
#define REGISTER_LAYERS 16

/** Rows that go through the layers together. */
#define PAIR ((uint64_t)2 * LANES)

/** Where in X and Y the layers are. */
typedef struct cursor {
    const SCALAR *x;
    unsigned char *y; /**< SCALARs or bytes */
    bool stream;      /**< past the caches; y is then on a boundary of vectors */
    bool canonical;   /**< Y may hold NaN */
} cursor;

typedef struct step step;

/** a0 .. a3 are the features of the first vector of rows, b0 .. b3 those of the second. */
#define FEATURES REAL a0, REAL b0, REAL a1, REAL b1, REAL a2, REAL b2, REAL a3, REAL b3
typedef void step_function(const step *s, cursor *c, FEATURES);
typedef void enter_function(const step *first, cursor *c);

struct step {
    step_function *run;
    const SCALAR *weights, *bias; /**< of a layer, packed as in rowblock.h */
    const SCALAR *entries;        /**< of the table behind it */
    SCALAR threshold;             /**< of its steps */
    const ffwd_block_layer *layer;
};

#define RUN(s, c, a, b)                                                                            \
    (s)->run((s), (c), (a)[0], (b)[0], (a)[1], (b)[1], (a)[2], (b)[2], (a)[3], (b)[3])

/** Reads a pair of vectors of rows and starts the layers; cols is a constant. */
INLINE void enter(uint32_t cols, const step *first, cursor *c) {
    REAL a[REGISTER_WIDTH] = {K(0)}, b[REGISTER_WIDTH] = {K(0)};
    split_rows(cols, c->x, a);
    split_rows(cols, c->x + (size_t)LANES * cols, b);
    c->x += PAIR * cols;
    RUN(first, c, a, b);
}

INLINE void write_vector(const cursor *c, SCALAR *to, REAL value) {
    if (c->stream) { // NOLINT(bugprone-branch-clone): plain C has one kind of store
        STREAM(to, value);
    } else {
        STORE(to, value);
    }
}

/** Writes a pair of vectors of rows; cols is a constant. */
INLINE void leave(uint32_t cols, cursor *c, REAL *a, REAL *b) {
    REAL out[2 * REGISTER_WIDTH];
    SCALAR *y = (SCALAR *)(void *)c->y;
    for (uint32_t i = 0; i < cols && c->canonical; i++) {
        a[i] = ffwd_canonical(a[i]);
        b[i] = ffwd_canonical(b[i]);
    }
    join_rows(cols, a, out);
    join_rows(cols, b, out + cols);
    for (uint32_t i = 0; i < 2 * cols; i++) {
        write_vector(c, y + (size_t)i * LANES, out[i]);
    }
    c->y += PAIR * cols * sizeof(SCALAR);
}

/* ------------------------------------------------------------------------------------------ layers
 */

/** y[o] = bias[o] + the sum over k of weights[k][o] * x[k], k in order; extents are constants. */
INLINE void add_products(uint32_t inputs, uint32_t neurons, const step *s, const REAL *x, REAL *y) {
    for (uint32_t o = 0; o < neurons; o++) {
        const uint32_t tile = o / TILE_NEURONS * TILE_NEURONS, left = neurons - tile;
        const uint32_t width = left < TILE_NEURONS ? left : TILE_NEURONS;
        const SCALAR *weights = s->weights + (size_t)tile * inputs + (o - tile);
        y[o] = K(s->bias[o]);
        for (uint32_t k = 0; k < inputs; k++) {
            y[o] = FMA(K(weights[(size_t)k * width]), x[k], y[o]);
        }
    }
}

#define TAKE_FEATURES REAL a[] = {a0, a1, a2, a3}, b[] = {b0, b1, b2, b3}

/** A layer with its activation. Features past the neurons nobody reads: they stay what they are. */
#define DENSE(activation, inputs, neurons)                                                         \
    static void activation##_##inputs##_##neurons(const step *s, cursor *c, FEATURES) {            \
        TAKE_FEATURES;                                                                             \
        REAL y_a[] = {a0, a1, a2, a3}, y_b[] = {b0, b1, b2, b3};                                   \
        add_products(inputs, neurons, s, a, y_a);                                                  \
        add_products(inputs, neurons, s, b, y_b);                                                  \
        for (uint32_t o = 0; o < (neurons); o++) {                                                 \
            y_a[o] = ffwd_##activation(y_a[o]);                                                    \
            y_b[o] = ffwd_##activation(y_b[o]);                                                    \
        }                                                                                          \
        RUN(s + 1, c, y_a, y_b);                                                                   \
    }

/** An activation that is a step of its own, since it is so much longer than the products. */
#define ACTIVATION(name, width)                                                                    \
    static void name##_##width(const step *s, cursor *c, FEATURES) {                               \
        TAKE_FEATURES;                                                                             \
        for (uint32_t o = 0; o < (width); o++) {                                                   \
            a[o] = ffwd_##name(a[o]);                                                              \
            b[o] = ffwd_##name(b[o]);                                                              \
        }                                                                                          \
        RUN(s + 1, c, a, b);                                                                       \
    }

/** entries[i], where bit o of i is z[o] > threshold: each bit halves what is left; bits is a
 * constant. */
INLINE REAL choose(uint32_t bits, const SCALAR *entries, SCALAR threshold, const REAL *z) {
    REAL left[1 << REGISTER_WIDTH];
    for (uint32_t i = 0; i < 1u << bits; i++) {
        left[i] = K(entries[i]);
    }
    for (uint32_t bit = bits; bit-- > 0;) {
        for (uint32_t i = 0; i < 1u << bit; i++) {
            left[i] = WHEN_GT(z[bit], K(threshold), left[i + (1u << bit)], left[i]);
        }
    }
    return left[0];
}

/** A layer of steps and the table of one output behind it. */
#define CHOOSE(inputs, bits)                                                                       \
    static void choose_##inputs##_##bits(const step *s, cursor *c, FEATURES) {                     \
        TAKE_FEATURES;                                                                             \
        REAL z_a[REGISTER_WIDTH], z_b[REGISTER_WIDTH];                                             \
        add_products(inputs, bits, s, a, z_a);                                                     \
        add_products(inputs, bits, s, b, z_b);                                                     \
        a[0] = choose(bits, s->entries, s->threshold, z_a);                                        \
        b[0] = choose(bits, s->entries, s->threshold, z_b);                                        \
        RUN(s + 1, c, a, b);                                                                       \
    }

/** Any other activation: its pass, over the features in memory. */
#define PASSING(width)                                                                             \
    static void passing_##width(const step *s, cursor *c, FEATURES) {                              \
        TAKE_FEATURES;                                                                             \
        SCALAR values[(width)*PAIR];                                                               \
        for (uint32_t o = 0; o < (width); o++) {                                                   \
            STORE(values + o * PAIR, a[o]);                                                        \
            STORE(values + o * PAIR + LANES, b[o]);                                                \
        }                                                                                          \
        activate(s->layer, PAIR, values, (width)*PAIR);                                            \
        for (uint32_t o = 0; o < (width); o++) {                                                   \
            a[o] = LOAD(values + o * PAIR);                                                        \
            b[o] = LOAD(values + o * PAIR + LANES);                                                \
        }                                                                                          \
        RUN(s + 1, c, a, b);                                                                       \
    }

#define ENTER_AND_LEAVE(cols)                                                                      \
    static void enter_##cols(const step *first, cursor *c) {                                       \
        enter(cols, first, c);                                                                     \
    }                                                                                              \
    static void leave_##cols(const step *s, cursor *c, FEATURES) {                                 \
        TAKE_FEATURES;                                                                             \
        (void)s;                                                                                   \
        leave(cols, c, a, b);                                                                      \
    }

#define FROM_WIDTH(activation, width)                                                              \
    DENSE(activation, width, 1)                                                                    \
    DENSE(activation, width, 2)                                                                    \
    DENSE(activation, width, 3)                                                                    \
    DENSE(activation, width, 4)
#define OF_WIDTH(width)                                                                            \
    FROM_WIDTH(identity, width)                                                                    \
    FROM_WIDTH(step, width)                                                                        \
    FROM_WIDTH(relu, width)                                                                        \
    ACTIVATION(sigmoid, width)                                                                     \
    ACTIVATION(tanh, width)                                                                        \
    CHOOSE(width, 1)                                                                               \
    CHOOSE(width, 2)                                                                               \
    CHOOSE(width, 3)                                                                               \
    CHOOSE(width, 4)                                                                               \
    PASSING(width)                                                                                 \
    ENTER_AND_LEAVE(width)
OF_WIDTH(1)
OF_WIDTH(2)
OF_WIDTH(3)
OF_WIDTH(4)
#undef OF_WIDTH
#undef FROM_WIDTH

/** One column of bytes, 0 or 1. */
static void leave_u8(const step *s, cursor *c, FEATURES) {
    (void)s, (void)a1, (void)b1, (void)a2, (void)b2, (void)a3, (void)b3;
    STORE_U8(c->y, a0, b0, c->stream);
    c->y += PAIR;
}

#define FROM(activation, width)                                                                    \
    {                                                                                              \
        activation##_##width##_1, activation##_##width##_2, activation##_##width##_3,              \
            activation##_##width##_4                                                               \
    }
#define OF(activation)                                                                             \
    { FROM(activation, 1), FROM(activation, 2), FROM(activation, 3), FROM(activation, 4) }
typedef step_function *const layer_steps[REGISTER_WIDTH][REGISTER_WIDTH];
static layer_steps identity_layers = OF(identity), step_layers = OF(step), relu_layers = OF(relu),
                   choose_layers = OF(choose);
#undef OF
#undef FROM
static step_function *const sigmoid_steps[] = {sigmoid_1, sigmoid_2, sigmoid_3, sigmoid_4};
static step_function *const tanh_steps[] = {tanh_1, tanh_2, tanh_3, tanh_4};
static step_function *const passing_steps[] = {passing_1, passing_2, passing_3, passing_4};
static step_function *const leave_steps[] = {leave_1, leave_2, leave_3, leave_4};
static enter_function *const enter_functions[] = {enter_1, enter_2, enter_3, enter_4};

/* ------------------------------------------------------------------------------------------- a run
 */

static bool fits_registers(const ffwd_block_layer *layers, size_t layer_count) {
    bool fits = layer_count > 0 && layer_count <= REGISTER_LAYERS;
    for (size_t i = 0; i < layer_count; i++) {
        fits = fits && layers[i].kind == FFWD_DENSE && layers[i].inputs <= REGISTER_WIDTH &&
               layers[i].neurons <= REGISTER_WIDTH;
    }
    return fits;
}

static bool chooses_in_registers(const ffwd_block_layer *layer, const ffwd_block_table *table) {
    return fits_registers(layer, 1) && table->outputs == 1;
}

/** A network ready to take rows. */
typedef struct small_net {
    enter_function *enter;
    step steps[2 * REGISTER_LAYERS + 1];
    uint64_t x_cols, y_row_bytes;
    bool bytes, stream, canonical;
} small_net;

/** The step of an activation that is one of its own; NULL where the products' step has done it. */
static step_function *activation_step(const ffwd_block_layer *layer) {
    const uint64_t o = layer->neurons - 1;
    switch (layer->activation) {
    case FFWD_IDENTITY:
    case FFWD_STEP:
    case FFWD_RELU:
        return NULL;
    case FFWD_SIGMOID:
        return sigmoid_steps[o];
    case FFWD_TANH:
        return tanh_steps[o];
    default:
        return passing_steps[o];
    }
}

static void add_layer(const ffwd_block_layer *layer, step **at) {
    const uint64_t i = layer->inputs - 1, o = layer->neurons - 1;
    const uint32_t activation = layer->activation;
    step_function *apart = activation_step(layer);
    *(*at)++ = (step){.run = activation == FFWD_STEP   ? step_layers[i][o]
                             : activation == FFWD_RELU ? relu_layers[i][o]
                                                       : identity_layers[i][o],
                      .weights = layer->weights,
                      .bias = layer->bias};
    if (apart != NULL) {
        *(*at)++ = (step){.run = apart, .layer = layer};
    }
}

static void add_table(const ffwd_block_layer *layer, const ffwd_block_table *table, step **at) {
    *(*at)++ = (step){.run = choose_layers[layer->inputs - 1][layer->neurons - 1],
                      .weights = layer->weights,
                      .bias = layer->bias,
                      .entries = table->entries,
                      .threshold = (SCALAR)table->threshold};
}

/** `bytes`: Y is a column of FFWD_U8; `stream`: it is written past the caches. */
static void prepare_net(const ffwd_block_job *job, bool bytes, bool stream, small_net *net) {
    const ffwd_block_layer *last = &job->layers[job->layer_count - 1];
    step *at = net->steps;
    net->enter = enter_functions[job->x.cols - 1];
    if (job->table != NULL) {
        add_table(last, job->table, &at);
    }
    for (size_t i = 0; i < job->layer_count && job->table == NULL; i++) {
        add_layer(&job->layers[i], &at);
    }
    *at = (step){.run = bytes ? leave_u8 : leave_steps[job->y.cols - 1]};
    net->x_cols = job->x.cols;
    net->y_row_bytes = bytes ? 1 : job->y.cols * sizeof(SCALAR);
    net->canonical = job->table == NULL && last->activation != FFWD_STEP;
    net->bytes = bytes;
    net->stream = stream;
}

/** Fewer than PAIR rows, by way of whole ones. */
static void run_few(const small_net *net, const SCALAR *x, unsigned char *y, uint64_t rows) {
    SCALAR x_pair[PAIR * REGISTER_WIDTH] = {0};
    SCALAR y_pair[PAIR * REGISTER_WIDTH];
    cursor c = {.x = x_pair, .y = (unsigned char *)y_pair, .canonical = net->canonical};
    if (rows > 0) {
        memcpy(x_pair, x, rows * net->x_cols * sizeof(SCALAR));
        net->enter(net->steps, &c);
        memcpy(y, y_pair, rows * net->y_row_bytes);
    }
}

/** Rows until y is on a boundary of vectors; UINT64_MAX where it never is. */
static uint64_t rows_to_boundary(const small_net *net, const unsigned char *y) {
    const uint64_t vector = net->bytes ? STREAM_U8_BYTES : sizeof(REAL);
    for (uint64_t rows = 0; rows < PAIR; rows++) {
        if (((uintptr_t)y + rows * net->y_row_bytes) % vector == 0) {
            return rows;
        }
    }
    return UINT64_MAX;
}

/** Dense rows, from and to memory in place. */
static void run_dense(const small_net *net, const SCALAR *x, unsigned char *y, uint64_t rows) {
    const uint64_t head = net->stream ? rows_to_boundary(net, y) : 0;
    const bool stream = net->stream && head <= rows;
    const uint64_t before = stream ? head : 0;
    run_few(net, x, y, before);
    cursor c = {.x = x + before * net->x_cols,
                .y = y + before * net->y_row_bytes,
                .stream = stream,
                .canonical = net->canonical};
    for (uint64_t pairs = (rows - before) / PAIR; pairs > 0; pairs--) {
        net->enter(net->steps, &c);
    }
    run_few(net, c.x, c.y, (rows - before) % PAIR);
}

/** Rows that cannot be used in place, a block at a time. */
static void run_packed(const ffwd_block_job *job, uint64_t first, uint64_t rows, SCALAR *scratch) {
    SCALAR *x = scratch, *y = scratch + job->x.cols * job->block_rows;
    small_net net;
    prepare_net(job, false, false, &net);
    for (uint64_t done = 0; done < rows; done += job->block_rows) {
        const uint64_t count = rows - done < job->block_rows ? rows - done : job->block_rows;
        const ffwd_rows x_rows = ffwd_rows_slice(&job->x, first + done, count);
        const ffwd_rows y_rows = ffwd_rows_slice(&job->y, first + done, count);
        ffwd_rows_pack(&x_rows, FFWD_DTYPE, x);
        run_dense(&net, x, (unsigned char *)y, count);
        ffwd_rows_unpack(&y_rows, FFWD_DTYPE, y);
    }
}

static void run_registers(const ffwd_block_job *job, uint64_t first, uint64_t rows,
                          SCALAR *scratch) {
    const bool bytes = job->y.cols == 1 && ffwd_rows_dense(&job->y, FFWD_U8);
    if (!ffwd_rows_dense(&job->x, FFWD_DTYPE) || !(bytes || ffwd_rows_dense(&job->y, FFWD_DTYPE))) {
        run_packed(job, first, rows, scratch);
        return;
    }
    small_net net;
    prepare_net(job, bytes, job->bypass_cache, &net);
    const ffwd_rows x = ffwd_rows_slice(&job->x, first, rows);
    run_dense(&net, (const SCALAR *)(const void *)x.data,
              ffwd_rows_slice(&job->y, first, rows).data, rows);
}

#endif
