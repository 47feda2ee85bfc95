package native_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateway is the least that speaks the protocol: it takes one token, and answers
// what it is told with the same words, one an event.
type gateway struct {
	server *httptest.Server
	upward func(*http.Request)                           // sees each upgrade
	after  func(context.Context, *websocket.Conn, int32) // after a hello
	hellos atomic.Int32
}

func newGateway() *gateway {
	g := &gateway{}
	g.server = httptest.NewServer(g)
	return g
}

func (g *gateway) address() string { return "ws" + strings.TrimPrefix(g.server.URL, "http") }

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/ws" {
		http.Error(w, "no such page", http.StatusForbidden)
		return
	}
	if g.upward != nil {
		g.upward(r)
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow() //nolint:errcheck // the test's end
	conn.SetReadLimit(protocol.MaxFrameBytes)
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	_ = g.talk(ctx, conn)
}

func (g *gateway) talk(ctx context.Context, conn *websocket.Conn) error {
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		var r protocol.Request
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		switch r.Method {
		case protocol.MethodConnect:
			err = g.hello(ctx, conn, r)
		case protocol.MethodChatSend:
			err = g.chat(ctx, conn, r)
		default:
			err = write(ctx, conn, protocol.AppendError(nil, r.ID, protocol.Refuse(protocol.InvalidRequest, "unknown method: "+r.Method)))
		}
		if err != nil {
			return err
		}
	}
}

func (g *gateway) hello(ctx context.Context, conn *websocket.Conn, r protocol.Request) error {
	var p protocol.ConnectParams
	if err := json.Unmarshal(r.Params, &p); err != nil {
		return err
	}
	if p.Token != "" && p.Token != "open-sesame" {
		return write(ctx, conn, protocol.AppendError(nil, r.ID, protocol.Refuse(protocol.Unauthorized, "invalid token")))
	}
	err := write(ctx, conn, protocol.AppendResult(nil, r.ID, &protocol.ConnectResult{
		Protocol: 3, Role: protocol.Admin, UserID: "admin", Server: protocol.Server{Name: "gatehouse", Version: "test"},
	}))
	n := g.hellos.Add(1)
	if g.after != nil {
		g.after(ctx, conn, n)
	}
	return err
}

func (g *gateway) chat(ctx context.Context, conn *websocket.Conn, r protocol.Request) error {
	var p protocol.ChatSendParams
	if err := json.Unmarshal(r.Params, &p); err != nil {
		return err
	}
	if err := write(ctx, conn, protocol.AppendResult(nil, r.ID, &protocol.ChatSendResult{
		RunID: "run-1", SessionKey: p.SessionKey, MessageID: "msg-1", Seq: 1, Status: protocol.SendAccepted,
	})); err != nil {
		return err
	}
	seq := int64(1)
	say := func(kind string, payload protocol.Payload) error {
		seq++
		e := protocol.AgentEvent{Type: kind, SessionKey: p.SessionKey, RunID: "run-1", Channel: protocol.ChannelWS, Payload: payload.AppendJSON(nil)}
		return write(ctx, conn, protocol.AppendEvent(nil, protocol.EventAgent, e.AppendJSON(nil), seq))
	}
	words := strings.Fields(p.Message)
	_ = say(protocol.RunStarted, &protocol.RunStartedPayload{MessageID: "msg-2", UserMessageID: "msg-1"})
	for i, w := range words {
		_ = say(protocol.RunChunk, &protocol.TextPayload{Content: strconv.Itoa(i+1) + " " + w})
	}
	return say(protocol.RunCompleted, &protocol.RunCompletedPayload{MessageID: "msg-2", Content: p.Message})
}

func write(ctx context.Context, conn *websocket.Conn, frame []byte) error {
	return conn.Write(ctx, websocket.MessageText, frame)
}
