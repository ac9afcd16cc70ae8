/* The owner's trust list in the store: one document (class "trust") for each
 * certificate, named by its SHA-256 in hexadecimal, with history and undo.
 *
 *   {"state":"waiting|trusted|refused","purposes":["https-out",…],"authority",
 *    "label","peer","by","added","certificate":PEM}
 *
 *   (unknown) --a peer shows it--> waiting --owner--> trusted <--owner--> refused
 *   (unknown) --owner adds it----------------------------^
 *
 * What waits is bounded by TRUST_WAITING_MAX: with so many, further ones are
 * told in the sink's trouble alone, and nobody's decision is pushed out. */
#ifndef MO_NODE_TRUST_H
#define MO_NODE_TRUST_H

#include "base/buf.h"
#include "os/trust.h"
#include "store/store.h"

#define TRUST_MAX 256u       /* certificates in all */
#define TRUST_WAITING_MAX 32u
#define TRUST_LABEL_MAX 64u  /* bytes of UTF-8 */
#define TRUST_PEER_MAX 80u   /* "sink:" and its name */
#define TRUST_BY_MAX 128u
#define TRUST_NAME_TEXT 65u  /* of the document, with NUL */

struct trust_entry {
	enum trust_state state;
	trust_purpose_set purposes;
	bool authority;              /* trusted for what it signed as well (os/trust.h) */
	char label[TRUST_LABEL_MAX + 1];
	char peer[TRUST_PEER_MAX + 1]; /* who showed it; "": an owner gave it */
	char by[TRUST_BY_MAX + 1];   /* who decided last; "": nobody */
	int64_t added_ns;            /* node time */
	char pem[TRUST_PEM_MAX + 1];
};
/* As it is stored. MO_EINVAL, MO_ENOMEM with diag. */
MO_MUST_USE int trust_entry_read(struct trust_entry *ret, struct span json, struct diag *d);
void trust_entry_write(struct buf *out, const struct trust_entry *e);
/* The name of a certificate's document. */
void trust_entry_name(char out[TRUST_NAME_TEXT], const uint8_t sha256[32]);
/* 64 hexadecimal digits in lower case. MO_EINVAL. */
MO_MUST_USE int trust_name_check(struct span name, struct diag *d);
/* An array of names of purposes, at least one. MO_EINVAL with field and what was expected. */
struct json_value;
MO_MUST_USE int trust_purposes_read(trust_purpose_set *ret, const struct json_value *root, struct diag *d);

/* All of the store's. One that cannot be read (a newer program's, say) is nobody's and is counted in *ret_unread. On a worker. */
MO_MUST_USE int trust_load(struct trust_list **ret, size_t *ret_unread, struct store_reader *r, struct diag *d);

#endif
