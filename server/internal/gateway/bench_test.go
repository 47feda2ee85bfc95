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

// guest is how a connection of BenchmarkIdle comes in.
type guest struct {
	header http.Header
	params string // of connect
}

// BenchmarkIdle reports what an idle connection takes, the client's side of it included:
// of users that come with the gateway token, with API keys and with browsers, and of one
// that is not authenticated. Each comes from an address of its own.
func BenchmarkIdle(b *testing.B) {
	for name, c := range map[string]struct {
		connections int
		guest       func(b *testing.B, h *testGateway, i int) guest
	}{
		"token": {2000, func(_ *testing.B, _ *testGateway, i int) guest {
			return guest{nil, fmt.Sprintf(`{"token":%q,"user_id":"user%d"}`, httpdtest.Token, i)}
		}},
		"key": {400, func(b *testing.B, h *testGateway, i int) guest {
			return guest{nil, fmt.Sprintf(`{"token":%q}`,
				h.key(b, protocol.Viewer, fmt.Sprintf("user%d", i)).Key)}
		}},
		"browser": {400, browser},
		"stranger": {2000, func(*testing.B, *testGateway,
			int) guest {
			return guest{nil, `{"token":"wrong"}`}
		}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h := newTestGateway(b, httpdtest.Options{Limits: func() registry.Limits {
					return registry.Limits{PendingConnections: c.connections + 1}
				}})
				guests := make([]guest, c.connections)
				for i := range guests {
					guests[i] = c.guest(b, h, i)
				}
				before := int(heap()) + stacks()
				held := make([]*rawws.Conn, len(guests))
				for i, g := range guests {
					held[i] = h.comesIn(b, g, from(fmt.Sprintf("10.1.%d.%d", i/250, i%250)))
				}
				b.ReportMetric(float64(int(heap())+stacks()-before)/float64(len(guests)), "B/conn")
				for _, c := range held {
					_ = c.Close()
				}
				h.untilEmpty(b, 0)
			}
		})
	}
}

// browser is a paired one, of a user of its own.
func browser(b *testing.B, h *testGateway, i int) guest {
	secret := pairing.NewCredential()
	asked, err := h.Pairings.Request(b.Context(),
		pairing.Requester{Secret: secret, Address: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8),
			byte(i)})})
	if err != nil {
		b.Fatal(err)
	}
	approve := protocol.DeviceApproveParams{Code: asked.Code, UserID: fmt.Sprintf("user%d", i),
		Role: protocol.Operator}
	if _, err := h.Pairings.Approve(b.Context(), "boss", approve); err != nil {
		b.Fatal(err)
	}
	return guest{http.Header{"Cookie": {"gatehouse_" + h.Store.InstanceID() + "=" + secret}}, "{}"}
}

// comesIn opens a connection and waits for the answer to its connect.
func (h *testGateway) comesIn(b *testing.B, g guest, header http.Header) *rawws.Conn {
	b.Helper()
	maps.Copy(header, g.header)
	c, err := rawws.Dial(b.Context(), h.url+"/ws", header, nil)
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
