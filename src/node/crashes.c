/* See crashes.h. */
#include "node/crashes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/civil.h"
#include "base/num.h"
#include "os/clock.h"

#define STATE_MAX 4096u
#define NUMBER_DIGITS 6u
#define NUMBER_MAX 999999u

struct crashes {
	struct vfs *vfs;
	char *dir;  /* DIR/crashes */
	char *left; /* DIR/run/crash */
	void (*say)(void *arg, const char *level, const struct diag *d);
	void *arg;
	/* As crashes_open() found them. */
	uint64_t unclean, newest; /* number of the newest trace; 0: none */
	char newest_name[CRASHES_NAME_MAX];
	struct crash_report *shown; /* of the newest */
	_Atomic uint64_t seen;
	pthread_mutex_t mu; /* one dismissal at a time; asking waits for nobody */
};

static void trouble(struct crashes *c, int err, const char *file)
{
	struct diag *d = calloc(1, sizeof *d);
	if (d) {
		diag_set(d, err, MSG_CRASH_UNREAD);
		diag_file(d, file);
		diag_text(d, 0, span_str(mo_err_name(err)));
		c->say(c->arg, "warn", d);
	}
	free(d);
}

/* ---- state ---- */
static uint64_t state_value(struct span text, const char *name)
{
	size_t n = strlen(name);
	for (size_t at = 0; at < text.n; at = span_find(text, at, '\n') + 1) {
		struct span line = span_sub(text, at, span_find(text, at, '\n') - at);
		uint64_t v;
		if (span_starts(line, name) && num_u64(&v, span_trim(span_sub(line, n, line.n))) == 0)
			return v;
	}
	return 0;
}

static void read_state(struct crashes *c)
{
	char *path = vfs_join(c->dir, "state");
	uint8_t *text = NULL;
	size_t n = 0;
	int err = path ? vfs_slurp(c->vfs, &text, &n, path, STATE_MAX, NULL) : MO_ENOMEM;
	struct span s = span_of(text, n);
	if (err == 0 && !span_starts(s, "moru-crashes 1\n"))
		err = MO_ECORRUPT;
	if (err == 0) {
		c->unclean = state_value(s, "unclean ");
		atomic_store(&c->seen, state_value(s, "seen "));
	} else if (err != MO_ENOENT) {
		trouble(c, err, path ? path : c->dir);
	}
	free(text);
	free(path);
}

static int write_state(struct crashes *c, struct diag *d)
{
	char text[96];
	char *path = vfs_join(c->dir, "state");
	int n = snprintf(text, sizeof text, "moru-crashes 1\nunclean %llu\nseen %llu\n", (unsigned long long)c->unclean,
		(unsigned long long)atomic_load(&c->seen));
	int err = path ? vfs_mkdir(c->vfs, c->dir, true) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (path && err != 0) {
		diag_set(d, err, MSG_FOLDER_MAKE);
		diag_file(d, c->dir);
	}
	if (err == 0)
		err = vfs_replace(c->vfs, path, span_of(text, (size_t)n), true, d);
	free(path);
	return err;
}

/* ---- the folder ---- */
/* Number of "000003-....txt"; 0: no name of ours. */
static uint64_t number_of(const char *name)
{
	struct span s = span_str(name);
	uint64_t v;
	if (s.n <= NUMBER_DIGITS + 4 || s.n >= CRASHES_NAME_MAX || s.p[NUMBER_DIGITS] != '-' || !span_is(span_sub(s, s.n - 4, 4), ".txt") ||
		num_u64(&v, span_sub(s, 0, NUMBER_DIGITS)) != 0)
		return 0;
	return v;
}

static int find_newest(void *arg, const char *name)
{
	struct crashes *c = arg;
	uint64_t n = number_of(name);
	if (n > c->newest) {
		c->newest = n;
		snprintf(c->newest_name, sizeof c->newest_name, "%s", name);
	}
	return 0;
}

struct oldest {
	char name[CRASHES_NAME_MAX];
	uint64_t number, count;
};

static int find_oldest(void *arg, const char *name)
{
	struct oldest *o = arg;
	uint64_t n = number_of(name);
	if (n == 0)
		return 0;
	o->count++;
	if (o->number == 0 || n < o->number) {
		o->number = n;
		snprintf(o->name, sizeof o->name, "%s", name);
	}
	return 0;
}

static void prune(struct crashes *c)
{
	int err = 0;
	for (;;) {
		struct oldest o = {.number = 0};
		err = vfs_list(c->vfs, c->dir, find_oldest, &o);
		if (err != 0 || o.count <= CRASHES_KEPT)
			break;
		char *path = vfs_join(c->dir, o.name);
		err = path ? vfs_unlink(c->vfs, path) : MO_ENOMEM;
		free(path);
		if (err != 0)
			break;
	}
	if (err != 0 && err != MO_ENOENT)
		trouble(c, err, c->dir);
}

/* "20261122T101500Z" */
static void stamp(char to[24], int64_t t_ns)
{
	struct civil v;
	civil_from_ns(&v, t_ns);
	snprintf(to, 24, "%04d%02u%02uT%02u%02u%02uZ", (int)(v.year % 10000), v.month, v.day, v.hour, v.minute, v.second);
}

