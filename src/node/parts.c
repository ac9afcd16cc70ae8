/* What a node is made of, for those who hold the node. */
#include "node/disks.h"
#include "node/priv/node.h"

struct folder *node_folder(struct node *n) { return n->folder; }
struct loop *node_loop(struct node *n) { return n->loop; }
struct clock *node_clock(struct node *n) { return n->clock; }
struct sdb *node_sdb(struct node *n) { return n->sdb; }
struct writer *node_writer(struct node *n) { return n->writer; }
struct storer *node_storer(struct node *n) { return n->storer; }
const struct zone *node_zone(struct node *n) { return n->zone; }
uint32_t node_connections_max(struct node *n) { return n->connections_max; }
uint16_t node_port(struct node *n) { return n->server ? http_server_port(n->server) : 0; }
int64_t node_started(struct node *n) { return n->started_ns; }
struct http_server *node_server(struct node *n) { return n->server; }
const struct sdb_recovery *node_recovery(struct node *n) { return &n->recovery; }
struct vfs *node_vfs(struct node *n) { return n->slow ? n->slow : n->vfs; }
struct collect *node_collect(struct node *n) { return n->collect; }
struct jobs *node_jobs(struct node *n) { return n->jobs; }
struct live *node_live(struct node *n) { return n->live; }
struct watch *node_watch(struct node *n) { return n->watch; }
struct backups *node_backups(struct node *n) { return n->backups; }
struct outbox *node_outbox(struct node *n) { return n->outbox; }
struct retentions *node_retentions(struct node *n) { return n->retentions; }
struct filehold *node_files(struct node *n) { return &n->files; }
struct exports *node_exports(struct node *n) { return n->exports; }
struct drills *node_drills(struct node *n) { return n->drills; }
struct helper *node_helper(struct node *n) { return n->helper; }
const char *node_address(struct node *n) { return n->address; }
struct ingest *node_ingest(struct node *n) { return n->ingest; }
struct accounts *node_accounts(struct node *n) { return n->accounts; }
struct people *node_people(struct node *n) { return store_people(n->store); }
struct logins *node_logins(struct node *n) { return n->logins; }
struct journal *node_journal(struct node *n) { return n->journal; }
struct crashes *node_crashes(struct node *n) { return n->crashes; }
const struct gauges *node_gauges(struct node *n) { return n->gauges; }
struct disk *node_disk(struct node *n) { return disks_disk(n->disks); }
bool node_stopping(struct node *n) { return atomic_load(&n->stopping); }

int node_mark(struct store_reader *r, struct span name, struct buf *ret)
{
	int err = store_get_mark(r, name, ret, NULL);
	if (err != MO_ENOENT && err != MO_ECORRUPT)
		return err;
	buf_reset(ret);
	return 0;
}

int node_words(const struct node *n, int err, struct diag *d)
{
	size_t damaged = n->store && err == MO_ECORRUPT ? store_damage(n->store, SIZE_MAX, NULL) : 0;
	if (err == 0 || !d || d->msg != MSG_NONE)
		return err;
	if (damaged) {
		(void)store_damage(n->store, damaged - 1, d);
		return err;
	}
	return diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_NODE_START);
}
