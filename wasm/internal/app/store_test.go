//go:build !js

package app

import (
	"fmt"
	"strings"
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// ledger is a gateway's store, shared by the connections of several tabs: it takes
// each key once, and tells all of them.
type fakeStore struct {
	mu       sync.Mutex
	gateways []*fakeGateway
	acks     map[string]string             // by key
	logs     map[string][]protocol.Message // by session
}

func newFakeStore() *fakeStore {
	return &fakeStore{acks: map[string]string{}, logs: map[string][]protocol.Message{}}
}

// serve makes g a connection to the ledger.
func (l *fakeStore) serve(g *fakeGateway) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gateways = append(l.gateways, g)
	g.answer("chat.send", l.send)
	g.answer("chat.history", l.history)
	g.answer("chat.replay", l.replay)
}

func (l *fakeStore) send(p params) (string, *protocol.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key, session := p.text("idempotencyKey"), p.text("sessionKey")
	if had := l.acks[key]; had != "" {
		return fmt.Sprintf(had, "duplicate"), nil
	}
	seq := len(l.logs[session]) + 1
	m := protocol.Message{ID: fmt.Sprint(session, "-", seq), Role: "user", Content: p.text("message"),
		Status: "complete", CreatedAt: 1, Seq: int64(seq)}
	l.logs[session] = append(l.logs[session], m)
	l.acks[key] = fmt.Sprintf(`{"runId":"r","sessionKey":%q,"messageId":%q,"seq":%d,"epoch":"e","status":"%%s"}`, session, m.ID, seq)
	event := protocol.ChatEvent{Type: "message", SessionKey: session, Message: m}
	for _, g := range l.gateways {
		g.eventIfUp("chat", string(event.AppendJSON(nil)), seq)
	}
	return fmt.Sprintf(l.acks[key], "accepted"), nil
}

func (l *fakeStore) history(p params) (string, *protocol.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := p.text("sessionKey")
	if len(l.logs[key]) == 0 {
		return "", protocol.Refuse(protocol.NotFound, "no such session")
	}
	h := protocol.ChatHistoryResult{Messages: l.logs[key], SessionKey: key, Epoch: "e",
		LastSeq: int64(len(l.logs[key]))}
	return string(h.AppendJSON(nil)), nil
}

// replay gives the messages after a seq.
func (l *fakeStore) replay(p params) (string, *protocol.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := p.text("sessionKey")
	after, log := int(p["afterSeq"].(float64)), l.logs[key]
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

// texts are the messages of a session.
func (l *fakeStore) texts(session string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for _, m := range l.logs[session] {
		list = append(list, m.Content)
	}
	return strings.Join(list, " ")
}

// eventIfUp sends an event where there is a connection.
func (g *fakeGateway) eventIfUp(name, payload string, seq int) {
	g.mu.Lock()
	up := g.socket != nil && !g.socket.ended && !g.down
	g.mu.Unlock()
	if up {
		g.event(name, payload, seq)
	}
}
