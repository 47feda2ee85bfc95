package conformance

import (
	"fmt"
	"net/http"
	"strings"
)

func apiKeys() []Row {
	const admission, system = "connect", "Chat: sessions and system"
	return []Row{
		{Section: admission, steps: keyIdentity,
			Says: "API key: the key's role; user_id forced to the key's owner"},
		{Section: admission, steps: revokedKey,
			Says: "wrong or revoked key: UNAUTHORIZED, also beside a credential that is good"},
		{Section: system, Says: "api_keys.list|create|revoke (admin)", steps: keysAreForAdmins},
		{Section: system, steps: keyShownOnce,
			Says: "api_keys.create answers {id,key,prefix,…}: the key is shown this once"},
		{Section: system, steps: revokeClosesConnections,
			Says: "api_keys.revoke: its connections close at once (1008: do not reuse this " +
				"credential), no others"},
	}
}

// apiKey is an API key that api_keys.create has made.
type apiKey struct{ id, text, prefix, user string }

// createKey creates an API key; if user is empty, for a new user.
func (c *client) createKey(role, user string) apiKey {
	if user == "" {
		user = c.v.name("user")
	}
	made := c.call("api_keys.create", object{"name": "conformance", "userId": user, "role": role})
	return apiKey{c.v.text(made, "id"), c.v.text(made, "key"), c.v.text(made, "prefix"), user}
}

func keyIdentity(v *visit) {
	admin := v.admin("")
	someone := v.name("user")
	for _, role := range []string{"viewer", "operator", "admin"} {
		k := admin.createKey(role, "")
		claims := object{"user_id": someone, "role": "admin"}
		hello := v.open(authorization("Bearer "+k.text)).call("connect", claims)
		v.want(hello, "user_id", k.user)
		v.want(hello, "role", role)
		claims["token"] = k.text
		hello = v.open(nil).call("connect", claims)
		v.want(hello, "user_id", k.user)
		v.want(hello, "role", role)
	}
}

func revokedKey(v *visit) {
	admin := v.admin("")
	revoked, good := admin.createKey("operator", ""), admin.createKey("operator", "")
	admin.call("api_keys.revoke", object{"id": revoked.id})
	wrong := revoked.text[:len(revoked.text)-4] + strings.Repeat("A", 4)
	for _, text := range []string{revoked.text, wrong} {
		c := v.open(authorization("Bearer " + good.text))
		c.refused("UNAUTHORIZED", "invalid token", "connect", object{"token": text})
		c.refused("UNAUTHORIZED", notFirst, "health", nil)
		c = v.open(authorization("Bearer " + text))
		c.refused("UNAUTHORIZED", "invalid token", "connect", object{})
		if r, _ := v.requestAs(http.MethodGet, "/api/media/"+strings.Repeat("0", 32), text, "",
			nil); r.StatusCode != http.StatusUnauthorized {
			v.fail("over HTTP: %d, want 401", r.StatusCode)
		}
	}
	c := v.open(authorization("Bearer " + revoked.text))
	// The param token takes precedence over the header.
	v.want(c.call("connect", object{"token": good.text}), "user_id", good.user)
}

func keysAreForAdmins(v *visit) {
	admin := v.admin("")
	k := admin.createKey("viewer", "")
	for _, role := range []string{"viewer", "operator"} {
		// Even the keys of the caller's own user are for admins only.
		c := v.connectWith(admin.createKey(role, k.user).text)
		c.refused("UNAUTHORIZED", "requires admin", "api_keys.list", nil)
		c.refused("UNAUTHORIZED", "requires admin", "api_keys.create",
			object{"name": "x", "userId": k.user, "role": "viewer"})
		c.refused("UNAUTHORIZED", "requires admin", "api_keys.revoke", object{"id": k.id})
	}
	v.connectWith(k.text).settle() // it was not revoked
	v.connectWith(admin.createKey("admin", "").text).call("api_keys.list", nil)
}

func keyShownOnce(v *visit) {
	admin := v.admin("")
	k, other := admin.createKey("operator", ""), admin.createKey("operator", "")
	if k.text == other.text || k.id == other.id || !strings.HasPrefix(k.text, k.prefix) ||
		len(k.prefix) > len(k.text)/2 {
		v.fail("the keys %s and %s, prefix %s, are equal, or the prefix is wrong or too long", k.id,
			other.id, k.prefix)
	}
	list := admin.call("api_keys.list", nil)
	entry := v.entry(v.list(list, "keys"), "id", k.id)
	v.want(entry, "prefix", k.prefix)
	v.want(entry, "userId", k.user)
	v.want(entry, "role", "operator")
	if text := fmt.Sprint(list); strings.Contains(text, k.text) ||
		strings.Contains(text, k.text[len(k.prefix):]) {
		v.fail("api_keys.list shows a key")
	}
	admin.refused("INVALID_REQUEST", "role", "api_keys.create",
		object{"name": "x", "userId": k.user, "role": "owner"})
	admin.refused("NOT_FOUND", "", "api_keys.revoke", object{"id": v.name("key")})
}

func revokeClosesConnections(v *visit) {
	admin := v.admin("")
	k := admin.createKey("operator", "")
	other := admin.createKey("operator", k.user)
	first, second := v.connectWith(k.text), v.open(authorization("Bearer "+k.text))
	apart := v.connectWith(other.text)
	second.call("connect", object{})
	admin.call("api_keys.revoke", object{"id": k.id})
	first.closed(1008, "")
	second.closed(1008, "")
	apart.settle()
}
