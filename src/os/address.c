#include "os/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
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

/* IPv6 addresses that are there for one interface alone (RFC 4291 2.5.6), and IPv4's (RFC 3927). */
static bool link_local(const uint8_t *b, size_t n)
{
	return n == 4 ? b[0] == 169 && b[1] == 254 : b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
}

/* In its place by text, unless it stands there. */
static void insert(struct address_list *l, const char *text)
{
	size_t at = 0;
	while (at < l->n && strcmp(l->text[at], text) < 0)
		at++;
	if ((at < l->n && strcmp(l->text[at], text) == 0) || l->n == ADDRESS_MACHINE_MAX)
		return;
	memmove(l->text[at + 1], l->text[at], (l->n - at) * sizeof l->text[0]);
	memcpy(l->text[at], text, strlen(text) + 1);
	l->n++;
}

int address_machine(struct address_list *ret)
{
	struct ifaddrs *all;
	if (getifaddrs(&all) != 0)
		return errno == ENOMEM ? MO_ENOMEM : MO_EIO;
	*ret = (struct address_list){0};
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		char text[ADDRESS_TEXT_MAX];
		uint8_t b[16];
		size_t n = 0;
		if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			memcpy(b, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, n = 4);
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			memcpy(b, &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr, n = 16);
		}
		if (n && !link_local(b, n) && address_text(text, sizeof text, b, n) && address_read(text, NULL, 0) == ADDRESS_ONE)
			insert(ret, text);
	}
	freeifaddrs(all);
	return 0;
}

bool address_list_equal(const struct address_list *a, const struct address_list *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++)
		same = strcmp(a->text[i], b->text[i]) == 0;
	return same;
}
