package gateway_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// connectRequest is how a connection of BenchmarkIdle authenticates.
type connectRequest struct {
	header http.Header // of the upgrade
	params string      // of connect
}

// BenchmarkIdle reports the memory of an idle connection, including the client's side: of
// users with the gateway token, with API keys and with browsers, and of strangers. Each
// connection has an address of its own.
func BenchmarkIdle(b *testing.B) {
	for name, c := range map[string]struct {
		connections    int
		connectRequest func(b *testing.B, gw *testGateway, i int) connectRequest
	}{
		"token": {2000, func(_ *testing.B, _ *testGateway, i int) connectRequest {
			return connectRequest{nil, fmt.Sprintf(`{"token":%q,"user_id":"user%d"}`, httpdtest.Token, i)}
		}},
		"key": {400, func(b *testing.B, gw *testGateway, i int) connectRequest {
			return connectRequest{nil, fmt.Sprintf(`{"token":%q}`,
				gw.key(b, protocol.Viewer, fmt.Sprintf("user%d", i)).Key)}
		}},
		"browser": {400, pairedBrowser},
		"stranger": {2000, func(*testing.B, *testGateway,
			int) connectRequest {
			return connectRequest{nil, `{"token":"wrong"}`}
		}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				gw := newTestGateway(b, httpdtest.Options{Limits: func() registry.Limits {
					return registry.Limits{PendingConnections: c.connections + 1}
				}})
				requests := make([]connectRequest, c.connections)
				for i := range requests {
					requests[i] = c.connectRequest(b, gw, i)
				}
				before := int(heap()) + stacks()
				held := make([]*rawws.Conn, len(requests))
				for i, g := range requests {
					held[i] = gw.connectRaw(b, g, from(fmt.Sprintf("10.1.%d.%d", i/250, i%250)))
				}
				b.ReportMetric(float64(int(heap())+stacks()-before)/float64(len(requests)), "B/conn")
				for _, c := range held {
					_ = c.Close()
				}
				gw.untilConnections(b, 0)
			}
		})
	}
}

// pairedBrowser pairs a browser of a new user.
func pairedBrowser(b *testing.B, gw *testGateway, i int) connectRequest {
	secret := pairing.NewCredential()
	asked, err := gw.Pairings.Request(b.Context(),
		pairing.Requester{Secret: secret, Address: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8),
			byte(i)})})
	if err != nil {
		b.Fatal(err)
	}
	approve := protocol.DeviceApproveParams{Code: asked.Code, UserID: fmt.Sprintf("user%d", i),
		Role: protocol.Operator}
	if _, err := gw.Pairings.Approve(b.Context(), "boss", approve); err != nil {
		b.Fatal(err)
	}
	return connectRequest{http.Header{"Cookie": {"gatehouse_" + gw.Store.InstanceID() + "=" + secret}}, "{}"}
}

// connectRaw opens a connection and waits for the answer to its connect.
func (gw *testGateway) connectRaw(b *testing.B, g connectRequest, header http.Header) *rawws.Conn {
	b.Helper()
	maps.Copy(header, g.header)
	c, err := rawws.Dial(b.Context(), gw.url+"/ws", header, nil)
	const text = 1 // RFC 6455 §5.2
	if err == nil {
		err = c.WriteFrame(rawws.Frame{Opcode: text, Payload: frameOf(protocol.MethodConnect, g.params)})
	}
	if err == nil {
		_, err = c.ReadFrame()
	}
	if err != nil {
		b.Fatal(err)
	}
	return c
}
