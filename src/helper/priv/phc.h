/* The text of a hash, taken apart. */
#ifndef MO_HELPER_PHC_H
#define MO_HELPER_PHC_H

#include "helper/password.h"

struct phc {
	uint32_t ln, r, p;
	uint8_t salt[PASSWORD_SALT_BYTES_MAX], hash[PASSWORD_HASH_BYTES_MAX];
	size_t salt_n, hash_n;
};
/* MO_EINVAL: not this format, or outside its limits. One text only means one hash: no leading zeros, no stray bits. */
MO_MUST_USE int phc_parse(struct phc *ret, struct span text);
void phc_write(struct buf *out, const struct phc *p);

#endif
