/* A node's folder: making it, locking it, its identity and format version.
 *
 *   DIR/format        "moru 1\n"
 *   DIR/node.json     id, firm, IRI base, public key, demo, made
 *   DIR/moru.yaml     settings (never written after init)
 *   DIR/secrets/      key.pem, ca.key, server.key (0600)
 *   DIR/tls/          ca.crt, server.crt (node/keys.h)
 *   DIR/store.db      everything but series       DIR/blobs/
 *   DIR/series/       the engine's                DIR/inbox/  watched
 *   DIR/run/moru.sock DIR/lock */
#ifndef MO_NODE_FOLDER_H
#define MO_NODE_FOLDER_H

#include "base/uuid.h"
#include "node/settings.h"
#include "os/crypto.h"

#define FOLDER_FORMAT 1

struct folder {
	struct vfs *vfs;       /* borrowed */
	char *path;
	struct vfs_file *lock; /* NULL: not held */
	struct uuid id;
	bool demo;
	int64_t demo_start_ns; /* stepped clock begins here */
	int64_t made_ns;
	struct signkey *key;
	struct settings settings;
};
struct folder_init {
	const char *lang;  /* "ko", "en" */
	const char *name, *firm; /* NULL: defaults */
	const char *zone;        /* IANA name; NULL: the settings' default, Asia/Seoul */
	bool demo;
	int64_t demo_start_ns;
	int64_t now_ns;
	uint16_t port;           /* 0: default */
	int64_t sync_delay_ms;   /* demo only */
};
/* Who a folder is: made once, and anew where a restore wants it. */
struct folder_identity {
	struct uuid id;
	const char *iri_base;  /* NULL: urn:uuid: of the id */
	int64_t made_ns;
	bool demo;
	int64_t demo_start_ns;
	struct uuid origin;    /* of whose backup it is a copy; nil: of nobody's */
};
/* Makes a signing key and writes DIR/secrets/key.pem and DIR/node.json. */
MO_MUST_USE int folder_write_identity(struct vfs *vfs, const char *path, const struct folder_identity *who, struct diag *d);
/* MO_EEXIST when the folder is a node's already; a half-made one (no format file) is made whole. */
MO_MUST_USE int folder_init(struct vfs *vfs, const char *path, const struct folder_init *opt, struct diag *d);
/* lock: takes DIR/lock (MO_EBUSY: a node runs on it). MO_ENOENT: no node there; MO_EVERSION. */
MO_MUST_USE int folder_open(struct folder **ret, struct vfs *vfs, const char *path, bool lock, struct diag *d);
void folder_close(struct folder *f);
/* Whether a path is a node's folder, or lies in one, whatever the ways to it are called. MO_ENOMEM. */
MO_MUST_USE int folder_is_inside(bool *ret, struct vfs *vfs, const char *path);
/* "DIR/name", malloc'ed. */
char *folder_path(const struct folder *f, const char *name);

#endif
