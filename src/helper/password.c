#include "helper/password.h"

#include "helper/priv/phc.h"
#include "helper/wire.h"
#include "os/crypto.h"

static int compute(uint8_t *out, const struct phc *p, struct span password)
{
	return os_scrypt(out, p->hash_n, password, span_of(p->salt, p->salt_n), UINT64_C(1) << p->ln, p->r, p->p);
}

int password_hash(struct buf *out, struct span password)
{
	struct phc p = {.ln = PASSWORD_LN, .r = PASSWORD_R, .p = PASSWORD_P, .salt_n = PASSWORD_SALT_BYTES, .hash_n = PASSWORD_HASH_BYTES};
	if (password.n > HELPER_PASSWORD_MAX)
		return MO_ELIMIT;
	int err = os_random(p.salt, p.salt_n);
	if (!err)
		err = compute(p.hash, &p, password);
	if (!err) {
		phc_write(out, &p);
		err = out->err;
	}
	crypto_wipe(&p, sizeof p);
	return err;
}

int password_verify(bool *ret, struct span text, struct span password)
{
	struct phc p;
	uint8_t got[PASSWORD_HASH_BYTES_MAX];
	if (password.n > HELPER_PASSWORD_MAX || text.n > HELPER_HASH_TEXT_MAX)
		return MO_ELIMIT;
	int err = phc_parse(&p, text);
	if (err)
		return err;
	err = compute(got, &p, password);
	if (!err)
		*ret = crypto_equal(span_of(got, p.hash_n), span_of(p.hash, p.hash_n));
	crypto_wipe(got, sizeof got);
	crypto_wipe(&p, sizeof p);
	return err;
}
