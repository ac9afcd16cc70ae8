#include "os/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

enum address_kind address_read(const char *text, char *canonical, size_t size)
{
	static const uint8_t zeros[16], one[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint8_t b[16];
	enum address_kind kind = ADDRESS_ONE;
	size_t n;
	if (inet_pton(AF_INET, text, b) == 1) {
		n = 4;
		kind = b[0] == 127 ? ADDRESS_LOOPBACK : memcmp(b, zeros, 4) == 0 ? ADDRESS_ANY : ADDRESS_ONE;
	} else if (inet_pton(AF_INET6, text, b) == 1) {
		n = 16;
		if (memcmp(b, one, 16) == 0)
			kind = ADDRESS_LOOPBACK;
		else if (memcmp(b, zeros, 16) == 0 || (memcmp(b, mapped, 12) == 0 && memcmp(b + 12, zeros, 4) == 0))
			kind = ADDRESS_ANY;
	} else {
		return ADDRESS_NONE;
	}
	if (canonical && !address_text(canonical, size, b, n))
		return ADDRESS_NONE;
	return kind;
}

bool address_text(char *out, size_t size, const uint8_t *bytes, size_t n)
{
	return (n == 4 || n == 16) && inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, out, (socklen_t)size);
}

int address_hostname(char *out, size_t size)
{
	if (size == 0 || gethostname(out, size) != 0 || !memchr(out, 0, size) || !out[0])
		return MO_ENOENT;
	return 0;
}
