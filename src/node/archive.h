/* A backup target: pieces named by their SHA-256, and manifests of snapshots
 * (docs/formats/backup.md).
 *
 * Order of writes: pieces (each synced, renamed, read back), the folders of
 * their names, the manifest. So a snapshot whose manifest stands is whole, and
 * whatever a kill leaves is no snapshot.
 * One thread at a time uses an archive. */
#ifndef MO_NODE_ARCHIVE_H
#define MO_NODE_ARCHIVE_H

#include "base/buf.h"
#include "base/map.h"
#include "base/uuid.h"
#include "os/vfs.h"

#define ARCHIVE_VERSION 1
#define ARCHIVE_PIECE_MAX (64u << 20) /* bytes; only lists of digests come near */
#define ARCHIVE_CHUNK_MIN 4096u
#define ARCHIVE_CHUNK_MAX (1u << 20)
#define ARCHIVE_MANIFEST_MAX (256u << 20)
#define ARCHIVE_PATH_MAX 200u
#define ARCHIVE_KEY_MAX 128u
#define ARCHIVE_ID 24u /* with NUL */
#define ARCHIVE_FILES_MAX (1u << 22)

/* ---- manifests ---- */
struct archive_file {
	char *path;             /* below the node's folder */
	char *key;              /* "": may change */
	uint64_t size_bytes;
	uint32_t chunk_bytes;
	bool secret;
	uint8_t sha256[32];
	uint8_t list[32];       /* where size_bytes > chunk_bytes: the piece that holds the digests of its pieces */
};
struct archive_snapshot {
	char id[ARCHIVE_ID];
	struct uuid node;
	int64_t folder_version;
	char program[32];
	int64_t t_ns;           /* the PC's clock */
	bool keys;
	struct archive_file *file;
	size_t n, cap;
	struct map by_path;     /* index into file */
};
void archive_snapshot_init(struct archive_snapshot *s);
void archive_snapshot_free(struct archive_snapshot *s);
/* Copies f with its texts. MO_EINVAL: not a path; MO_EEXIST: there already; MO_ELIMIT; MO_ENOMEM. */
MO_MUST_USE int archive_add(struct archive_snapshot *s, const struct archive_file *f);
const struct archive_file *archive_find(const struct archive_snapshot *s, const char *path); /* NULL: not in it */
/* Whether a path may stand in a manifest: restore writes nowhere else. */
bool archive_is_path(struct span path);
/* Whether it has the form of a snapshot's id; and the time that it begins with. */
bool archive_is_id(struct span id);
MO_MUST_USE int archive_id_time(int64_t *ret_ns, struct span id);
MO_MUST_USE int archive_manifest_write(const struct archive_snapshot *s, struct buf *out);
/* ret is initialised here and to be freed on success alone. MO_ECORRUPT, MO_EVERSION, MO_ENOMEM; words name `name`. */
MO_MUST_USE int archive_manifest_read(struct archive_snapshot *ret, struct span text, const char *name, struct diag *d);

/* ---- the target ---- */
enum archive_mode {
	ARCHIVE_READ,  /* nothing is written */
	ARCHIVE_WRITE, /* takes the lock; there must be one */
	ARCHIVE_MAKE   /* the same, and makes one where there is nothing */
};
struct archive;
/* Borrows vfs. node: whose it must be, NULL: anybody's. MO_ENOENT: holds no backup; MO_EEXIST: another node's; MO_ESTATE: not empty, and no
 * backup; MO_EBUSY: somebody writes it; MO_EVERSION. */
MO_MUST_USE int archive_open(struct archive **ret, struct vfs *vfs, const char *path, enum archive_mode mode, const struct uuid *node, struct diag *d);
void archive_close(struct archive *a);
const char *archive_path(const struct archive *a);
const struct uuid *archive_node(const struct archive *a);
/* Ids of all snapshots, oldest first, each ARCHIVE_ID bytes. The caller frees *ret. */
MO_MUST_USE int archive_list(struct archive *a, char (**ret)[ARCHIVE_ID], size_t *ret_n, struct diag *d);
MO_MUST_USE int archive_load(struct archive *a, struct archive_snapshot *ret, const char *id, struct diag *d);
/* The newest that can be read. MO_ENOENT: none. ret_bad (may be NULL): newer ones that cannot be. */
MO_MUST_USE int archive_load_newest(struct archive *a, struct archive_snapshot *ret, size_t *ret_bad, struct diag *d);

/* Writes a piece unless it is there, and reads back what was written. */
MO_MUST_USE int archive_put(struct archive *a, struct span bytes, uint8_t ret_sha256[32], struct diag *d);
/* Whether a piece of that size is there, by name and size alone. */
MO_MUST_USE int archive_has(struct archive *a, const uint8_t sha256[32], uint64_t size_bytes, bool *ret, struct diag *d);
/* A whole piece of exactly n bytes. MO_ENOENT, MO_ECORRUPT name it. */
MO_MUST_USE int archive_get(struct archive *a, const uint8_t sha256[32], uint8_t *to, size_t n, struct diag *d);
/* The digests of a file's pieces, 32 bytes each, into out (reset first). */
MO_MUST_USE int archive_digests(struct archive *a, const struct archive_file *f, struct buf *out, struct diag *d);
static inline uint64_t archive_pieces(const struct archive_file *f) { return (f->size_bytes + f->chunk_bytes - 1) / f->chunk_bytes; }
/* Bytes of piece i. */
static inline size_t archive_piece_bytes(const struct archive_file *f, uint64_t i)
{
	uint64_t left = f->size_bytes - i * f->chunk_bytes;
	return left < f->chunk_bytes ? (size_t)left : f->chunk_bytes;
}
/* Makes the snapshot exist: syncs the names of the pieces, then writes the manifest. Sets s->id. */
MO_MUST_USE int archive_commit(struct archive *a, struct archive_snapshot *s, struct diag *d);

/* The one file of the target that belongs to no snapshot: the node's file of keys as it is now (store/people.h), replaced as a whole, mode 0600 where
 * the file system knows modes. keys: MO_ENOENT: the target has none; the caller wipes and frees. */
#define ARCHIVE_KEYS "people.keys"
MO_MUST_USE int archive_put_keys(struct archive *a, struct span keys, struct diag *d);
MO_MUST_USE int archive_get_keys(struct archive *a, uint8_t **ret, size_t *ret_n, struct diag *d);

struct archive_stats {
	uint64_t bytes, pieces; /* written: pieces and manifests */
};
void archive_stats(const struct archive *a, struct archive_stats *ret);

/* Removes all but the `keep` newest good snapshots, then pieces that nobody names and what killed backups left unfinished, one folder
 * a call of archive_sweep().
 * MO_ECORRUPT: a manifest cannot be read, so no piece may be removed. */
struct archive_sweep;
MO_MUST_USE int archive_prune(struct archive *a, struct archive_sweep **ret, size_t keep, struct diag *d);
/* MO_EAGAIN: call again; 0: all done. */
MO_MUST_USE int archive_sweep(struct archive_sweep *s, struct diag *d);
void archive_sweep_free(struct archive_sweep *s);

#endif
