/* See watch.h. A poll runs on a worker: it lists, compares with what the poll
 * before saw, and hands files that stood still to the importer, one by one.
 *
 *   new --same size and time at the next poll--> taken --> done/ | refused/ (+ NAME.reason.txt) */
#include "node/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/priv/node.h"

#define WATCH_FILES_MAX 4096u
#define WATCH_NAME_MAX 256u
#define WATCH_PUT_MAX 224u   /* bytes of a name put away: 255 less a time before it, and behind it a reason's end and its .tmp */
#define WATCH_END_MAX 16u    /* ".xlsx": no longer one is kept when the name is cut */
#define WATCH_PLACES_MAX 64u /* tries to find a name that is not taken */
#define WATCH_REASON_MAX (64u << 10)
#define REASON ".reason.txt"

struct seen {
	char name[WATCH_NAME_MAX];
	uint64_t size_bytes;
	int64_t mtime_ns;
	bool here;
};
struct watch_wait {
	struct watch_wait *next;
	void (*done)(void *arg, int err);
	void *arg;
};
struct watch {
	struct node *node;
	char *dir;
	struct work work;
	struct loop_post post;
	bool running;
	struct watch_wait *waiting;
	/* worker */
	struct seen *seen;
	size_t n_seen;
	bool said_unseen;
	int err; /* the poll's first that may go better the next time */
};

/* Names that are not finished, or not ours to take. */
static bool waits(const char *name)
{
	static const char *const ends[] = {".tmp", ".part", ".crdownload", ".swp"};
	size_t n = strlen(name);
	if (name[0] == '.' || strncmp(name, "~$", 2) == 0 || n >= WATCH_NAME_MAX)
		return true;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static int on_name(void *arg, const char *name)
{
	struct watch *w = arg;
	if (waits(name) || strcmp(name, "done") == 0 || strcmp(name, "refused") == 0)
		return 0;
	for (size_t i = 0; i < w->n_seen; i++)
		if (strcmp(w->seen[i].name, name) == 0) {
			w->seen[i].here = true;
			return 0;
		}
	if (w->n_seen >= WATCH_FILES_MAX)
		return 0; /* when others were taken */
	struct seen *p = realloc(w->seen, (w->n_seen + 1) * sizeof *p);
	if (!p)
		return MO_ENOMEM;
	w->seen = p;
	w->seen[w->n_seen] = (struct seen){.size_bytes = UINT64_MAX, .here = true};
	snprintf(w->seen[w->n_seen++].name, WATCH_NAME_MAX, "%s", name);
	return 0;
}

/* The name under which a file is put away: its own, or with a time before it where that is taken; its end stays when it has to be cut. */
static void place_name(char out[WATCH_PUT_MAX + 32], const char *name, int64_t stamp_ms)
{
	const char *dot = strrchr(name, '.');
	size_t n = strlen(name), end = dot && strlen(dot) <= WATCH_END_MAX ? strlen(dot) : 0;
	size_t stem = n - end;
	if (n > WATCH_PUT_MAX) {
		stem = WATCH_PUT_MAX - end;
		while (stem && ((unsigned char)name[stem] & 0xc0) == 0x80) /* between characters */
			stem--;
	}
	out[0] = 0;
	if (stamp_ms)
		snprintf(out, 32, "%lld-", (long long)stamp_ms);
	size_t at = strlen(out);
	snprintf(out + at, WATCH_PUT_MAX + 32 - at, "%.*s%s", (int)stem, name, name + n - end);
}

/* Only "there is none" says that a place is free: whatever else the disk answers, nothing may be put over it. */
static int is_taken(struct vfs *v, bool *ret, const char *path)
{
	struct vfs_stat st;
	int err = vfs_stat(v, path, &st);
	*ret = err == 0;
	return err == MO_ENOENT ? 0 : err;
}

/* A reason that an earlier try left there may be written once more. */
static int is_taken_by_other(struct vfs *v, bool *ret, const char *path, struct span why)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int err = is_taken(v, ret, path);
	if (err != 0 || !*ret)
		return err;
	err = vfs_slurp(v, &p, &n, path, WATCH_REASON_MAX, NULL);
	if (err == 0)
		*ret = !span_eq(span_of(p, n), why);
	free(p);
	return err == MO_ELIMIT || err == MO_EINVAL ? 0 : err; /* none of ours */
}

