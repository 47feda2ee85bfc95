package native_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateway is a minimal gateway: it accepts one token, and has one session, whose agent
// repeats each message, one word an event.
type gateway struct {
	server *httptest.Server
	cut    int // the connection is cut, once, when the session has so many events; 0: not

	mu  sync.Mutex
	log [][]byte // the session's events, as frames

	upward func(*http.Request)                           // sees each upgrade
	hail   func(protocol.ConnectParams)                  // sees each hello
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
		case protocol.MethodChatHistory:
			err = write(ctx, conn, protocol.AppendError(nil, r.ID, protocol.Refuse(protocol.NotFound, "there is no such session")))
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
	if g.hail != nil {
		g.hail(p)
	}
	if p.Token != "" && p.Token != "open-sesame" {
		return write(ctx, conn, protocol.AppendError(nil, r.ID, protocol.Refuse(protocol.Unauthorized, "invalid token")))
	}
	res := &protocol.ConnectResult{
		Protocol: 3, Role: protocol.Admin, UserID: "admin", Server: protocol.Server{Name: "gatehouse", Version: "test"},
	}
	g.mu.Lock()
	var missed [][]byte
	for _, c := range p.Resume {
		res.Resumed = append(res.Resumed, protocol.ResumedCursor{
			SessionKey: c.SessionKey, Status: protocol.ResumeLive, Epoch: epoch, LastSeq: int64(len(g.log))})
		missed = g.log[c.AfterSeq:]
	}
	g.mu.Unlock()
	err := write(ctx, conn, protocol.AppendResult(nil, r.ID, res))
	for _, frame := range missed {
		_ = write(ctx, conn, frame)
	}
	n := g.hellos.Add(1)
	if g.after != nil {
		g.after(ctx, conn, n)
	}
	return err
}

const epoch = "e1"

func (g *gateway) chat(ctx context.Context, conn *websocket.Conn, r protocol.Request) error {
	var p protocol.ChatSendParams
	if err := json.Unmarshal(r.Params, &p); err != nil {
		return err
	}
	if err := write(ctx, conn, protocol.AppendResult(nil, r.ID, &protocol.ChatSendResult{
		RunID: "run-1", SessionKey: p.SessionKey, MessageID: "msg-1", Seq: 2, Epoch: epoch, Status: protocol.SendAccepted,
	})); err != nil {
		return err
	}
	agent := func(kind string, payload protocol.Payload) {
		e := protocol.AgentEvent{Type: kind, SessionKey: p.SessionKey, RunID: "run-1", Channel: protocol.ChannelWS, Payload: payload.AppendJSON(nil)}
		g.publish(ctx, conn, protocol.EventAgent, &e)
	}
	g.publish(ctx, conn, protocol.EventSessionUpdated, &protocol.SessionUpdated{
		SessionKey: p.SessionKey, Change: protocol.SessionCreated, Session: &protocol.Session{Key: p.SessionKey, Epoch: epoch}})
	g.publish(ctx, conn, protocol.EventChat, &protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: p.SessionKey, Message: protocol.Message{
		ID: "msg-1", Role: protocol.FromUser, Status: protocol.StatusComplete, Content: p.Message, RunID: "run-1"}})
	agent(protocol.RunStarted, &protocol.RunStartedPayload{MessageID: "msg-2", UserMessageID: "msg-1"})
	said := ""
	for i, w := range strings.Fields(p.Message) {
		piece := strconv.Itoa(i+1) + " " + w
		said += piece
		agent(protocol.RunChunk, &protocol.TextPayload{Content: piece})
	}
	agent(protocol.RunCompleted, &protocol.RunCompletedPayload{MessageID: "msg-2", Content: said})
	return nil
}

// publish stores an event, and sends it if a client is connected.
func (g *gateway) publish(ctx context.Context, conn *websocket.Conn, name string, payload protocol.Payload) {
	g.mu.Lock()
	defer g.mu.Unlock()
	frame := protocol.AppendEvent(nil, name, payload.AppendJSON(nil), int64(len(g.log)+1))
	g.log = append(g.log, frame)
	_ = write(ctx, conn, frame)
	if len(g.log) == g.cut {
		_ = conn.CloseNow()
	}
}

func write(ctx context.Context, conn *websocket.Conn, frame []byte) error {
	return conn.Write(ctx, websocket.MessageText, frame)
}
