/* The disk: what room there is, what is refused, what the device was made to write. */
#include "api/priv/api.h"
#include "node/disks.h"

static void members(struct json_writer *w, const struct disk_now *k)
{
	jw_key(w, "state");
	jw_cstr(w, disk_state_name(k->state));
	jw_key(w, "free_bytes");
	jw_u64(w, k->free_bytes);
	jw_key(w, "size_bytes");
	jw_u64(w, k->size_bytes);
}

void api_disk_state(struct json_writer *w, struct node *n)
{
	struct disk_now k;
	disk_read(node_disk(n), &k);
	jw_object(w);
	members(w, &k);
	jw_object_end(w);
}

int get_disk(struct api_call *c)
{
	struct json_writer *w = &c->w;
	struct disks_written d;
	struct disk_now k;
	disk_read(node_disk(c->node), &k);
	disks_written(c->node, &d);
	jw_object(w);
	members(w, &k);
	jw_key(w, "marks");
	jw_object(w);
	for (unsigned s = DISK_WARN; s < DISK_STATES; s++) {
		jw_key(w, disk_state_name((enum disk_state)s));
		jw_i64(w, k.marks.percent[s]);
	}
	jw_key(w, "reserve_bytes");
	jw_i64(w, k.marks.reserve_bytes);
	jw_object_end(w);
	jw_key(w, "refused");
	jw_object(w);
	jw_key(w, "blobs");
	jw_u64(w, k.refused[DISK_BLOBS]);
	jw_key(w, "values");
	jw_u64(w, k.refused[DISK_VALUES]);
	jw_object_end(w);
	jw_key(w, "values_lost");
	jw_u64(w, k.lost);
	jw_key(w, "written");
	jw_object(w);
	jw_key(w, "device_bytes");
	if (d.known)
		jw_u64(w, d.device_bytes);
	else
		jw_null(w);
	jw_key(w, "taken_bytes");
	jw_u64(w, d.taken_bytes);
	jw_key(w, "ratio");
	if (d.known && d.taken_bytes)
		jw_f64(w, disks_ratio(&d));
	else
		jw_null(w);
	jw_object_end(w);
	jw_object_end(w);
	return 0;
}
