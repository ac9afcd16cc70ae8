/* What a device needs to believe the node's certificate; which keys the node holds. */
#include "api/priv/api.h"
#include "node/keystore.h"
#include "node/trust.h"

int get_ca_certificate(struct api_call *c)
{
	struct span pem = node_ca(c->node);
	if (pem.n == 0)
		return diag_set(c->d, MO_ENOENT, MSG_API_NO_CA);
	c->content = "application/x-x509-ca-cert"; /* phones offer to install it */
	c->disposition = "attachment; filename=\"moru-ca.crt\"";
	buf_add(&c->out, pem);
	return 0;
}

int get_keys(struct api_call *c)
{
	const struct keystore ks = {.vfs = node_folder(c->node)->vfs, .dir = node_folder(c->node)->path};
	struct key_listed *l = arena_alloc(&c->arena, KEY_PURPOSES * sizeof *l);
	struct json_writer *w = &c->w;
	char text[TRUST_NAME_TEXT];
	int err = l ? keystore_list(l, &ks, c->d) : MO_ENOMEM;
	if (err != 0)
		return err;
	jw_object(w);
	jw_key(w, "items");
	jw_array(w);
	for (unsigned i = 0; i < KEY_PURPOSES; i++) {
		const struct key_row *r = keystore_row(l[i].purpose);
		bool shown = l[i].info.subject[0] || l[i].good;
		trust_entry_name(text, l[i].info.sha256);
		jw_object(w);
		jw_key(w, "purpose");
		jw_cstr(w, r->name);
		jw_key(w, "use");
		jw_cstr(w, r->use);
		jw_key(w, "algorithm");
		jw_cstr(w, r->algorithm);
		jw_key(w, "renewal");
		jw_cstr(w, keystore_renewal_name(r->renewal));
		jw_key(w, "in_backups");
		jw_bool(w, r->in_backups);
		jw_key(w, "good");
		jw_bool(w, l[i].good);
		jw_key(w, "trouble");
		api_words(w, &l[i].why);
		jw_key(w, "fingerprint");
		if (shown)
			jw_cstr(w, text);
		else
			jw_null(w);
		jw_key(w, "certificate");
		if (l[i].certified && shown) {
			jw_object(w);
			trust_write_cert(w, &l[i].info);
			jw_object_end(w);
		} else {
			jw_null(w);
		}
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_key(w, "next");
	jw_null(w);
	jw_object_end(w);
	return 0;
}
