/* See disks.h. */
#include "node/disks.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "node/priv/node.h"
#include "os/proc.h"

struct disks {
	struct node *node;
	struct disk *disk;
	struct work work;
	atomic_bool away;
	int64_t last_ns; /* loop thread; 0: never */
	_Atomic uint64_t said_lost;
};

static struct disk_marks marks_of(const struct settings *s)
{
	return (struct disk_marks){.percent = {[DISK_WARN] = s->disk_warn, [DISK_SPARE] = s->disk_spare, [DISK_NO_BLOBS] = s->disk_no_blobs,
					   [DISK_NO_VALUES] = s->disk_no_values},
		.reserve_bytes = s->disk_reserve_bytes};
}

static void said(void *arg, enum disk_state from, enum disk_state to)
{
	static const enum mo_msg words[DISK_STATES] = {[DISK_PLENTY] = MSG_DISK_PLENTY, [DISK_WARN] = MSG_DISK_WARN, [DISK_SPARE] = MSG_DISK_SPARE,
		[DISK_NO_BLOBS] = MSG_DISK_NO_BLOBS, [DISK_NO_VALUES] = MSG_DISK_NO_VALUES};
	struct disks *k = arg;
	struct diag *d = calloc(1, sizeof *d);
	struct disk_now now;
	if (!d)
		return;
	disk_read(k->disk, &now);
	diag_set(d, to > from ? MO_EFULL : 0, words[to]);
	diag_file(d, k->node->folder->path);
	diag_int(d, 0, (int64_t)(now.free_bytes >> 20));
	node_log(k->node, to < from ? "info" : to >= DISK_NO_BLOBS ? "error" : "warn", d);
	uint64_t lost = now.lost - atomic_exchange(&k->said_lost, now.lost);
	if (to < DISK_NO_VALUES && lost) {
		diag_set(d, MO_EFULL, MSG_DISK_LOST);
		diag_int(d, 0, (int64_t)lost);
		node_log(k->node, "error", d);
	}
	free(d);
}

int disks_new(struct disks **ret, struct node *n)
{
	struct disks *k = calloc(1, sizeof *k);
	if (!k)
		return MO_ENOMEM;
	k->node = n;
	struct disk_marks m = marks_of(&n->settings);
	int err = disk_new(&k->disk, n->vfs, n->folder->path, &m, said, k);
	if (err != 0) {
		free(k);
		return err;
	}
	disk_look(k->disk, mono_now());
	*ret = k;
	return 0;
}

void disks_free(struct disks *k)
{
	if (!k)
		return;
	disk_free(k->disk);
	free(k);
}

struct disk *disks_disk(struct disks *k) { return k ? k->disk : NULL; }

static void look(struct work *w, struct store_reader *r)
{
	struct disks *k = (struct disks *)((char *)w - offsetof(struct disks, work));
	struct settings *s = malloc(sizeof *s);
	(void)r;
	if (s) {
		node_settings(k->node, s);
		struct disk_marks m = marks_of(s);
		disk_set_marks(k->disk, &m);
	}
	free(s);
	disk_look(k->disk, mono_now());
	atomic_store(&k->away, false);
}

void disks_tick(struct disks *k, int64_t mono_ns)
{
	if ((k->last_ns && mono_ns - k->last_ns < DISK_EVERY_NS) || atomic_exchange(&k->away, true))
		return;
	k->work.fn = look;
	if (node_work(k->node, &k->work) == 0)
		k->last_ns = mono_ns;
	else
		atomic_store(&k->away, false); /* in a second again; who writes values looks, too */
}

double disks_ratio(const struct disks_written *w) { return w->taken_bytes ? (double)w->device_bytes / (double)w->taken_bytes : 0; }

void disks_written(struct node *n, struct disks_written *ret)
{
	struct writer_stats w;
	struct disk_now now;
	uint64_t device = 0;
	bool known = proc_written_bytes(&device) == 0;
	writer_stats(n->writer, &w);
	disk_read(disks_disk(n->disks), &now);
	*ret = (struct disks_written){known, device, w.bytes + now.taken_bytes};
}
