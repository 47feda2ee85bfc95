//go:build !js

package app

import (
	"fmt"
	"strings"
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// gatewayStore is the store of a gateway, shared by the connections of several tabs. It
// stores the message of an idempotency key once, and sends it to all connections.
type gatewayStore struct {
	mu       sync.Mutex
	gateways []*fakeGateway
	acks     map[string]string             // by key
	logs     map[string][]protocol.Message // by session
}

func newGatewayStore() *gatewayStore {
	return &gatewayStore{acks: map[string]string{}, logs: map[string][]protocol.Message{}}
}

// serve makes g a connection to the store.
func (s *gatewayStore) serve(g *fakeGateway) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateways = append(s.gateways, g)
	g.answer("chat.send", s.send)
	g.answer("chat.history", s.history)
	g.answer("chat.replay", s.replay)
}

func (s *gatewayStore) send(p params) (string, *protocol.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, session := p.text("idempotencyKey"), p.text("sessionKey")
	if ack := s.acks[key]; ack != "" {
		return fmt.Sprintf(ack, "duplicate"), nil
	}
	seq := len(s.logs[session]) + 1
	m := protocol.Message{ID: fmt.Sprint(session, "-", seq), Role: "user", Content: p.text("message"),
		Status: "complete", CreatedAt: 1, Seq: int64(seq)}
	s.logs[session] = append(s.logs[session], m)
	s.acks[key] = fmt.Sprintf(`{"runId":"r","sessionKey":%q,"messageId":%q,"seq":%d,"epoch":"e","status":"%%s"}`, session, m.ID, seq)
	event := protocol.ChatEvent{Type: "message", SessionKey: session, Message: m}
	for _, g := range s.gateways {
		g.eventIfUp("chat", string(event.AppendJSON(nil)), seq)
	}
	return fmt.Sprintf(s.acks[key], "accepted"), nil
}

func (s *gatewayStore) history(p params) (string, *protocol.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := p.text("sessionKey")
	if len(s.logs[key]) == 0 {
		return "", protocol.Refuse(protocol.NotFound, "no such session")
	}
	h := protocol.ChatHistoryResult{Messages: s.logs[key], SessionKey: key, Epoch: "e",
		LastSeq: int64(len(s.logs[key]))}
	return string(h.AppendJSON(nil)), nil
}

// replay returns the messages after a seq.
func (s *gatewayStore) replay(p params) (string, *protocol.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := p.text("sessionKey")
	after, log := int(p["afterSeq"].(float64)), s.logs[key]
	if len(log) == 0 {
		return "", protocol.Refuse(protocol.NotFound, "no such session")
	}
	r := protocol.ChatReplayResult{SessionKey: key, Epoch: "e", LastSeq: int64(len(log))}
	for _, m := range log[min(after, len(log)):] {
		event := protocol.ChatEvent{Type: "message", SessionKey: key, Message: m}
		r.Events = append(r.Events, protocol.Frame{Type: "event", Event: "chat", Seq: m.Seq,
			Payload: event.AppendJSON(nil)})
	}
	return string(r.AppendJSON(nil)), nil
}

// texts returns the messages of a session.
func (s *gatewayStore) texts(session string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, m := range s.logs[session] {
		list = append(list, m.Content)
	}
	return strings.Join(list, " ")
}

// eventIfUp sends an event if there is a connection.
func (g *fakeGateway) eventIfUp(name, payload string, seq int) {
	g.mu.Lock()
	up := g.socket != nil && !g.socket.ended && !g.down
	g.mu.Unlock()
	if up {
		g.event(name, payload, seq)
	}
}
