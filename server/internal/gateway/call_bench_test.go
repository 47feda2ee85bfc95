package gateway_test

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// BenchmarkCall measures one request and its answer, by caller: a user in an own session,
// an admin in an own session, and an admin in another user's.
func BenchmarkCall(b *testing.B) {
	gw := newTestGateway(b, httpdtest.Options{})
	user, admin := gw.member(b, protocol.Operator, "user"), gw.admin(b, "boss")
	open(user, "theirs")
	open(admin, "own")
	for _, caller := range []struct {
		name, session string
		client        *client
	}{{"user", "theirs", user}, {"admin", "own", admin}, {"admin elsewhere", "theirs", admin}} {
		for _, call := range []struct{ method, params string }{
			{protocol.MethodChatStatus, `{"sessionKey":"` + caller.session + `"}`},
			{protocol.MethodChatHistory, `{"sessionKey":"` + caller.session + `","limit":1}`},
			{protocol.MethodChatReplay, `{"sessionKey":"` + caller.session + `"}`},
			{protocol.MethodChatInject, `{"sessionKey":"` + caller.session + `","message":"x"}`},
			{protocol.MethodChatSend, `{"sessionKey":"` + caller.session + `","message":"echo x"}`},
		} {
			b.Run(caller.name+"/"+call.method, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					caller.client.OK(call.method, call.params)
					caller.client.Events = nil
				}
			})
		}
	}
}
