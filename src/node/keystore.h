/* Every private key that the node holds, by purpose: where it lies, what it is
 * for, how it ends, and the one way in which it is read, checked, written, set
 * aside and listed. A further one (an OPC UA application's, an identity among
 * partners) is a further row.
 *
 *   signing   DIR/secrets/key.pem                          for ever
 *   ca        DIR/secrets/ca.key      DIR/tls/ca.crt       for 20 years
 *   server    DIR/secrets/server.key  DIR/tls/server.crt   made anew before its end
 *
 * Keys are 0600. A key that is replaced with its certificate comes in by three
 * steps, each durable: the key as its `next` file, the certificate, then the
 * key's rename; so a certificate always has its key beside it, whenever the
 * power goes. A first pair is key, then certificate: without its certificate a
 * key is nobody's. A key whose halves do not belong together is renamed to
 * NAME.bad, as other damaged files are (series/series.h). Keys that somebody
 * gave by path (settings tls.key) are not the node's and are left where they are. */
#ifndef MO_NODE_KEYSTORE_H
#define MO_NODE_KEYSTORE_H

#include "os/pki.h"
#include "os/vfs.h"

enum key_purpose { KEY_SIGNING, KEY_CA, KEY_SERVER, KEY_PURPOSES };
enum key_renewal { KEY_STAYS, KEY_ANEW_BEFORE_END };
struct key_row {
	const char *name;      /* "signing" */
	const char *use;       /* what is done with it: "sign" (what the node says), "issue" (certificates), "serve" (HTTPS) */
	const char *algorithm; /* "P-256" */
	const char *key_file, *next_file, *crt_file; /* below DIR; next, crt NULL: none */
	enum key_renewal renewal;
	bool in_backups;       /* those that carry keys at all (node/backup.h) */
};
/* NULL for what is none. */
const struct key_row *keystore_row(enum key_purpose p);
const char *keystore_renewal_name(enum key_renewal r); /* "stays", "anew_before_end" */

struct keystore {
	struct vfs *vfs; /* borrowed, as dir */
	const char *dir;
};
/* Key and certificate as PEM, appended; crt is left empty where the row has none. The certificate can be read and the key is its own, whose halves
 * belong together; its `next` is taken, and takes its place, where a crash kept it from that. The key is a secret: wipe it.
 * MO_ENOENT: no certificate, or no key; MO_EINVAL, MO_ELIMIT: the certificate cannot be read, or the key is another one's;
 * MO_ECORRUPT: the key cannot be read or its halves do not belong together; errors of files; all with diag. */
MO_MUST_USE int keystore_load(struct buf *key, struct buf *crt, const struct keystore *ks, enum key_purpose p, struct diag *d);
/* Makes or replaces. crt is empty where the row has none. */
MO_MUST_USE int keystore_put(const struct keystore *ks, enum key_purpose p, struct span key, struct span crt, struct diag *d);
/* A damaged key's file becomes NAME.bad. 0 also when there is none. */
MO_MUST_USE int keystore_set_aside(const struct keystore *ks, enum key_purpose p, struct diag *d);
MO_MUST_USE int keystore_has_crt(bool *ret, const struct keystore *ks, enum key_purpose p, struct diag *d);

struct key_listed {
	enum key_purpose purpose;
	bool good;               /* it can be used; else `why` says why not */
	bool certified;          /* `info` is of its certificate; else info.sha256 alone, of its public key (SubjectPublicKeyInfo) */
	struct pki_info info;
	struct diag why;         /* MSG_NONE with !good: there is none */
};
/* What it holds, never the keys. MO_ENOMEM. */
MO_MUST_USE int keystore_list(struct key_listed ret[KEY_PURPOSES], const struct keystore *ks, struct diag *d);

/* Wipes and frees. */
void keystore_wipe(struct buf *key);

#endif
