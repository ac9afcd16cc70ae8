/* Process settings: DIR/moru.yaml, read with libyaml against one key table,
 * never written by the node after `moru init`. */
#ifndef MO_NODE_SETTINGS_H
#define MO_NODE_SETTINGS_H

#include "base/buf.h"
#include "base/diag.h"
#include "os/vfs.h"

struct settings {
	char name[128];          /* of the factory, shown on top of the page */
	char firm[64];           /* firm code: issues our lot numbers */
	char lang[3];            /* "ko", "en" */
	char zone[64];           /* IANA name */
	char day_begins[6];      /* production day, "08:00" */
	char address[64];        /* listen */
	uint16_t port;
	int64_t connections;     /* most at once */
	int64_t connections_of_address; /* most of one address; 0: all of them */
	char names[512];         /* more names of this PC, with commas */
	char tls_mode[6];        /* "off", "own", "given" */
	char tls_certificate[512], tls_key[512]; /* of given ones; relative: below the folder */
	char inbox[512];         /* watched folder; "" = DIR/inbox */
	char watch[2048];        /* further ones, absolute, with line ends between */
	char ingest_listen[80];  /* "ADDRESS:PORT" of the second listener; "": none */
	char ingest_subnets[1536]; /* with commas or line ends between */
	int64_t head_budget_bytes;
	int64_t stop_min_s;      /* shorter stops are micro-stops */
	char backup_target[512]; /* folder, absolute; "": no schedule */
	int64_t backup_every_h;  /* 0: off */
	int64_t backup_keep;     /* newest snapshots that stay; 0: all */
	int64_t backup_drill_h;  /* from one restore drill to the next; 0: only when asked for */
	int64_t disk_warn, disk_spare, disk_no_blobs, disk_no_values; /* percent used (node/disk.h) */
	int64_t disk_reserve_bytes;
	int64_t sync_delay_ms;   /* demo folders only: added to each sync */
	uint64_t zone_line;      /* of moru.yaml, for the words when there is no such zone; 0: not told there */
	uint64_t address_line;   /* likewise */
};
static inline bool settings_tls(const struct settings *s) { return strcmp(s->tls_mode, "off") != 0; }
enum setting_type { SET_TEXT, SET_ZONE, SET_ADDRESS, SET_NAMES, SET_TLS, SET_PLACE, SET_SUBNETS, SET_FOLDERS, SET_PORT, SET_BYTES, SET_SECONDS, SET_MS, SET_LANG, SET_HHMM, SET_FOLDER, SET_HOURS, SET_COUNT, SET_PERCENT, SET_CONNECTIONS };
struct setting_key {
	const char *key;     /* "listen.port" */
	enum setting_type type;
	size_t offset, size; /* into struct settings */
	const char *fallback;
	bool restart;        /* a change needs a restart */
	bool demo_only;
	const char *ko, *en; /* the comment above it in moru.yaml */
};
const struct setting_key *settings_keys(size_t *ret_n);

void settings_defaults(struct settings *s);
/* MO_EINVAL with file, line, field, value, expected. Unknown keys are refused, `expected` the known ones of that place. */
MO_MUST_USE int settings_read(struct settings *ret, struct vfs *vfs, const char *path, bool demo, struct diag *d);
/* The commented file that init writes. */
void settings_write(struct buf *out, const struct settings *s, const char *lang, bool demo);

#endif