/* A path in dir at which nothing lies yet, neither the file nor its reason. The caller frees both, on success. */
static int find_place(struct vfs *v, char **ret_to, char **ret_beside, const char *dir, const char *name, struct span why)
{
	int64_t now_ms = wall_now() / NS_PER_MS;
	for (unsigned i = 0; i < WATCH_PLACES_MAX; i++) {
		char put[WATCH_PUT_MAX + 32], reason[WATCH_PUT_MAX + 32 + sizeof REASON];
		bool taken = false;
		place_name(put, name, i ? now_ms + i : 0);
		snprintf(reason, sizeof reason, "%s" REASON, put);
		char *to = vfs_join(dir, put), *beside = vfs_join(dir, reason);
		int err = to && beside ? is_taken(v, &taken, to) : MO_ENOMEM;
		if (err == 0 && !taken && why.n)
			err = is_taken_by_other(v, &taken, beside, why);
		if (err == 0 && !taken) {
			*ret_to = to;
			*ret_beside = beside;
			return 0;
		}
		free(to);
		free(beside);
		if (err != 0)
			return err;
	}
	return MO_EEXIST;
}

/* Moves a file into a folder beside it, over nothing that lies there. why: beside it as NAME.reason.txt. */
static int put_away(struct watch *w, const char *path, const char *name, const char *folder, struct span why)
{
	char *dir = vfs_join(w->dir, folder), *to = NULL, *beside = NULL;
	struct vfs *v = node_vfs(w->node);
	int err = dir ? vfs_mkdir(v, dir, false) : MO_ENOMEM;
	if (err == 0)
		err = vfs_sync_dir(v, w->dir); /* a folder that the power takes back takes along what is in it */
	if (err == 0)
		err = find_place(v, &to, &beside, dir, name, why);
	bool placed = err == 0;
	if (placed && why.n)
		err = vfs_replace(v, beside, why, false, NULL);
	if (err == 0)
		err = vfs_rename(v, path, to);
	if (placed && err != 0 && why.n) {
		int left = vfs_unlink(v, beside); /* there is nothing yet that it speaks of; the next try may take another name */
		(void)left;
	}
	if (err == 0)
		err = vfs_sync_dir(v, dir);
	if (err == 0)
		err = vfs_sync_dir(v, w->dir);
	free(beside);
	free(to);
	free(dir);
	return err;
}

static void failed(struct watch *w, int err) { w->err = w->err ? w->err : err; }

/* Whether the file is still what was looked at before it was read: what came meanwhile has not been imported. */
static bool stood_still(struct watch *w, const char *path, const struct seen *s)
{
	struct vfs_stat st;
	return vfs_stat(node_vfs(w->node), path, &st) == 0 && st.size_bytes == s->size_bytes && st.mtime_ns == s->mtime_ns;
}

static void take(struct watch *w, const struct seen *s, struct store_reader *r)
{
	struct node *n = w->node;
	struct diag *d = calloc(1, sizeof *d);
	char *path = vfs_join(w->dir, s->name);
	struct buf why;
	buf_init(&why, WATCH_REASON_MAX);
	if (!d || !path)
		failed(w, MO_ENOMEM);
	else if (n->importer) {
		int err = n->importer(n->importer_arg, r, path, s->name, &why, d);
		bool refused = err == MO_EINVAL || err == MO_ELIMIT || err == MO_EEXIST;
		if (err != 0) {
			if (!d->file[0])
				diag_file(d, path);
			node_log(n, "warn", d);
		}
		if (refused && (why.err || !why.n)) {
			err = MO_ENOMEM; /* nobody could read why: rather once more */
			refused = false;
		}
		/* A transient failure leaves the file where it is: it is tried again. */
		if (err != 0 && !refused)
			failed(w, err);
		else if (stood_still(w, path, s)) {
			int moved = put_away(w, path, s->name, err == 0 ? "done" : "refused", refused ? buf_span(&why) : span_of(NULL, 0));
			if (moved != 0) {
				failed(w, moved);
				diag_set(d, moved, MSG_WATCH_MOVE);
				diag_file(d, path);
				node_log(n, "error", d);
			}
		}
	}
	buf_free(&why);
	free(path);
	free(d);
}

