#include "node/listen.h"

#include "os/address.h"

int listen_address(char out[LISTEN_TEXT_MAX], const char *address, struct diag *d)
{
	if (address_read(strcmp(address, "localhost") == 0 ? "127.0.0.1" : address, out, LISTEN_TEXT_MAX) != ADDRESS_NONE)
		return 0;
	(void)diag_set(d, MO_EINVAL, MSG_LISTEN_NO_ADDRESS);
	diag_value(d, span_str(address));
	diag_expected(d, "127.0.0.1, ::1");
	return MO_EINVAL;
}

int listen_allowed(const char *address, bool tls, bool account, struct diag *d)
{
	char text[LISTEN_TEXT_MAX];
	int err = listen_address(text, address, d);
	if (err != 0)
		return err;
	if (address_read(text, NULL, 0) == ADDRESS_LOOPBACK || (tls && account))
		return 0;
	(void)diag_set(d, MO_EDENIED, tls ? MSG_LISTEN_NEEDS_ACCOUNT : account ? MSG_LISTEN_NEEDS_TLS : MSG_LISTEN_NEEDS_BOTH);
	diag_value(d, span_str(address));
	diag_expected(d, "127.0.0.1, ::1");
	return MO_EDENIED;
}
