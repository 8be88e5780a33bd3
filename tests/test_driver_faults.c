// SPDX-License-Identifier: MIT
// Every OpenCL call fails in turn, in every way that drivers fail: opening, placing, running and
// running on end with the right bits or a clear error, in time, and nothing is left but what a lost
// device was abandoned with. A sample of the cases, or all of them where FFWD_LONG is set.
#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/fault_layer.h"
#include "support/files.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { LAYERS = 2, IN = 6, HIDDEN = 5, OUT = 3, ROWS_MAX = 1300, SAMPLES = 48, CASE_S_MAX = 10 };

/** Where programs come from: the compiler; the compiler, and are kept; where they were kept. */
typedef enum programs { COMPILED, KEPT, FOUND } programs;

/** What is done while a call fails: with every code, or with the codes in turn. */
typedef struct scenario {
    const char *name;
    uint32_t strategy, dtype;
    uint64_t rows, chunk_rows;
    int copy, captured, devices, no_fallback, every_code;
    programs programs;
} scenario;

static const scenario scenarios[] = {
    {"fused, one chunk in place", FFWD_FUSED, FFWD_F32, 40, 40, 0, 0, 1, 0, 1, COMPILED},
    {"fused, chunks copied", FFWD_FUSED, FFWD_F32, ROWS_MAX, 600, 1, 0, 1, 0, 1, COMPILED},
    {"layered, chunks copied", FFWD_LAYERED, FFWD_F32, ROWS_MAX, 400, 1, 0, 1, 0, 0, COMPILED},
    {"fused, captured", FFWD_FUSED, FFWD_F32, 700, 600, 0, 1, 1, 0, 0, COMPILED},
    {"layered, captured, chunks copied", FFWD_LAYERED, FFWD_F32, ROWS_MAX, 600, 1, 1, 1, 0, 0,
     COMPILED},
    {"chain, float64, one chunk copied", FFWD_CHAIN, FFWD_F64, 40, 40, 1, 0, 1, 0, 0, COMPILED},
    {"layered, two devices", FFWD_LAYERED, FFWD_F32, ROWS_MAX, 600, 1, 0, 2, 0, 1, COMPILED},
    {"layered, no fallback", FFWD_LAYERED, FFWD_F32, 700, 600, 0, 0, 1, 1, 0, COMPILED},
    {"layered, programs kept", FFWD_LAYERED, FFWD_F64, 40, 40, 1, 0, 1, 0, 1, KEPT},
    {"fused, captured, programs found", FFWD_FUSED, FFWD_F32, 40, 40, 0, 1, 1, 0, 1, FOUND},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/** Lack of memory, refusals, what loses a device, and codes that no header knows. */
static const int32_t codes[] = {-4, -5, -6, -12, -30, -2, -14, -36, -9999, 7};
enum { CODES = sizeof codes / sizeof *codes };

/** A way of failing, with every code or with the codes in turn. */
typedef struct manner {
    const char *name;
    fault_kind kind;
    int for_ever, every_code;
} manner;

static const manner manners[] = {
    {"fails once", FAULT_CODE, 0, 1},  {"fails for ever", FAULT_CODE, 1, 1},
    {"fails late", FAULT_LATE, 0, 0},  {"fails late and for ever", FAULT_LATE, 1, 0},
    {"ends badly", FAULT_STATE, 0, 0}, {"brings back a wrong bit", FAULT_FLIP, 0, 0},
    {"is delayed", FAULT_DELAY, 0, 0},
};
enum { MANNERS = sizeof manners / sizeof *manners };

/** How cases ended, shared with the processes that Check forks. A bad end fails the test instead.
 */
static struct totals {
    atomic_uint cases[MANNERS];
    atomic_uint right, elsewhere, halved, refused, flipped;
    atomic_uint_fast64_t abandoned;
} * totals;

static fault_begin_function *begin;
static fault_tally_function *tally;
static fault_wait_function *wait_for_drivers, *end_faults;

/** Rows, the oracle's answers, and room for what comes back, of one scenario. */
static struct {
    ffwd_model *model;
    void *x;
    void *expected[1 + 2 * LAYERS]; /**< Y, then z and y of each layer */
    void *got[1 + 2 * LAYERS];
    uint64_t cols[1 + 2 * LAYERS];
} work;

static void prepare_work(const scenario *s) {
    static const uint64_t widths[] = {IN, HIDDEN, OUT};
    const uint64_t value_bytes = ffwd_dtype_size(s->dtype);
    const net_shape shape = net_shape_of(LAYERS, widths, FFWD_RELU, 1);
    work.model = net_create(&shape, s->dtype, 3);
    work.x = net_values(s->rows * IN, s->dtype, 5, 0);
    for (size_t i = 0; i < 1 + 2 * LAYERS; i++) {
        work.cols[i] = i == 0 ? OUT : widths[(i + 1) / 2];
        work.expected[i] = net_alloc(s->rows * work.cols[i] * value_bytes);
        work.got[i] = net_alloc(s->rows * work.cols[i] * value_bytes);
    }
    void *sums[] = {work.expected[1], work.expected[3]};
    void *outputs[] = {work.expected[2], work.expected[4]};
    oracle_run(work.model, s->rows, work.x, work.expected[0], sums, outputs);
}

static void free_work(void) {
    for (size_t i = 0; i < 1 + 2 * LAYERS; i++) {
        free(work.expected[i]);
        free(work.got[i]);
    }
    free(work.x);
    ffwd_model_destroy(work.model);
}

static uint64_t bytes_of(const scenario *s, size_t matrix) {
    return s->rows * work.cols[matrix] * ffwd_dtype_size(s->dtype);
}

static size_t matrices_of(const scenario *s) {
    return s->captured ? 1 + 2 * LAYERS : 1;
}

/** Bits that differ from the oracle's. */
static uint64_t wrong_bits(const scenario *s) {
    uint64_t wrong = 0;
    for (size_t i = 0; i < matrices_of(s); i++) {
        const unsigned char *got = work.got[i], *expected = work.expected[i];
        for (uint64_t b = 0; b < bytes_of(s, i); b++) {
            wrong += (uint64_t)__builtin_popcount((unsigned)(got[b] ^ expected[b]));
        }
    }
    return wrong;
}

/** What is under way, for the message of a case that does not end. */
static char under_way[256];

static void too_long(int number) {
    (void)number;
    (void)!write(STDERR_FILENO, under_way, strlen(under_way));
    (void)!write(STDERR_FILENO, ": no end\n", sizeof ": no end\n" - 1);
    _exit(1);
}

static ffwd_status run_engine(const scenario *s, ffwd_engine *engine, ffwd_report *report,
                              ffwd_error *err) {
    ffwd_output sums[LAYERS], outputs[LAYERS];
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    const ffwd_input x = net_input(work.x, s->dtype, s->rows, IN);
    const ffwd_output y = net_output(work.got[0], s->dtype, s->rows, OUT);
    for (size_t i = 0; i < LAYERS; i++) {
        sums[i] = net_output(work.got[1 + 2 * i], s->dtype, s->rows, work.cols[1 + 2 * i]);
        outputs[i] = net_output(work.got[2 + 2 * i], s->dtype, s->rows, work.cols[2 + 2 * i]);
    }
    if (s->captured) {
        options.sums = sums;
        options.outputs = outputs;
    }
    for (size_t i = 0; i < matrices_of(s); i++) {
        memset(work.got[i], 0xa5, bytes_of(s, i));
    }
    return ffwd_engine_run(engine, &x, &y, &options, report, err);
}

static ffwd_status open_devices(const scenario *s, ffwd_device **devices, ffwd_error *err) {
    static const char *const selectors[] = {"0:0", "0:1"};
    ffwd_status status = FFWD_OK;
    for (int i = 0; i < s->devices && status == FFWD_OK; i++) {
        status = ffwd_device_open(selectors[i], NULL, &devices[i], err);
        ck_assert_msg((status == FFWD_OK) == (devices[i] != NULL), "%s", under_way);
    }
    return status;
}

/** What a case came to. */
typedef struct outcome {
    ffwd_status status;
    ffwd_error err;
    ffwd_report report; /**< of the first run */
    uint64_t wrong;     /**< bits of the first run */
    int on_device;      /**< the engine was on the device that was asked for */
} outcome;

/** Runs, and looks at the bits once nobody writes them any more. */
static void run_and_look(const scenario *s, ffwd_engine *engine, outcome *o) {
    o->status = run_engine(s, engine, &o->report, &o->err);
    wait_for_drivers();
    o->wrong = o->status == FFWD_OK ? wrong_bits(s) : 0;
    const int mended = o->report.chunks_redone > 0 || o->report.chunks_halved > 0;
    if (o->status == FFWD_OK) {
        ck_assert_msg(mended == (ffwd_engine_fallback(engine)[0] != '\0'), "%s: '%s'", under_way,
                      ffwd_engine_fallback(engine));
    }
}

/** A clone and a second run: what is not lost goes on, and what is lost is left alone. */
static void go_on(const scenario *s, const fault_plan *plan, const ffwd_engine *engine) {
    ffwd_engine *clone = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    outcome again = {.err = FFWD_ERROR_INIT, .report = FFWD_REPORT_INIT};
    ffwd_status status = ffwd_engine_clone(engine, &clone, &err);
    if (status == FFWD_OK) {
        run_and_look(s, clone, &again);
        status = again.status;
        err = again.err;
    }
    ck_assert_msg(status == FFWD_OK || s->no_fallback, "%s: then %s", under_way, err.message);
    ck_assert_msg(again.wrong == 0 || plan->kind == FAULT_FLIP, "%s: then %llu bits are wrong",
                  under_way, (unsigned long long)again.wrong);
    ffwd_engine_destroy(clone);
}

static int is_on_device(const ffwd_engine *engine) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_engine_device(engine, &info);
    const int found = strcmp(info.id, "0:0") == 0;
    ck_assert_msg(found || strstr(ffwd_engine_why(engine), " failed (") != NULL, "%s: %s",
                  under_way, ffwd_engine_why(engine));
    return found;
}

