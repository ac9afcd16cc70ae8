/* See backups.h. */
#include "node/backups.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "node/priv/node.h"
#include "node/priv/turns.h"

#define HOUR_NS (3600 * NS_PER_S)

struct backups {
	struct node *node;
	struct turns turns;
	bool holds; /* files of blobs; the run's */
	/* the run's */
	int64_t looked_ns, log_busy_ns; /* at the end of its last turn */
	struct backups_ask ask;
	char target[BACKUPS_TARGET_MAX], who[64];
	struct backup *run;
	int64_t began_ns;
	struct backup_report report;

	pthread_mutex_t mu; /* below */
	uint64_t files, bytes;
	struct buf last, good; /* marks */
	char last_target[BACKUPS_TARGET_MAX], good_target[BACKUPS_TARGET_MAX];
	int64_t last_ns, good_ns;
	bool last_failed;
};

/* ---- how it ended ---- */

static void write_outcome(struct buf *out, const struct backups_outcome *o)
{
	struct json_writer w;
	json_writer_init(&w, out);
	jw_object(&w);
	jw_key(&w, "target");
	jw_str(&w, o->target);
	jw_key(&w, "t");
	jw_time(&w, o->t_ns);
	jw_key(&w, "ok");
	jw_bool(&w, o->err == 0);
	jw_key(&w, "snapshot");
	jw_cstr(&w, o->report.id[0] ? o->report.id : NULL);
	jw_key(&w, "files");
	jw_u64(&w, o->report.files);
	jw_key(&w, "bytes");
	jw_u64(&w, o->report.bytes);
	jw_key(&w, "written");
	jw_u64(&w, o->report.written);
	jw_key(&w, "why");
	jw_raw_or_null(&w, o->why);
	jw_object_end(&w);
}

int backups_put_outcome(struct store *s, const void *outcome, int64_t now_ns, struct diag *d)
{
	const struct backups_outcome *o = outcome;
	struct buf json;
	buf_init(&json, 0);
	write_outcome(&json, o);
	int err = json.err ? diag_set(d, json.err, MSG_OUT_OF_MEMORY) : store_put_mark(s, SPAN_LIT(BACKUPS_MARK_LAST), buf_span(&json), d);
	if (err == 0 && o->report.id[0])
		err = store_put_mark(s, SPAN_LIT(BACKUPS_MARK_GOOD), buf_span(&json), d);
	if (err == 0 && o->keys)
		err = store_target_put(s, o->target, o->keys->keys, o->keys->n, now_ns, d);
	if (err == 0)
		err = store_audit(s, now_ns, o->who, SPAN_LIT("backup"), o->target, buf_span(&json), d);
	buf_free(&json);
	return err;
}

/* What a mark says; false: it is none. */
static bool read_mark(struct span json, char target[BACKUPS_TARGET_MAX], int64_t *t_ns, bool *failed)
{
	struct arena a;
	struct json_value *root;
	struct span text;
	bool ok = false;
	arena_init(&a, 1u << 20);
	bool read = json.n && json_parse(&root, &a, json, NULL) == 0 && json_get_str(root, "target", &text, NULL) == 0 &&
		json_get_time(root, "t", t_ns, NULL) == 0 && json_get_bool(root, "ok", &ok, NULL) == 0;
	if (read)
		diag_copy(target, BACKUPS_TARGET_MAX, text);
	*failed = read && !ok;
	arena_free(&a);
	return read;
}

/* mu held, or nobody knows b yet. */
static void learn(struct backups *b)
{
	bool failed;
	b->last_ns = b->good_ns = T_NONE;
	b->last_target[0] = b->good_target[0] = 0;
	b->last_failed = false;
	if (!read_mark(buf_span(&b->last), b->last_target, &b->last_ns, &b->last_failed))
		b->last_ns = T_NONE;
	if (!read_mark(buf_span(&b->good), b->good_target, &b->good_ns, &failed))
		b->good_ns = T_NONE;
}

static void keep_outcome(struct backups *b, const struct backups_outcome *o)
{
	struct buf json;
	struct diag *d = calloc(1, sizeof *d);
	buf_init(&json, 0);
	/* A backup that cannot be told of is one all the same; the page says what this run knows. */
	if (turns_keep(b->node, backups_put_outcome, o, d) != 0 && d)
		node_log(b->node, "error", d);
	write_outcome(&json, o);
	pthread_mutex_lock(&b->mu);
	if (!json.err) {
		buf_reset(&b->last);
		buf_add(&b->last, buf_span(&json));
		if (o->report.id[0]) {
			buf_reset(&b->good);
			buf_add(&b->good, buf_span(&json));
		}
		learn(b);
	}
	pthread_mutex_unlock(&b->mu);
	free(d);
	buf_free(&json);
}

