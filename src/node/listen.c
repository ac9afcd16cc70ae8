#include "node/listen.h"

#include "base/num.h"
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

int listen_place(char address[LISTEN_TEXT_MAX], uint16_t *ret_port, const char *place)
{
	char text[LISTEN_TEXT_MAX];
	const char *colon = strrchr(place, ':');
	int64_t port;
	if (!colon || num_i64(&port, span_str(colon + 1)) != 0 || port < 0 || port > UINT16_MAX)
		return MO_EINVAL;
	size_t n = (size_t)(colon - place);
	bool six = n >= 2 && place[0] == '[' && place[n - 1] == ']';
	if (six) {
		place++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof text)
		return MO_EINVAL;
	memcpy(text, place, n);
	text[n] = 0;
	if ((strchr(text, ':') != NULL) != six || listen_address(address, text, NULL) != 0)
		return MO_EINVAL; /* of "::1:80" nobody knows where the port begins */
	*ret_port = (uint16_t)port;
	return 0;
}

int listen_ingest(char address[LISTEN_TEXT_MAX], uint16_t *ret_port, struct subnets *ret, const char *place, const char *subnets, bool account,
	struct diag *d)
{
	struct span bad;
	int err = listen_place(address, ret_port, place);
	if (err != 0) {
		(void)diag_set(d, err, MSG_INGEST_NO_PLACE);
		diag_value(d, span_str(place));
		diag_expected(d, "0.0.0.0:8086, [::]:8086");
		return err;
	}
	err = subnet_read(ret, span_str(subnets), &bad);
	if (err == MO_ELIMIT) {
		(void)diag_set(d, err, MSG_INGEST_MANY_SUBNETS);
		diag_int(d, 0, SUBNETS_MAX);
		return err;
	}
	if (err != 0 || ret->n == 0) {
		(void)diag_set(d, MO_EINVAL, err != 0 ? MSG_INGEST_BAD_SUBNET : MSG_INGEST_NO_SUBNETS);
		diag_value(d, bad);
		diag_expected(d, "192.168.0.0/24, fd00:1::/64");
		diag_text(d, 0, span_str(place));
		return MO_EINVAL;
	}
	if (account)
		return 0;
	(void)diag_set(d, MO_EDENIED, MSG_INGEST_NEEDS_ACCOUNT);
	diag_text(d, 0, span_str(place));
	return MO_EDENIED;
}
