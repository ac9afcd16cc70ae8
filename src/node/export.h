/* A folder's data as one ZIP archive in open formats (docs/formats/export.md),
 * in steps of one batch each, so that whoever runs it (a worker of the node, a
 * command) can do something else in between.
 *
 *   README -> TABLES -> SIGNALS -> VALUES -> RECORDS -> SETTINGS -> BLOBS -> MANIFEST -> VERIFY -> DONE
 *
 * One point of view: a read transaction of a connection of its own, then a view
 * of the engine, both taken by export_new(). The same data and range are the same bytes.
 * The archive grows under PATH.part and is renamed when it was synced and read
 * back: a file of the name that was asked for is whole. */
#ifndef MO_NODE_EXPORT_H
#define MO_NODE_EXPORT_H

#include "node/folder.h"
#include "series/series.h"

#define EXPORT_VERSION 1
#define EXPORT_ASSETS_MAX 64u                 /* codes in a choice */
#define EXPORT_RECORDS_LINES 40000u           /* of a file of records/: within what POST /api/v1/records takes */
#define EXPORT_RECORDS_BYTES (6u << 20)
#define EXPORT_COLUMNS_MAX 24u

struct export_options {
	struct vfs *vfs;
	const struct folder *folder;  /* borrowed, open */
	struct sdb *sdb;              /* the engine that serves the folder, or one that was opened to read; outlives the export */
	const char *path;             /* of the archive; nothing may be there */
	bool inside;                  /* within the node's folder: the node itself asks */
	int64_t from_ns, to_ns;       /* [from, to); INT64_MIN, INT64_MAX: open */
	const char *const *assets;    /* codes, each with all below it; none: all. For export_new() alone */
	size_t n_assets;
	const char *program;          /* version */
	struct span readme_ko, readme_en; /* for export_new() alone */
};
struct export_report {
	uint64_t files, values, records; /* so far; records: rows of all tables but signals */
	uint64_t unreadable;             /* damaged blocks and blobs, left out and listed in the manifest */
	uint64_t bytes;                  /* of the archive */
	uint8_t sha256[32];              /* of the archive, when it is done */
};
struct export;
/* MO_EEXIST: path is taken; MO_ENOENT: no asset of that code; MO_EINVAL: within a node's folder, or the range is empty; MO_ELIMIT. */
MO_MUST_USE int export_new(struct export **ret, const struct export_options *o, struct diag *d);
/* MO_EAGAIN: goes on with the next call; 0: done. Any other error is final. Any thread, one at a time. */
MO_MUST_USE int export_step(struct export *x, struct diag *d);
void export_report(const struct export *x, struct export_report *ret);
/* What is not done is removed. */
void export_free(struct export *x);

/* The tables of an export: a CSV each; of a record also lines. For the README and its test. */
struct export_table {
	const char *file;  /* "lots.csv" */
	const char *type;  /* of a record: "lot"; NULL: none */
	int query;         /* enum store_query; -1: signals.csv */
};
const struct export_table *export_tables(size_t *ret_n);
/* Name of a column; NULL past the last. */
const char *export_column(const struct export_table *t, size_t i);

#endif