/* ---- the run ---- */

static int end(void *arg, int err, struct diag *d)
{
	struct backups *b = arg;
	struct erase_target keys = {NULL, 0};
	struct buf why;
	buf_init(&why, 0);
	if (b->run)
		backup_report(b->run, &b->report);
	struct backups_outcome o = {.target = span_str(b->target), .who = span_str(b->who), .t_ns = b->began_ns, .err = err, .report = b->report};
	if (b->run && b->report.id[0] && backup_keys(b->run, &keys) == 0)
		o.keys = &keys;
	backup_free(b->run);
	b->run = NULL;
	if (b->holds)
		filehold_give(&b->node->files);
	b->holds = false;
	if (err != 0)
		o.why = turns_why(b->node, &why, d);
	/* One that was broken off says nothing of the target: it was not wanted any more, or goes on after the next start. */
	if (err != MO_ECANCELED)
		keep_outcome(b, &o);
	erase_target_free(&keys);
	buf_free(&why);
	return err;
}

static void told(void *arg, int err, const struct diag *d)
{
	struct backups *b = arg;
	struct backup_report report = b->report;
	if (b->ask.done)
		b->ask.done(b->ask.arg, err, &report, d);
}

static int begin(void *arg, struct diag *d)
{
	struct backups *b = arg;
	struct node *n = b->node;
	struct backup_options o = {.vfs = node_vfs(n), .folder = n->folder, .sdb = n->sdb, .target = b->target, .make = b->ask.make, .keys = b->ask.keys,
		.keep = b->ask.keep, .program = n->opt.version, .now_ns = b->began_ns};
	filehold_take(&n->files); /* what a row speaks of is there until it is copied */
	b->holds = true;
	return backup_new(&b->run, &o, d);
}

static int step(void *arg, struct diag *d) { return backup_step(((struct backups *)arg)->run, d); }

static int turned(void *arg, struct diag *d)
{
	struct backups *b = arg;
	struct backup_report so_far;
	(void)d;
	backup_report(b->run, &so_far);
	pthread_mutex_lock(&b->mu);
	b->files = so_far.files;
	b->bytes = so_far.bytes;
	pthread_mutex_unlock(&b->mu);
	return 0;
}

bool backups_gives_way(int64_t since_ns, int64_t log_busy_ns) { return log_busy_ns > since_ns / 100 * BACKUPS_BUSY_PERCENT; }

static bool rest(void *arg)
{
	struct backups *b = arg;
	struct writer_stats s;
	writer_stats(node_writer(b->node), &s);
	int64_t now = mono_now();
	bool busy = backups_gives_way(now - b->looked_ns, s.busy_ns - b->log_busy_ns);
	b->looked_ns = now;
	b->log_busy_ns = s.busy_ns;
	return busy;
}

void backups_stop(struct backups *b)
{
	if (b)
		turns_stop(&b->turns);
}

static const struct turns_kind kind = {.busy = MSG_BACKUP_RUNNING, .given_up = MSG_BACKUP_GIVEN_UP, .begin = begin, .step = step, .turned = turned, .rest = rest, .end = end,
	.told = told};

int backups_run(struct backups *b, const struct backups_ask *ask, struct diag *d)
{
	int err = turns_idle(&b->turns, d);
	if (err != 0)
		return err;
	if (drills_running(b->node->drills)) /* which reads a snapshot that this one might remove */
		return diag_set(d, MO_EAGAIN, MSG_DRILL_RUNNING);
	if (ask->target.n == 0 || ask->target.n >= sizeof b->target || memchr(ask->target.p, 0, ask->target.n)) {
		diag_set(d, MO_EINVAL, MSG_BACKUP_TARGET_BAD);
		diag_value(d, ask->target);
		return MO_EINVAL;
	}
	b->ask = *ask;
	memcpy(b->target, ask->target.p, ask->target.n);
	b->target[ask->target.n] = 0;
	diag_copy(b->who, sizeof b->who, ask->who);
	b->report = (struct backup_report){.files = 0};
	b->began_ns = wall_now();
	pthread_mutex_lock(&b->mu);
	b->files = b->bytes = 0;
	pthread_mutex_unlock(&b->mu);
	b->looked_ns = mono_now();
	struct writer_stats log;
	writer_stats(node_writer(b->node), &log);
	b->log_busy_ns = log.busy_ns;
	return turns_begin(&b->turns, ask->stop, ask->arg, d);
}