/* Puts the trace among the others under the next number. */
static int move_trace(struct crashes *c, const struct crash_report *r)
{
	char when[24], name[CRASHES_NAME_MAX];
	uint64_t number = c->newest < NUMBER_MAX ? c->newest + 1 : NUMBER_MAX;
	stamp(when, r->t_ns > 0 ? r->t_ns : wall_now());
	snprintf(name, sizeof name, "%0*llu-%s.txt", (int)NUMBER_DIGITS, (unsigned long long)number, when);
	char *to = vfs_join(c->dir, name);
	int err = to ? vfs_mkdir(c->vfs, c->dir, true) : MO_ENOMEM;
	if (err == 0)
		err = vfs_rename(c->vfs, c->left, to);
	if (err == 0)
		err = vfs_sync_dir(c->vfs, c->dir);
	if (err == 0) {
		c->newest = number;
		memcpy(c->newest_name, name, sizeof name);
	}
	free(to);
	return err;
}

static void say_crash(struct crashes *c, const struct crash_report *r, bool moved)
{
	struct diag *d = calloc(1, sizeof *d);
	char t[32], *file = moved ? vfs_join(c->dir, c->newest_name) : NULL;
	if (d) {
		diag_set(d, MO_ESTATE, MSG_NODE_CRASHED);
		diag_file(d, file ? file : moved ? c->dir : c->left);
		diag_text(d, 0, span_of(t, rfc3339_format(t, r->t_ns / NS_PER_S * NS_PER_S)));
		diag_text(d, 1, span_str(crash_signal_name(r->signal)));
		diag_text(d, 2, span_str(r->thread));
		c->say(c->arg, "error", d);
	}
	free(file);
	free(d);
}

/* What stands in DIR/run/crash: nothing, a header alone, or a trace. */
static void take_last(struct crashes *c, struct crash_report *r)
{
	uint8_t *text = NULL;
	size_t n = 0;
	int err = vfs_slurp(c->vfs, &text, &n, c->left, CRASH_FILE_MAX, NULL);
	if (err == MO_ENOENT)
		return;
	if (err == 0 && n)
		err = crash_read(r, span_of(text, n));
	free(text);
	if (err != 0)
		trouble(c, err, c->left);
	if (err == 0 && n && r->signal) {
		err = move_trace(c, r);
		if (err != 0)
			trouble(c, err, c->left);
		say_crash(c, r, err == 0);
		return;
	}
	struct diag *d = calloc(1, sizeof *d);
	if (d) {
		diag_set(d, MO_ESTATE, MSG_NODE_ENDED_UNCLEAN);
		c->say(c->arg, "warn", d);
	}
	c->unclean++;
	if ((err = write_state(c, d)) != 0 && d)
		c->say(c->arg, "warn", d);
	free(d);
}

static void read_newest(struct crashes *c, struct crash_report *r)
{
	char *path = vfs_join(c->dir, c->newest_name);
	uint8_t *text = NULL;
	size_t n = 0;
	int err = path ? vfs_slurp(c->vfs, &text, &n, path, CRASH_FILE_MAX, NULL) : MO_ENOMEM;
	if (err == 0)
		err = crash_read(r, span_of(text, n));
	if (err == 0)
		c->shown = r;
	else
		trouble(c, err, path ? path : c->dir);
	free(text);
	free(path);
}

int crashes_open(struct crashes **ret, struct vfs *vfs, const char *dir, void (*say)(void *arg, const char *level, const struct diag *d), void *arg)
{
	struct crashes *c = calloc(1, sizeof *c);
	struct crash_report *r = calloc(1, sizeof *r);
	if (c)
		pthread_mutex_init(&c->mu, NULL);
	if (c && r) {
		c->vfs = vfs;
		c->say = say;
		c->arg = arg;
		c->dir = vfs_join(dir, "crashes");
		c->left = vfs_join(dir, "run/crash");
	}
	if (!c || !r || !c->dir || !c->left) {
		crashes_free(c);
		free(r);
		return MO_ENOMEM;
	}
	read_state(c);
	int err = vfs_list(vfs, c->dir, find_newest, c);
	if (err != 0 && err != MO_ENOENT)
		trouble(c, err, c->dir);
	uint64_t before = c->newest;
	take_last(c, r);
	if (c->newest > before)
		prune(c);
	if (c->newest > atomic_load(&c->seen))
		read_newest(c, r);
	if (c->shown != r)
		free(r);
	*ret = c;
	return 0;
}

void crashes_free(struct crashes *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->mu);
	free(c->shown);
	free(c->dir);
	free(c->left);
	free(c);
}

void crashes_count(const struct crashes *c, uint64_t *ret_crashes, uint64_t *ret_unclean)
{
	*ret_crashes = c ? c->newest : 0;
	*ret_unclean = c ? c->unclean : 0;
}

const struct crash_report *crashes_shown(struct crashes *c, const char **ret_name)
{
	if (!c || !c->shown || c->newest <= atomic_load(&c->seen))
		return NULL;
	*ret_name = c->newest_name;
	return c->shown;
}

int crashes_dismiss(struct crashes *c, struct diag *d)
{
	pthread_mutex_lock(&c->mu);
	uint64_t before = atomic_load(&c->seen);
	int err = c->newest > before ? 0 : diag_set(d, MO_ENOENT, MSG_CRASH_NONE);
	if (err == 0) {
		atomic_store(&c->seen, c->newest);
		if ((err = write_state(c, d)) != 0)
			atomic_store(&c->seen, before);
	}
	pthread_mutex_unlock(&c->mu);
	return err;
}