/** Opens, places, runs, clones, runs, lets go. */
static outcome use_devices(const scenario *s, const fault_plan *plan) {
    ffwd_device *devices[2] = {NULL, NULL};
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    outcome o = {.err = FFWD_ERROR_INIT, .report = FFWD_REPORT_INIT};
    options.strategy = s->strategy;
    options.chunk_rows = s->chunk_rows;
    options.no_fallback = (uint32_t)s->no_fallback;
    o.status = open_devices(s, devices, &o.err);
    if (o.status == FFWD_OK) {
        o.status =
            ffwd_engine_create(work.model, devices, (size_t)s->devices, &options, &engine, &o.err);
    }
    for (int i = 0; i < 2; i++) {
        ffwd_device_destroy(devices[i]);
    }
    if (o.status == FFWD_OK) {
        o.on_device = is_on_device(engine);
        run_and_look(s, engine, &o);
        go_on(s, plan, engine);
    }
    ffwd_engine_destroy(engine);
    return o;
}

/** A clear error: of the device, not of the caller; with a fallback a run goes on elsewhere, unless
 *  its strategy is none of the CPU's. */
static void check_failure(const scenario *s, const outcome *o, const fault_tally *seen) {
    const char *message = o->err.message;
    ck_assert_msg(o->status == FFWD_ENODEVICE || o->status == FFWD_EDEVICE ||
                      o->status == FFWD_ENOMEM || o->status == FFWD_EUNSUPPORTED,
                  "%s: %s: %s", under_way, ffwd_status_name(o->status), message);
    ck_assert_msg(o->err.status == (int32_t)o->status && message[0] != '\0', "%s", under_way);
    ck_assert_msg(seen->struck > 0, "%s: %s without a fault", under_way, message);
    ck_assert_msg(s->no_fallback || s->strategy == FFWD_CHAIN || o->status == FFWD_ENODEVICE ||
                      o->status == FFWD_EUNSUPPORTED,
                  "%s: no other device took over: %s", under_way, message);
    atomic_fetch_add(&totals->refused, 1);
}

