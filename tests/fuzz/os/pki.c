/* Any bytes as PEM of a certificate or key, and as a list of names. What is read must hold together. */
#include <stdlib.h>

#include "os/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct pki_info info;
	static struct pki_names names, twice;
	struct diag d;
	struct span s = span_of(p, n);
	if (pki_cert_info(&info, s, 0, "f", &d) == 0) {
		if (info.in_chain == 0 || info.names.n > PKI_NAMES_MAX || memchr(info.subject, 0, sizeof info.subject) == NULL)
			abort();
		(void)!pki_valid_at(&info, info.not_after_ns, "f", &d);
		(void)!pki_signed_by(s, s);
	} else if (d.msg == MSG_NONE) {
		abort();
	}
	if (pki_key_fits(s, "k", s, "c", &d) != 0 && d.msg == MSG_NONE)
		abort();
	memset(&names, 0, sizeof names);
	memset(&twice, 0, sizeof twice);
	(void)!pki_names_add_list(&names, s);
	/* What was taken is written in the one way that is taken again, and is there. */
	for (size_t i = 0; i < names.n; i++)
		if (pki_names_add(&twice, span_str(names.name[i])) != 0 || !pki_names_have(&names, span_str(names.name[i])))
			abort();
	if (!pki_names_equal(&names, &twice))
		abort();
	return 0;
}