/* That the folder cannot be looked into is said once, until it can be again. */
static void say_unseen(struct watch *w, int err)
{
	struct diag *d = err != 0 && err != MO_ENOMEM && !w->said_unseen ? calloc(1, sizeof *d) : NULL;
	if (d) {
		diag_set(d, err, MSG_WATCH_FOLDER);
		diag_file(d, w->dir);
		node_log(w->node, "error", d);
		w->said_unseen = true;
	}
	if (err == 0)
		w->said_unseen = false;
	free(d);
}

static void poll_done(void *arg)
{
	struct watch *w = arg;
	struct watch_wait *q = w->waiting;
	w->waiting = NULL;
	w->running = false;
	int err = w->err; /* done() may poll again */
	while (q) {
		struct watch_wait *next = q->next;
		q->done(q->arg, err);
		free(q);
		q = next;
	}
}

static void poll_run(struct work *work, struct store_reader *r)
{
	struct watch *w = (struct watch *)((char *)work - offsetof(struct watch, work));
	struct vfs *v = node_vfs(w->node);
	w->err = 0;
	for (size_t i = 0; i < w->n_seen; i++)
		w->seen[i].here = false;
	int err = vfs_list(v, w->dir, on_name, w);
	say_unseen(w, err);
	if (err != 0)
		failed(w, err);
	for (size_t i = 0; err == 0 && i < w->n_seen && !node_stopping(w->node);) {
		struct seen *s = &w->seen[i];
		struct vfs_stat st;
		char *path = vfs_join(w->dir, s->name);
		bool gone = !s->here || !path || vfs_stat(v, path, &st) != 0 || st.is_dir;
		free(path);
		if (!gone && (st.size_bytes != s->size_bytes || st.mtime_ns != s->mtime_ns)) {
			s->size_bytes = st.size_bytes;
			s->mtime_ns = st.mtime_ns;
			i++;
			continue;
		}
		if (!gone && disk_state(node_disk(w->node)) >= DISK_NO_BLOBS) {
			i++; /* it waits until there is room */
			continue;
		}
		if (!gone)
			take(w, s, r);
		*s = w->seen[--w->n_seen];
	}
	w->post.fn = poll_done;
	w->post.arg = w;
	loop_post(w->node->loop, &w->post);
}

void watch_poll(struct watch *w, void (*done)(void *arg, int err), void *arg)
{
	if (done) {
		struct watch_wait *q = calloc(1, sizeof *q);
		if (!q) {
			done(arg, MO_ENOMEM);
			return;
		}
		*q = (struct watch_wait){w->waiting, done, arg};
		w->waiting = q;
	}
	if (w->running)
		return; /* who waits is told when that one ends */
	w->work.fn = poll_run;
	w->running = true;
	int err = node_work(w->node, &w->work);
	if (err != 0) {
		w->err = err; /* the workers' queue is full: looked at again by the next poll */
		poll_done(w);
	}
}

int watch_new(struct watch **ret, struct node *n)
{
	struct watch *w = calloc(1, sizeof *w);
	if (!w)
		return MO_ENOMEM;
	w->node = n;
	w->dir = n->settings.inbox[0] ? strdup(n->settings.inbox) : folder_path(n->folder, "inbox");
	if (!w->dir) {
		free(w);
		return MO_ENOMEM;
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	while (w->waiting) {
		struct watch_wait *next = w->waiting->next;
		free(w->waiting);
		w->waiting = next;
	}
	free(w->seen);
	free(w->dir);
	free(w);
}