/** A bit that a driver turned is found before, and the device refused, or spreads from there. */
static void check_success(const fault_plan *plan, const outcome *o, const fault_tally *seen) {
    const int elsewhere = !o->on_device || o->report.chunks_redone > 0;
    ck_assert_msg(o->wrong == 0 || (plan->kind == FAULT_FLIP && seen->struck > 0),
                  "%s: %llu bits are wrong", under_way, (unsigned long long)o->wrong);
    atomic_fetch_add(&totals->flipped, o->wrong > 0);
    atomic_fetch_add(elsewhere ? &totals->elsewhere : &totals->right, 1);
    atomic_fetch_add(&totals->halved, !elsewhere && o->report.chunks_halved > 0);
}

/** What one failed call costs: lack of memory a half of the chunk, a refusal the device for a run,
 *  and only the rest the device itself. */
static void check_consequence(const scenario *s, const fault_plan *plan, const outcome *o,
                              uint64_t abandoned) {
    if (plan->kind != FAULT_CODE || plan->for_ever || (plan->code != 7 && plan->code < -30) ||
        plan->code == -2 || plan->code == -14 || plan->code == 7) {
        return;
    }
    ck_assert_msg(abandoned == 0, "%s: the device is lost", under_way);
    if (plan->code >= -6 && s->chunk_rows > 100 && o->on_device) {
        ck_assert_msg(o->report.chunks_redone == 0 && o->report.chunks_halved <= 1,
                      "%s: a smaller chunk was not tried", under_way);
    }
}

