/* Drives three nodes through a week on their stepped clocks, then lives on
 * beside them. Everything enters by the doors: HTTP, Modbus, files.
 *
 * One step of history, to t: the machines that are read stand as they will at
 * t; what happened until now is sent and acknowledged; every node's clock is
 * advanced to t, in which it reads its machines. Then the next. */
#ifndef MO_SIM_DRIVE_H
#define MO_SIM_DRIVE_H

#include <signal.h>

#include "sim/plan.h"

struct drive_opts {
	const char *node[SIM_FIRMS];  /* base URLs */
	const char *inbox[SIM_FIRMS]; /* folders, or NULL: that firm leaves no papers */
	const char *truth, *acks;     /* files, or NULL */
	struct plan_opts plan;
	bool has_t0;
	int64_t t0_ns;
	int history_h;                /* 1..168 */
	double life_min;              /* scenario minutes after T0; < 0: until *stop */
	double scale;                 /* 1..120 */
	const volatile sig_atomic_t *stop;
	void (*say)(const char *line);/* progress, or NULL */
};
#define DRIVE_ERROR_MAX 600u
/* Runs to the end. On failure `error` says in a sentence what a node refused or which file could not be written. */
MO_MUST_USE int drive_run(const struct drive_opts *o, char error[DRIVE_ERROR_MAX]);

#endif
