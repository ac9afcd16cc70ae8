/* See watch.h. A poll runs on a worker: it lists, compares with what the poll
 * before saw, and hands files that stood still to the importer, one by one. The
 * inbox has a round of its own, so that a share that hangs does not hold it up.
 *
 * A file, at each look:
 *   new --same size and time at the next look--> taken --+--> done/ | refused/ (+ NAME.reason.txt)   watch_put_away()
 *    ^                                                   `--> kept, where the folder may not be written to   watch_keep()
 *    `--------- size or time is another, or what failed may go better (LATER) ---'
 *
 * A folder (place_set_state):
 *   NEW --listed--> HERE <--listed again-- AWAY        looked()
 *   NEW, HERE --not listed; empty where names were seen--> AWAY, which is said once; what is known of its files stays */
#include "node/watch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/priv/watch.h"

enum { ROUND_INBOX, ROUND_OTHERS, ROUNDS };

struct watch_wait {
	struct watch_wait *next[ROUNDS];
	unsigned left; /* rounds that have not ended */
	int err;
	void (*done)(void *arg, int err);
	void *arg;
};
struct round {
	struct watch *w;
	unsigned which;
	struct work work;
	struct loop_post post;
	bool running;
	struct watch_wait *waiting;
	struct place *places;
	size_t n;
	int err; /* the first of its places' */
};
struct watch {
	struct node *node;
	struct round rounds[ROUNDS];
	struct place places[1 + WATCH_PLACES_MAX]; /* the inbox first */
	int64_t others_ns;                         /* monotonic: of the last round of them */
	atomic_uint away;
};

/* ---- names ---- */
static uint8_t lower(char c) { return (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c); }