/** Everything that lives was abandoned, by a device that was lost. */
static void check_living(void) {
    const uint64_t abandoned = ffwd_abandoned_objects();
    fault_tally seen;
    uint64_t live = 0;
    tally(&seen);
    for (size_t i = 0; i < FAULT_OBJECTS; i++) {
        live += seen.live[i];
    }
    ck_assert_msg(live == abandoned, "%s: %llu objects live, %llu were abandoned", under_way,
                  (unsigned long long)live, (unsigned long long)abandoned);
}

static void empty_cache(void) {
    DIR *entries = opendir(scratch("cache"));
    for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        (void)unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
}

/** Brings programs to where the scenario finds them: a fault may have spoilt them. */
static void prepare_cache(const scenario *s) {
    const fault_plan none = {FAULT_NONE, 0, 0, 0};
    (void)setenv("FFWD_CACHE", s->programs == COMPILED ? "off" : scratch("cache"), 1);
    if (s->programs == KEPT) {
        empty_cache();
    } else if (s->programs == FOUND) {
        begin(&none);
        (void)use_devices(s, &none);
        end_faults();
    }
}

static void run_case(const scenario *s, const manner *m, const fault_plan *plan) {
    prepare_cache(s);
    const uint64_t before = ffwd_abandoned_objects();
    fault_tally seen;
    (void)snprintf(under_way, sizeof under_way, "%s: call %llu %s, code %d", s->name,
                   (unsigned long long)plan->at, m->name, (int)plan->code);
    (void)alarm(CASE_S_MAX);
    begin(plan);
    const outcome o = use_devices(s, plan);
    tally(&seen);
    end_faults();
    if (o.status == FFWD_OK) {
        check_success(plan, &o, &seen);
    } else {
        check_failure(s, &o, &seen);
    }
    check_consequence(s, plan, &o, ffwd_abandoned_objects() - before);
    check_living();
    (void)alarm(0);
    atomic_fetch_add(&totals->cases[m - manners], 1);
    atomic_fetch_add(&totals->abandoned, ffwd_abandoned_objects() - before);
}

static int is_long(void) {
    return getenv("FFWD_LONG") != NULL;
}

/** In a process that has not used OpenCL. Calls that the scenario makes without a fault; 0, and a
 *  skip, where there is no device. */
static uint64_t start(const scenario *s) {
    const fault_plan none = {FAULT_NONE, 0, 0, 0};
    fault_tally seen;
    (void)setenv("FFWD_OPENCL_COPY", s->copy ? "1" : "0", 1);
    if (s->devices == 2) {
        (void)setenv("POCL_DEVICES", "pthread basic", 1);
    }
    (void)signal(SIGALRM, too_long);
    prepare_work(s);
    (void)snprintf(under_way, sizeof under_way, "%s: no fault", s->name);
    prepare_cache(s);
    begin(&none);
    const outcome o = use_devices(s, &none);
    tally(&seen);
    end_faults();
    if (o.status == FFWD_ENODEVICE) {
        expect_no_opencl(o.err.message);
        skip("%s: %s", s->name, o.err.message);
        return 0;
    }
    expect_ok(o.status, &o.err);
    ck_assert_uint_eq(o.wrong, 0);
    ck_assert_uint_eq(o.report.chunks_redone + o.report.chunks_halved, 0);
    ck_assert(o.on_device);
    check_living();
    if (seen.calls == 0) {
        skip("%s: the ICD loader knows no layers", s->name);
    }
    return seen.calls;
}