/* ---- the schedule ---- */

static bool is_due(struct backups *b, const struct settings *s, int64_t now_ns)
{
	if (!s->backup_target[0] || s->backup_every_h == 0 || turns_idle(&b->turns, NULL) != 0 || node_stopping(b->node))
		return false;
	int64_t every = s->backup_every_h * HOUR_NS;
	pthread_mutex_lock(&b->mu);
	bool same_good = strcmp(b->good_target, s->backup_target) == 0, same_last = strcmp(b->last_target, s->backup_target) == 0;
	bool due = turns_due(same_good ? b->good_ns : T_NONE, every, now_ns) && turns_due(same_last ? b->last_ns : T_NONE, every < BACKUPS_RETRY_NS ? every : BACKUPS_RETRY_NS, now_ns);
	pthread_mutex_unlock(&b->mu);
	return due;
}

bool backups_good(struct backups *b, const char *target)
{
	pthread_mutex_lock(&b->mu);
	bool good = b->good_ns != T_NONE && strcmp(b->good_target, target) == 0;
	pthread_mutex_unlock(&b->mu);
	return good;
}

/* Whether a backup would take the room that the node itself is short of. */
static bool same_device(struct backups *b, const char *target)
{
	struct vfs_stat ours, theirs;
	return vfs_stat(b->node->vfs, b->node->folder->path, &ours) == 0 && vfs_stat(b->node->vfs, target, &theirs) == 0 && ours.device == theirs.device;
}

void backups_tick(struct backups *b)
{
	struct settings *s = malloc(sizeof *s);
	if (!s)
		return; /* the next second */
	node_settings(b->node, s);
	if (is_due(b, s, wall_now()) && !(disk_state(node_disk(b->node)) >= DISK_SPARE && same_device(b, s->backup_target))) {
		struct backups_ask ask = {.target = span_str(s->backup_target), .who = SPAN_LIT("schedule"), .keep = (size_t)s->backup_keep};
		int err = backups_run(b, &ask, NULL);
		(void)err; /* the workers' queue is full: the next second */
	}
	free(s);
}

int backups_new(struct backups **ret, struct node *n, struct store_reader *r)
{
	struct backups *b = calloc(1, sizeof *b);
	if (!b)
		return MO_ENOMEM;
	b->node = n;
	pthread_mutex_init(&b->mu, NULL);
	buf_init(&b->last, 0);
	buf_init(&b->good, 0);
	int err = node_mark(r, SPAN_LIT(BACKUPS_MARK_LAST), &b->last);
	if (err == 0)
		err = node_mark(r, SPAN_LIT(BACKUPS_MARK_GOOD), &b->good);
	if (err == 0)
		err = turns_init(&b->turns, n, &kind, b);
	if (err != 0) {
		backups_free(b);
		return err;
	}
	learn(b);
	*ret = b;
	return 0;
}

void backups_free(struct backups *b)
{
	if (!b)
		return;
	backup_free(b->run);
	turns_free(&b->turns);
	buf_free(&b->last);
	buf_free(&b->good);
	pthread_mutex_destroy(&b->mu);
	free(b);
}

void backups_state(struct backups *b, struct backups_state *ret)
{
	*ret = (struct backups_state){.good_ns = T_NONE, .last_ns = T_NONE};
	buf_init(&ret->last, 0);
	buf_init(&ret->good, 0);
	if (!b)
		return;
	pthread_mutex_lock(&b->mu);
	ret->running = turns_running(&b->turns);
	ret->files = b->files;
	ret->bytes = b->bytes;
	ret->good_ns = b->good_ns;
	ret->last_ns = b->last_ns;
	ret->last_failed = b->last_failed;
	buf_add(&ret->last, buf_span(&b->last));
	buf_add(&ret->good, buf_span(&b->good));
	pthread_mutex_unlock(&b->mu);
}

void backups_state_free(struct backups_state *s)
{
	buf_free(&s->last);
	buf_free(&s->good);
}
