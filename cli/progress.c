// SPDX-License-Identifier: MIT
// Draws the progress line: a bar, the share, rows, rate and the time that is left.
#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "units.h"

#define SHOW_AFTER_NS   UINT64_C(500000000)
#define REDRAW_EVERY_NS UINT64_C(100000000)
#define BAR_WIDTH       24

static struct {
    const char *what, *unit;
    uint64_t total, started_ns, drawn_ns;
    bool wanted, visible;
} line;

static bool is_terminal(void) {
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void progress_begin(const char *what, const char *unit, uint64_t total) {
    line.what = what;
    line.unit = unit;
    line.total = total;
    line.started_ns = clock_ns();
    line.drawn_ns = 0;
    line.wanted = is_terminal();
}

static void draw_bar(uint64_t done, uint64_t now_ns) {
    double share = (double)done / (double)line.total;
    double seconds = (double)(now_ns - line.started_ns) * 1e-9;
    double left = share > 0.0 ? seconds * (1.0 - share) / share : 0.0;
    char bar[BAR_WIDTH + 1];
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = (double)i < share * BAR_WIDTH ? '=' : ' ';
    }
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %.0f %%, %s %s, %s %s/s, %.0f s left\033[K", line.what, bar,
            100.0 * share, units_count(done).text, line.unit,
            units_rate((double)done / seconds, "").text, line.unit, left);
}

static void draw(uint64_t done, uint64_t now_ns) {
    if (line.total > 0) {
        draw_bar(done, now_ns);
    } else {
        fprintf(stderr, "\r%s: %s %s\033[K", line.what, units_count(done).text, line.unit);
    }
    fflush(stderr);
}

void progress_update(uint64_t done) {
    uint64_t now_ns = clock_ns();
    if (line.wanted && now_ns - line.started_ns > SHOW_AFTER_NS &&
        now_ns - line.drawn_ns > REDRAW_EVERY_NS) {
        draw(done, now_ns);
        line.drawn_ns = now_ns;
        line.visible = true;
    }
}

void progress_hide(void) {
    if (line.visible) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        line.visible = false;
    }
}

void progress_end(void) {
    progress_hide();
    line.wanted = false;
}
