package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestMain allows for the clock that the highlighter's regular expressions keep
// for a second after their last match.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// testGateway is a gateway on a loopback port that trusts the tests as proxies.
type testGateway struct {
	*httpdtest.Server
	url       string
	addresses atomic.Int64 // of integrate
}

func newTestGateway(t testing.TB, o httpdtest.Options) *testGateway {
	t.Helper()
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	gw := httpdtest.New(t, o)
	server := httptest.NewServer(gw)
	t.Cleanup(server.Close)
	return &testGateway{Server: gw, url: server.URL}
}

// client is one connection.
type client = httpdtest.Client

func (gw *testGateway) dial(t testing.TB, header http.Header) *client {
	t.Helper()
	return httpdtest.Dial(t, gw.url, header)
}

// from is the header of a request from the address.
func from(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }

// admin connects with the gateway token.
func (gw *testGateway) admin(t testing.TB, user string) *client {
	t.Helper()
	c := gw.dial(t, nil)
	c.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`","user_id":"`+user+`"}`)
	return c
}

// paired is a paired device.
type paired struct {
	secret string
	protocol.PairedDevice
}

// pair pairs a device.
func (gw *testGateway) pair(t testing.TB, role protocol.Role, user string) paired {
	t.Helper()
	c := gw.dial(t, nil)
	var asked protocol.ConnectResult
	c.Read(c.OK(protocol.MethodConnect, `{}`), &asked)
	approved, err := gw.Pairings.Approve(t.Context(), "test",
		protocol.DeviceApproveParams{Code: asked.PairingCode, Role: role, UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	return paired{asked.SenderID, approved.Device}
}

// device connects with the credential of a paired device.
func (gw *testGateway) device(t testing.TB, d paired) *client {
	t.Helper()
	c := gw.dial(t, nil)
	c.OK(protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	return c
}

// member connects as a user of a role.
func (gw *testGateway) member(t testing.TB, role protocol.Role, user string) *client {
	t.Helper()
	return gw.device(t, gw.pair(t, role, user))
}

// open creates a session of the client's user.
func open(c *client, key string) {
	c.OK(protocol.MethodChatSend, `{"message":"echo `+key+`","sessionKey":"`+key+`"}`)
}
