package conformance

import (
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestClearTriesAgain checks that a pairing that was not removed after its row, as when the
// admin's connect hits a rate limit, is removed by the next clear.
func TestClearTriesAgain(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(httpdtest.New(t, httpdtest.Options{}))
	t.Cleanup(server.Close)
	var asked protocol.ConnectResult
	requester := httpdtest.Dial(t, server.URL, nil)
	requester.Read(requester.OK(protocol.MethodConnect, `{}`), &asked)
	made := newLeftovers()
	made.add(madeCode, asked.PairingCode)
	refused := Target{URL: server.URL, Token: "wrong"}
	if left := made.clear(t.Context(), refused, kinds()...); !slices.Equal(left,
		[]string{"1 of kind pairing"}) {
		t.Errorf("the refused clear leaves %q, want the pairing", left)
	}
	if left := made.clear(t.Context(), Target{URL: server.URL, Token: httpdtest.Token},
		kinds()...); len(left) > 0 {
		t.Errorf("the next clear leaves %q", left)
	}
	admin := httpdtest.Dial(t, server.URL, nil)
	admin.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`"}`)
	var devices protocol.DeviceListResult
	admin.Read(admin.OK(protocol.MethodDeviceList, ""), &devices)
	if len(devices.Pending)+len(devices.Paired) > 0 {
		t.Errorf("left are %+v", devices)
	}
}

// TestLeavesNothing walks the rows that create something of each kind, on a gateway that
// has other data, and checks that only the other data is left.
func TestLeavesNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(httpdtest.New(t, httpdtest.Options{TrustedProxies: loopback()}))
	t.Cleanup(server.Close)
	connect := func() *httpdtest.Client {
		c := httpdtest.Dial(t, server.URL, nil)
		c.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`"}`)
		return c
	}
	connect().OK(protocol.MethodChatSend, `{"message":"echo mine","sessionKey":"mine"}`)

	target := Target{URL: server.URL, Token: httpdtest.Token, Proxied: true}
	of := []string{"connect", pairingSection, "Chat", "Chat: sessions and system", "HTTP"}
	results, left := Walk(t.Context(), target,
		Plan{Want: func(r Row) bool { return r.Wait == 0 && slices.Contains(of, r.Section) }})
	if len(results) < 60 || len(left) > 0 {
		t.Errorf("%d rows, which leave %v; want at least 60, which leave nothing", len(results),
			left)
	}
	if err := Rows()[0].Check(t.Context(), target); err != nil {
		t.Error(err)
	}
	admin := connect()
	var sessions protocol.SessionsListResult
	admin.Read(admin.OK(protocol.MethodSessionsList, `{"all":true}`), &sessions)
	if len(sessions.Sessions) != 1 || sessions.Sessions[0].Key != "mine" {
		t.Errorf("%d sessions: %+v", len(sessions.Sessions), sessions)
	}
	var devices protocol.DeviceListResult
	admin.Read(admin.OK(protocol.MethodDeviceList, ""), &devices)
	if len(devices.Pending) > 0 || len(devices.Paired) > 0 {
		t.Errorf("%d pending pairings, %d devices, want none: %+v", len(devices.Pending),
			len(devices.Paired), devices)
	}
	var keys protocol.KeysListResult
	admin.Read(admin.OK(protocol.MethodKeysList, ""), &keys)
	for _, k := range keys.Keys { // revoked keys are listed for a while
		if k.RevokedAt == 0 {
			t.Errorf("a key is left: %+v", k)
		}
	}
}