static uint64_t next_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void run_sample(const scenario *s, uint64_t calls) {
    const char *given = getenv("FFWD_FAULT_SEED");
    const unsigned long long seed = given != NULL ? strtoull(given, NULL, 10) : 1;
    uint64_t state = seed + (uint64_t)(s - scenarios);
    printf("%s: FFWD_FAULT_SEED=%llu\n", s->name, seed);
    (void)fflush(stdout);
    for (int i = 0; i < SAMPLES; i++) {
        const manner *m = &manners[next_random(&state) % MANNERS];
        const fault_plan plan = {m->kind, 1 + next_random(&state) % calls, m->for_ever,
                                 codes[next_random(&state) % CODES]};
        run_case(s, m, &plan);
    }
}

/** With one code, or (NULL) with all in turn. */
static void run_all(const scenario *s, const manner *m, const int32_t *code, uint64_t calls) {
    for (uint64_t at = 1; at <= calls; at++) {
        const fault_plan plan = {m->kind, at, m->for_ever,
                                 code != NULL ? *code : codes[at % CODES]};
        run_case(s, m, &plan);
    }
}

/** Manners, and codes where each is tried alone. */
enum { WAYS = MANNERS * CODES };

/* A process for each manner and code: what is abandoned adds up. */
START_TEST(every_call_fails) {
    const scenario *s = &scenarios[_i / WAYS];
    const manner *m = &manners[_i % WAYS % MANNERS];
    const int32_t *code = &codes[_i % WAYS / MANNERS];
    const int each = s->every_code && m->every_code;
    if (is_long() ? !each && code != codes : _i % WAYS > 0) {
        return;
    }
    const uint64_t calls = start(s);
    if (calls > 0 && !is_long()) {
        run_sample(s, calls);
    } else {
        run_all(s, m, each ? code : NULL, calls);
    }
    free_work();
}
END_TEST

static void print_totals(void) {
    unsigned cases = 0;
    for (size_t i = 0; i < MANNERS; i++) {
        figure("driver faults", "a call %s: %u cases", manners[i].name, totals->cases[i]);
        cases += totals->cases[i];
    }
    figure("driver faults",
           "%u cases in all: %u ended right on the device (%u with smaller chunks), %u right on "
           "another, %u refused; 0 wrong, without an end, crashed or with an object left behind "
           "that was not abandoned",
           cases, totals->right, totals->halved, totals->elsewhere, totals->refused);
    figure("driver faults", "%u turned bits reached results, which only verify can tell",
           totals->flipped);
    figure("driver faults", "%llu objects of lost devices abandoned",
           (unsigned long long)totals->abandoned);
}

/** The layer, which lies elsewhere where the test was carried to another machine. */
static const char *layer_path(void) {
    const char *carried = getenv("FFWD_TESTS_LAYER");
    return carried != NULL ? carried : FAULT_LAYER;
}

/** The layer's functions, from where the ICD loader will find it loaded. */
static int find_layer(void) {
    void *layer = dlopen(layer_path(), RTLD_NOW | RTLD_LOCAL);
    if (layer == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    void *found[] = {dlsym(layer, "fault_layer_begin"), dlsym(layer, "fault_layer_tally"),
                     dlsym(layer, "fault_layer_wait"), dlsym(layer, "fault_layer_end")};
    memcpy(&begin, &found[0], sizeof begin);
    memcpy(&tally, &found[1], sizeof tally);
    memcpy(&wait_for_drivers, &found[2], sizeof wait_for_drivers);
    memcpy(&end_faults, &found[3], sizeof end_faults);
    return begin != NULL && tally != NULL && wait_for_drivers != NULL && end_faults != NULL;
}

int main(void) {
    totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (totals == MAP_FAILED || setenv("OPENCL_LAYERS", layer_path(), 1) != 0 || !find_layer()) {
        return 1;
    }
    Suite *suite = suite_create("driver faults");
    for (int i = 0; i < SCENARIOS; i++) {
        TCase *faults = tcase_create(scenarios[i].name);
        tcase_set_timeout(faults, is_long() ? 7200 : 300);
        tcase_add_checked_fixture(faults, files_begin, files_end);
        tcase_add_loop_test(faults, every_call_fails, i * WAYS, i * WAYS + (is_long() ? WAYS : 1));
        suite_add_tcase(suite, faults);
    }
    const int failed = suite_main(suite);
    if (failed == 0) {
        print_totals();
    }
    return failed;
}
