/* See disk.h. */
#include "node/disk.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct disk {
	struct vfs *vfs;
	const char *path;
	void (*said)(void *arg, enum disk_state from, enum disk_state to);
	void *arg;
	_Atomic int state;
	_Atomic int64_t looked_ns; /* 0: never */
	_Atomic uint64_t refused[DISK_WANTS], lost, taken;
	pthread_mutex_t looking; /* one look at a time; before mu */
	pthread_mutex_t mu;      /* below */
	struct disk_marks marks;
	uint64_t free_bytes, size_bytes;
	bool known;
};

static const char *const names[DISK_STATES] = {
	[DISK_PLENTY] = "plenty",
	[DISK_WARN] = "warn",
	[DISK_SPARE] = "spare",
	[DISK_NO_BLOBS] = "no_blobs",
	[DISK_NO_VALUES] = "no_values",
};
const char *disk_state_name(enum disk_state s) { return s >= 0 && s < DISK_STATES ? names[s] : "?"; }

/* The worst state whose mark is passed, each mark so much lower. */
static enum disk_state passed(const struct disk_marks *m, uint64_t free_bytes, uint64_t size_bytes, int64_t percent_less, uint64_t bytes_more)
{
	uint64_t used = free_bytes < size_bytes ? size_bytes - free_bytes : 0;
	enum disk_state worst = DISK_PLENTY;
	for (unsigned s = DISK_WARN; s < DISK_STATES; s++) {
		int64_t percent = m->percent[s] - percent_less;
		uint64_t p = percent > 0 ? (uint64_t)percent : 0;
		uint64_t mark = size_bytes / 100 * p + size_bytes % 100 * p / 100; /* p is at most 100 */
		uint64_t floor = (uint64_t)m->reserve_bytes * (DISK_STATES - s) + bytes_more;
		if (used >= mark || free_bytes < floor)
			worst = (enum disk_state)s;
	}
	return worst;
}

enum disk_state disk_judge(const struct disk_marks *m, enum disk_state was, uint64_t free_bytes, uint64_t size_bytes)
{
	if (size_bytes == 0)
		return DISK_PLENTY;
	enum disk_state now = passed(m, free_bytes, size_bytes, 0, 0);
	if (now >= was)
		return now;
	enum disk_state back = passed(m, free_bytes, size_bytes, DISK_BACK_PERCENT, (uint64_t)m->reserve_bytes / 4);
	return back < was ? back : was;
}

int disk_new(struct disk **ret, struct vfs *vfs, const char *path, const struct disk_marks *m,
	void (*said)(void *arg, enum disk_state from, enum disk_state to), void *arg)
{
	struct disk *k = calloc(1, sizeof *k);
	if (!k)
		return MO_ENOMEM;
	k->vfs = vfs;
	k->path = path;
	k->marks = *m;
	k->said = said;
	k->arg = arg;
	pthread_mutex_init(&k->looking, NULL);
	pthread_mutex_init(&k->mu, NULL);
	*ret = k;
	return 0;
}

void disk_free(struct disk *k)
{
	if (!k)
		return;
	pthread_mutex_destroy(&k->looking);
	pthread_mutex_destroy(&k->mu);
	free(k);
}

void disk_set_marks(struct disk *k, const struct disk_marks *m)
{
	pthread_mutex_lock(&k->mu);
	k->marks = *m;
	pthread_mutex_unlock(&k->mu);
}

/* looking held. */
static void set_state(struct disk *k, enum disk_state to)
{
	enum disk_state from = (enum disk_state)atomic_load(&k->state);
	assert(to >= 0 && to < DISK_STATES);
	if (to == from)
		return;
	atomic_store(&k->state, (int)to);
	if (k->said)
		k->said(k->arg, from, to);
}

void disk_look(struct disk *k, int64_t mono_ns)
{
	int64_t last = atomic_load(&k->looked_ns);
	uint64_t free_bytes, size_bytes;
	if (last && mono_ns - last < DISK_LOOK_NS)
		return;
	/* Somebody looks already: on a disk that hangs nobody else has to wait with them. */
	if (pthread_mutex_trylock(&k->looking) != 0)
		return;
	if (vfs_space(k->vfs, k->path, &free_bytes, &size_bytes) == 0) {
		pthread_mutex_lock(&k->mu);
		k->free_bytes = free_bytes;
		k->size_bytes = size_bytes;
		k->known = true;
		struct disk_marks m = k->marks;
		pthread_mutex_unlock(&k->mu);
		set_state(k, disk_judge(&m, (enum disk_state)atomic_load(&k->state), free_bytes, size_bytes));
	}
	atomic_store(&k->looked_ns, mono_ns ? mono_ns : 1);
	pthread_mutex_unlock(&k->looking);
}

enum disk_state disk_state(const struct disk *k) { return k ? (enum disk_state)atomic_load(&k->state) : DISK_PLENTY; }

int disk_allows(struct disk *k, enum disk_want want, struct diag *d)
{
	static const enum disk_state until[DISK_WANTS] = {[DISK_OPTIONAL] = DISK_SPARE, [DISK_BLOBS] = DISK_NO_BLOBS, [DISK_VALUES] = DISK_NO_VALUES};
	static const enum mo_msg words[DISK_WANTS] = {
		[DISK_OPTIONAL] = MSG_DISK_SPARE, [DISK_BLOBS] = MSG_DISK_REFUSES_FILES, [DISK_VALUES] = MSG_DISK_REFUSES_VALUES};
	if (disk_state(k) < until[want])
		return 0;
	atomic_fetch_add(&k->refused[want], 1);
	diag_set(d, MO_EFULL, words[want]);
	diag_file(d, k->path);
	return MO_EFULL;
}

void disk_taken(struct disk *k, uint64_t bytes)
{
	if (k)
		atomic_fetch_add(&k->taken, bytes);
}

void disk_lost(struct disk *k, uint64_t values)
{
	if (k)
		atomic_fetch_add(&k->lost, values);
}

void disk_read(struct disk *k, struct disk_now *ret)
{
	*ret = (struct disk_now){.state = DISK_PLENTY};
	if (!k)
		return;
	pthread_mutex_lock(&k->mu);
	ret->known = k->known;
	ret->free_bytes = k->free_bytes;
	ret->size_bytes = k->size_bytes;
	ret->marks = k->marks;
	pthread_mutex_unlock(&k->mu);
	ret->state = disk_state(k);
	for (unsigned i = 0; i < DISK_WANTS; i++)
		ret->refused[i] = atomic_load(&k->refused[i]);
	ret->lost = atomic_load(&k->lost);
	ret->taken_bytes = atomic_load(&k->taken);
}
