/* The canonical key of a series taken apart: `measurement[,tag=value…] field`,
 * in which ',', ' ', '=' and '\' of names stand behind a '\'. */
#ifndef MO_QUERY_PRIV_KEY_H
#define MO_QUERY_PRIV_KEY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define KEY_TAGS_MAX 64u

struct key_tag {
	struct span key, value;
};
struct key_parts {
	struct span measurement, field;    /* with their escapes */
	struct key_tag tags[KEY_TAGS_MAX]; /* as they stand: sorted by key */
	size_t n_tags;
};
/* Borrows key. MO_EINVAL: not a canonical key. */
MO_MUST_USE int key_split(struct key_parts *ret, struct span key);
/* Without escapes, appended to out. */
void key_plain(struct buf *out, struct span raw);

#endif