static bool same_name(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

bool watch_name_waits(const char *name)
{
	/* Names without a dot before them that other systems leave behind; ".~lock.x#", "._x", ".DS_Store" have one. */
	static const char *const names[] = {"Thumbs.db", "ehthumbs.db", "desktop.ini"};
	static const char *const ends[] = {".tmp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".swp"};
	size_t n = strlen(name);
	if (name[0] == '.' || strncmp(name, "~$", 2) == 0 || n >= WATCH_NAME_MAX)
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (same_name(name, names[i]))
			return true;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n > strlen(ends[i]) && same_name(name + n - strlen(ends[i]), ends[i]))
			return true;
	return false;
}

/* ---- what was seen ---- */
static void failed(struct place *p, int err) { p->err = p->err ? p->err : err; }

static int add(struct place *p, const char *name)
{
	size_t n = strlen(name);
	if (p->n_seen == p->cap_seen) {
		size_t cap = p->cap_seen ? 2 * p->cap_seen : 64;
		struct seen *more = realloc(p->seen, cap * sizeof *more);
		if (!more)
			return MO_ENOMEM;
		p->seen = more;
		p->cap_seen = cap;
	}
	struct seen s = {.name = malloc(n + 1), .size_bytes = UINT64_MAX, .here = true};
	int err = s.name ? map_put(&p->by_name, span_str(name), p->n_seen) : MO_ENOMEM;
	if (err != 0) {
		free(s.name);
		return err;
	}
	memcpy(s.name, name, n + 1);
	p->seen[p->n_seen++] = s;
	return 0;
}

static void set_kept(struct place *p, struct seen *s, bool kept)
{
	if (s->kept == kept)
		return;
	s->kept = kept;
	p->n_kept = kept ? p->n_kept + 1 : p->n_kept - 1;
}

/* The last one takes its place. */
static void drop(struct place *p, size_t i)
{
	struct seen *s = &p->seen[i];
	set_kept(p, s, false);
	map_remove(&p->by_name, span_str(s->name));
	free(s->name);
	*s = p->seen[--p->n_seen];
	if (i < p->n_seen)
		*map_get(&p->by_name, span_str(s->name)) = i;
}

static int on_name(void *arg, const char *name)
{
	struct place *p = arg;
	p->n_names++;
	if (watch_name_waits(name) || strcmp(name, "done") == 0 || strcmp(name, "refused") == 0)
		return 0;
	const uint64_t *at = map_get(&p->by_name, span_str(name));
	if (at) {
		p->seen[*at].here = true;
		return 0;
	}
	/* More: when others were taken. */
	return p->n_seen - p->n_kept >= WATCH_FILES_MAX ? 0 : add(p, name);
}

/* Whether the file is still what was looked at before it was read: what came meanwhile has not been imported. */
static bool stood_still(const struct place *p, const char *path, const struct seen *s)
{
	struct vfs_stat st;
	return vfs_stat(node_vfs(p->node), path, &st) == 0 && st.size_bytes == s->size_bytes && st.mtime_ns == s->mtime_ns;
}

/* ---- words ---- */
/* The same trouble with the same file is said once. */
static void say_file(const struct place *p, struct seen *s, const char *level, int err, const struct diag *d)
{
	if (s->said != err)
		node_log(p->node, level, d);
	s->said = err;
}

static void say_place(const struct place *p, const char *level, int err, enum mo_msg msg)
{
	struct diag *d = calloc(1, sizeof *d);
	if (d) {
		diag_set(d, err, msg);
		diag_file(d, p->dir);
		node_log(p->node, level, d);
	}
	free(d);
}

static void place_set_state(struct watch *w, struct place *p, enum place_state to)
{
	static const char *const names[] = {[PLACE_NEW] = "new", [PLACE_HERE] = "here", [PLACE_AWAY] = "away"};
	assert(names[to] && to != PLACE_NEW && to != p->state);
	if (to == PLACE_AWAY)
		atomic_fetch_add(&w->away, 1);
	else if (p->state == PLACE_AWAY)
		atomic_fetch_sub(&w->away, 1);
	p->state = to;
}

/* After a folder was listed, or was not. */
static void looked(struct watch *w, struct place *p, int err)
{
	bool empty = err == 0 && p->foreign && p->n_names == 0 && p->known;
	if (err == MO_ENOMEM)
		return;
	if ((err != 0 || empty) && p->state != PLACE_AWAY) {
		place_set_state(w, p, PLACE_AWAY);
		say_place(p, empty ? "warn" : "error", empty ? 0 : err, empty ? MSG_WATCH_EMPTY : MSG_WATCH_FOLDER);
	} else if (err == 0 && !empty && p->state != PLACE_HERE) {
		bool back = p->state == PLACE_AWAY;
		place_set_state(w, p, PLACE_HERE);
		if (back)
			say_place(p, "info", 0, MSG_WATCH_BACK);
	}
	if (err == 0 && p->foreign && p->n_names && !p->known)
		p->known = watch_known(p) == 0;
}

/* ---- taking ---- */
enum taken { TAKEN, KEPT, LATER };

/* It has been read, for good or for bad. */
static enum taken put(struct place *p, struct seen *s, const char *path, int err, struct span why, struct diag *d)
{
	int moved = watch_put_away(p, path, s->name, err == 0 ? "done" : "refused", why);
	if (moved == 0)
		return TAKEN;
	if (moved == MO_EDENIED && p->foreign) {
		moved = watch_keep(p, path, s, d);
		if (moved == 0) {
			if (!p->said_kept)
				say_place(p, "info", 0, MSG_WATCH_KEPT);
			p->said_kept = true;
			return KEPT;
		}
	}
	failed(p, moved);
	diag_set(d, moved, MSG_WATCH_MOVE);
	diag_file(d, path);
	say_file(p, s, "error", moved, d);
	return LATER;
}

static enum taken take(struct place *p, struct seen *s, struct store_reader *r)
{
	struct node *n = p->node;
	struct diag *d = calloc(1, sizeof *d);
	char *path = vfs_join(p->dir, s->name);
	enum taken ret = LATER;
	bool kept = false;
	struct buf why;
	buf_init(&why, WATCH_REASON_MAX);
	int err = d && path ? 0 : MO_ENOMEM;
	if (err == 0 && p->foreign)
		err = watch_was_kept(&kept, p, r, path, s);
	if (err != 0) {
		failed(p, err);
	} else if (kept) {
		ret = KEPT;
	} else if (n->importer) {
		err = n->importer(n->importer_arg, r, path, s->name, &why, d);
		bool refused = err == MO_EINVAL || err == MO_ELIMIT || err == MO_EEXIST;
		if (refused && (why.err || !why.n)) {
			err = MO_ENOMEM; /* nobody could read why: rather once more */
			refused = false;
		}
		if (err != 0) {
			if (!d->file[0])
				diag_file(d, path);
			say_file(p, s, "warn", err, d);
		}
		/* A transient failure leaves the file where it is: it is tried again. */
		if (err != 0 && !refused)
			failed(p, err);
		else if (stood_still(p, path, s))
			ret = put(p, s, path, err, refused ? buf_span(&why) : span_of(NULL, 0), d);
	}
	buf_free(&why);
	free(path);
	free(d);
	return ret;
}

/* One file of the folder; whether it is to be forgotten. */
static bool look_at(struct place *p, struct seen *s, struct store_reader *r)
{
	struct vfs_stat st;
	char *path = s->here ? vfs_join(p->dir, s->name) : NULL;
	int err = !s->here ? MO_ENOENT : path ? vfs_stat(node_vfs(p->node), path, &st) : MO_ENOMEM;
	free(path);
	if (err != 0 && err != MO_ENOENT) {
		failed(p, err); /* a share that goes away while it is looked at says nothing of the file */
		return false;
	}
	if (err != 0 || st.is_dir)
		return true;
	if (st.size_bytes != s->size_bytes || st.mtime_ns != s->mtime_ns) {
		s->size_bytes = st.size_bytes;
		s->mtime_ns = st.mtime_ns;
		set_kept(p, s, false);
		return false;
	}
	if (s->kept || disk_state(node_disk(p->node)) >= DISK_NO_BLOBS)
		return false; /* without room it waits until there is */
	switch (take(p, s, r)) {
	case TAKEN: return true;
	case KEPT:
		if (p->n_kept >= WATCH_KEPT_MAX)
			return true; /* asked for anew at each look */
		set_kept(p, s, true);
		return false;
	case LATER: break;
	}
	s->size_bytes = UINT64_MAX;
	return false;
}

static void look(struct watch *w, struct place *p, struct store_reader *r)
{
	p->err = 0;
	p->n_names = 0;
	for (size_t i = 0; i < p->n_seen; i++)
		p->seen[i].here = false;
	if (p->foreign && !p->known_asked) {
		p->known = watch_was_known(p, r);
		p->known_asked = true;
	}
	int err = vfs_list(node_vfs(p->node), p->dir, on_name, p);
	looked(w, p, err);
	if (err != 0)
		failed(p, err);
	for (size_t i = 0; p->state == PLACE_HERE && err == 0 && i < p->n_seen && !node_stopping(p->node);) {
		if (look_at(p, &p->seen[i], r))
			drop(p, i);
		else
			i++;
	}
}

/* ---- rounds ---- */
static void round_done(void *arg)
{
	struct round *q = arg;
	struct watch_wait *all = q->waiting;
	q->waiting = NULL;
	q->running = false;
	int err = q->err; /* done() may poll again */
	while (all) {
		struct watch_wait *one = all;
		all = one->next[q->which];
		one->err = one->err ? one->err : err;
		if (--one->left == 0) {
			one->done(one->arg, one->err);
			free(one);
		}
	}
}

static void round_run(struct work *work, struct store_reader *r)
{
	struct round *q = (struct round *)((char *)work - offsetof(struct round, work));
	q->err = 0;
	for (size_t i = 0; i < q->n && !node_stopping(q->w->node); i++) {
		look(q->w, &q->places[i], r);
		q->err = q->err ? q->err : q->places[i].err;
	}
	q->post.fn = round_done;
	q->post.arg = q;
	loop_post(q->w->node->loop, &q->post);
}

static void round_begin(struct round *q)
{
	if (q->running)
		return; /* who waits is told when that one ends */
	q->work.fn = round_run;
	q->running = true;
	int err = node_work(q->w->node, &q->work);
	if (err != 0) {
		q->err = err; /* the workers' queue is full: looked at again by the next poll */
		round_done(q);
	}
}

void watch_poll(struct watch *w, void (*done)(void *arg, int err), void *arg)
{
	unsigned rounds = w->rounds[ROUND_OTHERS].n ? ROUNDS : 1;
	if (done) {
		struct watch_wait *q = calloc(1, sizeof *q);
		if (!q) {
			done(arg, MO_ENOMEM);
			return;
		}
		*q = (struct watch_wait){.left = rounds, .done = done, .arg = arg};
		for (unsigned i = 0; i < rounds; i++) {
			q->next[i] = w->rounds[i].waiting;
			w->rounds[i].waiting = q;
		}
	}
	for (unsigned i = 0; i < rounds; i++)
		round_begin(&w->rounds[i]);
}

void watch_tick(struct watch *w, int64_t now_ns)
{
	round_begin(&w->rounds[ROUND_INBOX]);
	if (w->rounds[ROUND_OTHERS].n && now_ns - w->others_ns >= WATCH_OTHERS_NS) {
		w->others_ns = now_ns;
		round_begin(&w->rounds[ROUND_OTHERS]);
	}
}

void watch_stats(const struct watch *w, struct watch_stats *ret)
{
	*ret = (struct watch_stats){0};
	if (w)
		*ret = (struct watch_stats){.folders = (unsigned)(1 + w->rounds[ROUND_OTHERS].n), .away = atomic_load(&w->away)};
}

/* ---- its life ---- */
/* The setting `watch`: a folder twice, or the inbox again, is one. MO_ELIMIT: over WATCH_PLACES_MAX. */
static int add_places(struct watch *w, struct span list)
{
	size_t n = 1;
	for (size_t i = 0; i < list.n;) {
		size_t end = span_find(list, i, '\n');
		struct span dir = span_sub(list, i, end - i);
		i = end + 1;
		while (dir.n > 1 && dir.p[dir.n - 1] == '/')
			dir.n--;
		bool twice = dir.n == 0;
		for (size_t k = 0; k < n; k++)
			twice |= span_is(dir, w->places[k].dir);
		if (twice)
			continue;
		if (n > WATCH_PLACES_MAX)
			return MO_ELIMIT;
		struct place *p = &w->places[n];
		*p = (struct place){.node = w->node, .foreign = true, .dir = malloc(dir.n + 1)};
		map_init(&p->by_name);
		if (!p->dir)
			return MO_ENOMEM;
		memcpy(p->dir, dir.p, dir.n);
		p->dir[dir.n] = 0;
		w->rounds[ROUND_OTHERS].n = n++;
	}
	return 0;
}

int watch_new(struct watch **ret, struct node *n, struct diag *d)
{
	struct watch *w = calloc(1, sizeof *w);
	if (!w)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	w->node = n;
	for (unsigned i = 0; i < ROUNDS; i++)
		w->rounds[i] = (struct round){.w = w, .which = i, .places = w->places + i, .n = i == ROUND_INBOX};
	w->places[0] = (struct place){.node = n, .dir = n->settings.inbox[0] ? strdup(n->settings.inbox) : folder_path(n->folder, "inbox")};
	map_init(&w->places[0].by_name);
	int err = w->places[0].dir ? add_places(w, span_str(n->settings.watch)) : MO_ENOMEM;
	if (err != 0) {
		watch_free(w);
		diag_set(d, err, err == MO_ELIMIT ? MSG_WATCH_MANY : MSG_OUT_OF_MEMORY);
		diag_int(d, 0, WATCH_PLACES_MAX);
		return err;
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (unsigned k = 0; k < ROUNDS; k++)
		while (w->rounds[k].waiting) {
			struct watch_wait *one = w->rounds[k].waiting;
			w->rounds[k].waiting = one->next[k];
			if (--one->left == 0)
				free(one);
		}
	for (size_t i = 0; i < sizeof w->places / sizeof *w->places; i++) {
		struct place *p = &w->places[i];
		for (size_t k = 0; k < p->n_seen; k++)
			free(p->seen[k].name);
		free(p->seen);
		free(p->dir);
		if (p->node)
			map_free(&p->by_name);
	}
	free(w);
}
