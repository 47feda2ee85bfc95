package doctor

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestCredentials tries every kind of credential in every state.
func TestCredentials(t *testing.T) {
	t.Parallel()
	gateway := serve(t, httpdtest.New(t, httpdtest.Options{}))
	admin := httpdtest.Dial(t, gateway.URL, nil)
	admin.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`"}`)
	var key, revokedKey protocol.KeysCreateResult
	for _, k := range []*protocol.KeysCreateResult{&key, &revokedKey} {
		admin.Read(admin.OK(protocol.MethodKeysCreate, `{"name":"a","userId":"anna","role":"viewer"}`), k)
	}
	admin.OK(protocol.MethodKeysRevoke, `{"id":"`+revokedKey.ID+`"}`)
	ask := func() (r protocol.ConnectResult) {
		c := httpdtest.Dial(t, gateway.URL, nil)
		c.Read(c.OK(protocol.MethodConnect, `{}`), &r)
		return r
	}
	pending, approved, revoked := ask(), ask(), ask()
	for _, r := range []protocol.ConnectResult{approved, revoked} {
		var let protocol.DeviceApproveResult
		admin.Read(admin.OK(protocol.MethodDeviceApprove, `{"code":"`+r.PairingCode+`","userId":"anna"}`), &let)
		if r.SenderID == revoked.SenderID {
			admin.OK(protocol.MethodDeviceRevoke, `{"deviceId":"`+let.Paired.DeviceID+`"}`)
		}
	}
	for _, row := range []struct {
		name, credential string
		status           Status
		says, mend       string
	}{
		{"gateway token", httpdtest.Token, OK, "user admin, role admin", ""},
		{"wrong token", "wrong", Fail, "invalid token", "gatehouse token"},
		{"key", key.Key, OK, "user anna, role viewer", ""},
		{"revoked key", revokedKey.Key, Fail, "UNAUTHORIZED", "/admin/keys"},
		{"unknown key", "gh_" + strings.Repeat("A", 43), Fail, "UNAUTHORIZED", "/admin/keys"},
		{"device", approved.SenderID, OK, "user anna, role operator", ""},
		{"pending device", pending.SenderID, Fail, "waits for an admin", "approve the code " + pending.PairingCode},
		{"unknown device", "gd_" + strings.Repeat("A", 43), Fail, "NOT_PAIRED", "pair anew"},
		{"revoked device", revoked.SenderID, Fail, "NOT_PAIRED", "pair anew"},
	} {
		r := Examine(t.Context(), Options{URL: gateway.URL, Token: row.credential})
		for _, l := range r.Lines {
			if l.Check != "credential" {
				continue
			}
			if l.Status != row.status || r.Failed() != (row.status == Fail) {
				t.Errorf("%s: %+v", row.name, l)
			}
			if checkLine(t, l, row.says, nil); row.mend != "" {
				checkLine(t, l, row.says, []string{row.mend})
			}
		}
		if strings.Contains(printed(t, r), row.credential) {
			t.Errorf("%s: the report has the credential", row.name)
		}
	}
}

// TestEcho checks that the token is not shown if a server sends it back.
func TestEcho(t *testing.T) {
	t.Parallel()
	gateway := httpdtest.New(t, httpdtest.Options{})
	echo := intercept(gateway, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/readyz" {
			page(503, "", `{"status":"unavailable","cause":"`+httpdtest.Token+`"}`).ServeHTTP(w, r)
		}
		return r.URL.Path == "/readyz"
	})
	r := Examine(t.Context(), Options{URL: serve(t, echo).URL, Token: httpdtest.Token})
	if text := printed(t, r); strings.Contains(text, httpdtest.Token) || !strings.Contains(text, "(the token)") {
		t.Error(text)
	}
}

// TestFullGateway is a gateway that takes no more connections.
func TestFullGateway(t *testing.T) {
	t.Parallel()
	full := serve(t, httpdtest.New(t, httpdtest.Options{Limits: func() registry.Limits { return registry.Limits{Connections: 1} }}))
	httpdtest.Dial(t, full.URL, nil).OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`"}`)
	r := Examine(t.Context(), Options{URL: full.URL})
	checkLine(t, line(t, r, "upgrade"), "no more connections now", []string{"max_connections", "trusted_proxies", "/admin/clients"})

	// As httpd.ConnLimiter refuses: before a request is read.
	r = Examine(t.Context(), Options{URL: serve(t, page(503, "", `{"error":{"code":"RESOURCE_EXHAUSTED","message":"too many connections"}}`)).URL})
	checkLine(t, line(t, r, "health"), "no more connections now", []string{"max_connections"})
}
