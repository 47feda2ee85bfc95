package gateway_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// BenchmarkIdle reports what an idle connection takes, the client's side of it included:
// of users with one device each, of users with API keys, and of one that is not
// authenticated.
func BenchmarkIdle(b *testing.B) {
	const connections = 2000
	for name, hello := range map[string]func(h *house, i int) string{
		"token": func(_ *house, i int) string {
			return fmt.Sprintf(`{"token":%q,"user_id":"user%d"}`, httpdtest.Token, i)
		},
		"key": func(h *house, i int) string {
			return fmt.Sprintf(`{"token":%q}`, h.key(b, protocol.Viewer, fmt.Sprintf("user%d", i%400)).Key)
		},
		"stranger": func(*house, int) string { return `{"token":"wrong"}` },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h := newHouse(b, httpdtest.Options{Limits: func() registry.Limits {
					return registry.Limits{PendingConnections: connections + 1}
				}})
				n := connections
				if name == "key" {
					n = 400 // as many keys as there may be, about
				}
				hellos := make([]string, n)
				for i := range hellos {
					hellos[i] = hello(h, i)
				}
				before := int(heap()) + stacks()
				held := make([]*rawws.Conn, 0, n)
				for i, text := range hellos {
					c, err := rawws.Dial(b.Context(), h.url+"/ws", from(fmt.Sprintf("10.1.%d.%d", i/250, i%250)), nil)
					if err == nil {
						err = c.WriteFrame(rawws.Frame{Opcode: 1, Payload: frameOf(protocol.MethodConnect, text)}) // RFC 6455 §5.2
					}
					if err == nil {
						_, err = c.ReadFrame()
					}
					if err != nil {
						b.Fatal(err)
					}
					held = append(held, c)
				}
				b.ReportMetric(float64(int(heap())+stacks()-before)/float64(n), "B/conn")
				for _, c := range held {
					_ = c.Close()
				}
				h.untilEmpty(b, 0)
			}
		})
	}
}
