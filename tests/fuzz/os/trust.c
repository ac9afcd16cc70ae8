/* Any bytes as a certificate that somebody gives, PEM or DER, and as the chain that a peer shows. */
#include <stdlib.h>

#include "os/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct trust_cert cert, again;
	struct diag d;
	struct buf pem;
	struct span s = span_of(p, n);
	struct trust_list *l = NULL;
	enum trust_verdict v;
	buf_init(&pem, 0);
	if (trust_list_new(&l) != 0)
		abort();
	if (trust_cert_read(&cert, &pem, s, "f", &d) == 0) {
		/* What was taken is taken again from what was written, is the same, and fits where it is kept. */
		if (pem.n > TRUST_PEM_MAX || trust_cert_read(&again, NULL, buf_span(&pem), "f", &d) != 0 ||
			memcmp(again.info.sha256, cert.info.sha256, sizeof cert.info.sha256) != 0 || memchr(cert.uri, 0, sizeof cert.uri) == NULL ||
			memchr(cert.key, 0, sizeof cert.key) == NULL)
			abort();
		if (trust_list_add(l, buf_span(&pem), TRUST_TRUSTED, trust_bit(TRUST_HTTPS_OUT), true, &d) != 0)
			abort();
		s = buf_span(&pem);
	} else if (d.msg == MSG_NONE || pem.n) {
		abort();
	}
	for (unsigned i = 0; i < TRUST_PURPOSES; i++) {
		const struct trust_asked q = {.purpose = (enum trust_purpose)i, .name = cert.info.names.n ? cert.info.names.name[0] : "a.example", .who = "w",
			.now_ns = cert.info.not_before_ns};
		int err = trust_verify(&v, l, &q, s, &d);
		if ((err == 0) != (v == TRUST_GOOD) || (err != 0 && d.msg == MSG_NONE) || (v == TRUST_GOOD && i != TRUST_HTTPS_OUT))
			abort();
	}
	trust_list_free(l);
	buf_free(&pem);
	return 0;
}
