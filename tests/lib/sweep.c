#include "sweep.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static const char *const kind_names[SWEEP_KINDS] = {"fails once", "disk full", "fails for ever", "short write", "power, a part kept", "power, nothing kept",
	"memory", "other"};

static char current[300]; /* the pass that is under way */

const char *sweep_kind_name(const struct sweep_pass *p) { return p->kind == SWEEP_OTHER && p->other ? p->other->name : kind_names[p->kind]; }

bool sweep_soaks(void) { return getenv("MORU_SOAK") != NULL; }

uint64_t sweep_offset(void)
{
	static uint64_t offset;
	static bool known;
	if (!known) {
		const char *text = getenv("MORU_SWEEP_OFFSET");
		offset = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL) / 7;
		known = true;
		printf("offset %" PRIu64 "\n", offset);
	}
	return offset;
}

/* ---- one pass ---- */

void sweep_arm(struct sweep_pass *p, struct vfs *mem)
{
	uint64_t left = p->fired ? 0 : p->nth == SWEEP_NONE ? SWEEP_NONE : p->nth - p->ops;
	p->armed = mem;
	p->before = memvfs_ops(mem);
	if (p->kind == SWEEP_MEMORY) {
		faultalloc_arm(left);
	} else if (p->kind == SWEEP_OTHER) {
		p->other->arm(left);
	} else {
		struct memvfs_faults f = {.err = p->kind == SWEEP_FULL ? MO_EFULL : MO_EIO,
			.forever = p->kind == SWEEP_EVER,
			.short_write = p->kind == SWEEP_SHORT || (p->short_writes && (p->kind == SWEEP_FULL || p->kind == SWEEP_EVER))};
		*(sweep_is_cut(p) ? &f.crash_at : &f.fail_at) = left;
		memvfs_set_faults(mem, &f);
	}
}

void sweep_disarm(struct sweep_pass *p)
{
	if (!p->armed)
		return;
	p->ops += p->kind == SWEEP_MEMORY ? faultalloc_count() : p->kind == SWEEP_OTHER ? p->other->count() : memvfs_ops(p->armed) - p->before;
	p->fired = p->ops >= p->nth;
	faultalloc_arm(0);
	if (p->other)
		p->other->arm(0);
	memvfs_set_faults(p->armed, NULL);
	p->armed = NULL;
}

void sweep_cut(const struct sweep_pass *p, struct vfs *mem)
{
	if (sweep_is_cut(p))
		memvfs_crash(mem, p->kind == SWEEP_CUT_ALL);
}

void sweep_clean_error(const struct sweep_pass *p, int err, const struct diag *d)
{
	if (!p->fired && err != 0)
		fail_msg("nothing failed: %s, message %d, %s", mo_err_name(err), (int)d->msg, d->file);
	if (err != 0 && d->msg == MSG_NONE)
		fail_msg("%s without words", mo_err_name(err));
}

/* ---- what is said of a pass that does not end well ---- */

int sweep_told(void **state)
{
	(void)state;
	if (current[0])
		print_error("in %s\n", current);
	current[0] = 0;
	alarm(0);
	return 0;
}

static void on_alarm(int number)
{
	(void)number;
	static const char says[] = "this pass does not end: ";
	if (write(STDERR_FILENO, says, sizeof says - 1) > 0 && write(STDERR_FILENO, current, strlen(current)) > 0)
		(void)!write(STDERR_FILENO, "\n", 1);
	abort();
}

/* ---- the steps ---- */

/* Whether it was as it has to be. */
static bool step(const struct sweep *s, struct sweep_pass *p, uint64_t n)
{
	p->seed = p->nth * 7 + p->kind;
	p->short_writes = s->short_writes;
	p->other = s->other;
	if (p->nth == SWEEP_NONE)
		snprintf(current, sizeof current, "%s, %s, without a fault", s->name, sweep_kind_name(p));
	else
		snprintf(current, sizeof current, "%s, %s, %" PRIu64 " of %" PRIu64 ": MORU_SWEEP_NAME='%s' MORU_SWEEP_ONE=%u:%" PRIu64 " repeats it", s->name,
			sweep_kind_name(p), p->nth, n, s->name, (unsigned)p->kind, p->nth);
	signal(SIGALRM, on_alarm);
	alarm(SWEEP_PASS_S);
	const char *wrong = s->pass(s->arg, p);
	alarm(0);
	sweep_disarm(p);
	if (wrong)
		print_error("%s: %s\n", current, wrong);
	current[0] = 0;
	return !wrong;
}

static unsigned least_of(const struct sweep *s, enum sweep_kind kind)
{
	unsigned least = (SWEEP_BIT(kind) & SWEEP_CUTS) && s->least_cuts ? s->least_cuts : s->least;
	return SANITIZED && s->share ? least / s->share : least;
}

/* One kind; the number of passes that failed. */
static unsigned sweep_one_kind(const struct sweep *s, enum sweep_kind kind, struct sweep_did *did)
{
	const char *one = getenv("MORU_SWEEP_ONE");
	struct sweep_pass clean = {.kind = kind, .nth = SWEEP_NONE};
	unsigned failed = 0;
	if (!step(s, &clean, 0))
		fail_msg("%s without a fault", s->name);
	uint64_t n = clean.ops, least = least_of(s, kind), by = sweep_soaks() || least == 0 || n <= least ? 1 : n / least, passes = 0, at = 1 + sweep_offset() % by;
	if (one) {
		at = strtoull(strchr(one, ':') ? strchr(one, ':') + 1 : "1", NULL, 10);
		by = SWEEP_NONE - at;
	}
	for (; at <= n; at += by, passes++) {
		struct sweep_pass p = {.kind = kind, .nth = at};
		failed += !step(s, &p, n);
		if (failed && !sweep_soaks())
			fail_msg("%s: a pass went wrong", s->name);
	}
	printf("%s, %s: %" PRIu64 " of %" PRIu64 "\n", s->name, sweep_kind_name(&clean), passes, n);
	fflush(stdout);
	assert_true(one || passes >= (n < least || least == 0 ? n : least));
	assert_true(n > 0 && n >= s->ops_least);
	did->passes = passes;
	did->ops = n;
	return failed;
}

struct sweep_did sweep_run(const struct sweep *s)
{
	const char *name = getenv("MORU_SWEEP_NAME"), *only = getenv("MORU_SWEEP_ONE");
	struct sweep_did did = {0};
	unsigned failed = 0;
	if (!only)
		only = getenv("MORU_SWEEP_KIND");
	if (name && strcmp(name, s->name) != 0)
		return did;
	for (enum sweep_kind k = 0; k < SWEEP_KINDS; k++)
		if ((s->kinds & SWEEP_BIT(k)) && (!only || (enum sweep_kind)strtoul(only, NULL, 10) == k))
			failed += sweep_one_kind(s, k, &did);
	assert_int_equal(failed, 0);
	did.whole = !name && !only;
	return did;
}
