/* What the node says to whoever looks after it ("the log" on the page): one line
 * for each thing that happened, to the program (which prints it) and into a
 * ring of fixed size from which the page reads. A line is a message id and its
 * arguments, so that each reader has it in his language.
 *
 * Each message has a limit of its own: JOURNAL_BURST lines at once, then one
 * every JOURNAL_REFILL_NS. What is over it is counted, and the count is said as
 * a line (MSG_LOG_LEFT_OUT) as soon as the limit allows, at the latest at the end.
 *
 * Not to be mixed up with the series engine's log (node/writer.h). */
#ifndef MO_NODE_JOURNAL_H
#define MO_NODE_JOURNAL_H

#include "base/civil.h"
#include "base/diag.h"

#define JOURNAL_BYTES (128u << 10) /* of the ring: a thousand lines or so */
#define JOURNAL_BURST 20u
#define JOURNAL_REFILL_NS (5 * NS_PER_S)

enum journal_level { JOURNAL_INFO, JOURNAL_WARN, JOURNAL_ERROR, JOURNAL_LEVELS };

struct journal;
struct journal_options {
	/* Where a line goes as well: from any thread, one at a time, in order. NULL: nowhere. */
	void (*put)(void *arg, const char *level, const struct diag *d);
	/* The stable name of a message, for the words of what was left out. NULL, or nothing from it: its number. */
	const char *(*code)(enum mo_msg msg, void *arg);
	void *arg;
};
MO_MUST_USE int journal_new(struct journal **ret, const struct journal_options *opt);
/* Says first what was left out. No other thread uses it any more. NULL is fine. */
void journal_free(struct journal *j);

/* Any thread. level: "info", "warn", "error" (anything else counts as an error). Never fails: what is over the limit is counted. */
void journal_say(struct journal *j, const char *level, const struct diag *d);
/* The same at given times (the wall's, the monotonic). */
void journal_say_at(struct journal *j, const char *level, const struct diag *d, int64_t t_ns, int64_t mono_ns);
/* Now and then: says what was left out of messages whose limit allows a line again. */
void journal_tick(struct journal *j, int64_t t_ns, int64_t mono_ns);

const char *journal_level_name(enum journal_level level);

struct journal_line {
	uint64_t number; /* 1, 2, ... since the start */
	int64_t t_ns;
	enum journal_level level;
	struct diag d;
};
/* At most max lines of the ring with a number below `before` (0: all) and at least that level, newest first; gives how many. Any thread. */
size_t journal_read(struct journal *j, struct journal_line *ret, size_t max, uint64_t before, enum journal_level least);

struct journal_stats {
	uint64_t lines[JOURNAL_LEVELS]; /* said since the start */
	uint64_t left_out;
};
void journal_stats(struct journal *j, struct journal_stats *ret); /* any thread */

#endif
