/* The inside of an export: its two files' shared parts. */
#ifndef MO_NODE_PRIV_EXPORT_RUN_H
#define MO_NODE_PRIV_EXPORT_RUN_H

#include "base/map.h"
#include "codec/zip.h"
#include "node/priv/export.h"
#include "os/crypto.h"
#include "store/store.h"

#define CHUNK_BYTES (256u << 10) /* of blobs, and of what is read back */
#define FINDINGS_MAX 1000u       /* listed in the manifest */

enum export_state { README, TABLES, SIGNALS, VALUES, RECORDS, SETTINGS, BLOBS, MANIFEST, VERIFY, DONE, STATES };

/* What the store says of a series. */
struct signal_row {
	struct buf asset, name, label, unit, source;
};
struct export {
	struct export_options o; /* without what is for export_new() alone */
	char *path, *part, *dir;
	struct buf readme_ko, readme_en;
	enum export_state state;
	size_t next;           /* of the state's tables, series */
	struct store_reader *reader; /* its transaction is the point of view */
	struct sdb_view *view;
	struct buf chosen;     /* JSON array of ids of assets; empty: all */
	struct map codes;      /* of the same */
	struct buf asked;      /* codes as they were asked for: JSON array */
	struct table_cursor *cursor;
	struct table_batch batch;
	size_t row;            /* of the batch */
	struct sdb_cursor *values;
	struct series_def def;
	struct signal_row signal;
	/* the archive */
	struct vfs_file *file;
	bool made, renamed;
	uint64_t end;          /* of what was written to the file */
	int file_err;
	struct zip_writer *zip;
	struct sha256 *digest;
	/* the member under way */
	bool open;
	char name[ZIP_NAME_MAX + 1];
	uint64_t bytes, rows;
	bool has_rows;
	unsigned part_no;      /* of records/ */
	struct vfs_file *blob;
	uint64_t blob_at, blob_bytes;
	uint8_t blob_sha[32];
	struct buf out;        /* what goes to the archive next */
	uint8_t *chunk;
	struct buf list;       /* members as JSON */
	struct json_writer list_w;
	struct buf damaged;    /* findings as JSON */
	struct json_writer damaged_w;
	uint64_t findings, verified;
	struct export_report report;
};


void export_set_state(struct export *x, enum export_state s);
int export_nomem(struct diag *d);
int export_say(struct diag *d, int err, const char *operation, const char *path);

/* ---- export_archive.c: members of the archive, its end ---- */
MO_MUST_USE int export_begin(struct export *x, const char *name, bool deflates, bool has_rows, struct diag *d);
/* x->out, with so many rows in it. */
MO_MUST_USE int export_put(struct export *x, uint64_t rows, struct diag *d);
MO_MUST_USE int export_end(struct export *x, struct diag *d);
/* What could not be read is left out, and said. */
MO_MUST_USE int export_damaged(struct export *x, const struct diag *why, const char *what);
MO_MUST_USE int export_manifest(struct export *x, struct diag *d);
MO_MUST_USE int export_verify(struct export *x, struct diag *d);
struct zip_sink export_sink(struct export *x);

#endif
