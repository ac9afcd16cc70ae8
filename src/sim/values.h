/* What a machine says at a cycle or at a moment: pure functions of the plan,
 * so that the order and number of calls change nothing. Values are rounded to
 * what the machine shows (signal_decimals), the same through every door. */
#ifndef MO_SIM_VALUES_H
#define MO_SIM_VALUES_H

#include "sim/plan.h"

#define SIGNALS_MAX 24u /* of one machine */

/* Decimal places shown, from the signal's noise: 0..5. */
int signal_decimals(const struct sim_signal *s);
bool signal_is_integer(const struct sim_signal *s);
bool signal_is_cycle(const struct sim_signal *s); /* RATE_C: in the cycle block or line */
/* out[i] for each signal of the machine; NaN where the signal is not of a cycle, or not measured this time. */
void cycle_values(const struct plan *p, size_t machine, size_t cycle, double out[SIGNALS_MAX]);
/* out[i]; NaN for signals of a cycle or by hand. */
void clock_values(const struct plan *p, size_t machine, int64_t t_ns, double out[SIGNALS_MAX]);

#endif
