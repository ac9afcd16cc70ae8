/* The node's own certificates in its folder: a small authority (CA) that the
 * factory's devices are told to believe once, and a server certificate that it
 * signs and that is made anew before it ends or when the node's names change.
 *
 * Where they lie and how they are replaced: node/keystore.h. A CA is made only
 * where there is no certificate of one. */
#ifndef MO_NODE_KEYS_H
#define MO_NODE_KEYS_H

#include "base/uuid.h"
#include "http/tls.h"
#include "os/address.h"
#include "os/pki.h"
#include "os/vfs.h"

#define KEYS_RENEW_NS (30 * NS_PER_DAY) /* before its end a server certificate is made anew */

/* localhost, 127.0.0.1, ::1, the machine's host name, those of the list (of the settings), and the address listened on; where that is all of the
 * machine's, those of its family (machine may be NULL: none). What is no name is left out (the settings' were checked); so is what comes after
 * PKI_NAMES_MAX. */
void keys_names(struct pki_names *ret, const char *list, const char *address, const struct address_list *machine);

struct keys_who {
	struct vfs *vfs;
	const char *dir;
	const char *name;      /* of the factory, for the CA's */
	const struct uuid *id; /* of the node */
	int64_t now_ns;        /* the PC's clock: it is the browsers' that judge */
};
/* Makes what a folder lacks: CA, server pair. Cheap when nothing does (names are looked at, not contents). With diag. */
MO_MUST_USE int keys_make(const struct keys_who *w, const struct pki_names *names, struct diag *d);

struct keys_pair {
	struct buf chain, key; /* PEM; the key is wiped by keys_free() */
	char chain_file[512], key_file[512];
	struct pki_info info;  /* of the server's certificate */
	bool set_aside;        /* the key that was there was damaged: it is key_file.bad now, and the pair was made anew */
};
/* The server pair to use now, made anew (*ret_made, whose value is written in any case) when it is not this CA's, not its key's, for other
 * names, or has fewer than KEYS_RENEW_NS left. MO_EINVAL: the CA is damaged, without its key, or out of date; nothing was changed then. */
MO_MUST_USE int keys_own(struct keys_pair *ret, bool *ret_made, const struct keys_who *w, const struct pki_names *names, struct diag *d);
/* A pair that somebody gave, by paths (relative ones are below DIR). MO_EINVAL: not certificate and key of each other. Its dates are the
 * caller's to judge (pki_valid_at). */
MO_MUST_USE int keys_given(struct keys_pair *ret, const struct keys_who *w, const char *chain_path, const char *key_path, struct diag *d);
/* What a server takes. */
MO_MUST_USE int keys_tls(struct http_tls **ret, const struct keys_pair *p, struct diag *d);
void keys_free(struct keys_pair *p); /* what keys_own() or keys_given() filled */

#endif
