package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestStoreFails checks that while the store fails, nobody can connect without the gateway
// token, and every request that needs the store gets an error.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	d := gw.pair(t, protocol.Operator, "user")
	in, waiting := gw.device(t, d), gw.dial(t, nil)
	waiting.OK(protocol.MethodConnect, `{}`)
	open(in, "theirs")
	if err := gw.Store.Close(); err != nil {
		t.Fatal(err)
	}
	out := gw.dial(t, nil)
	for _, params := range []string{`{}`, `{"sender_id":"` + d.secret + `"}`} {
		if e := out.Refused(protocol.Unavailable, "", protocol.MethodConnect, params); !e.Retryable ||
			e.RetryAfterMs <= 0 {
			t.Errorf("%s: %+v is not retryable", params, e)
		}
		out.Refused(protocol.Unauthorized, "first request must be 'connect'", protocol.MethodHealth, "")
	}
	waiting.Refused(protocol.Unavailable, "", protocol.MethodPairingStatus, "")
	for _, m := range gateway.Methods() {
		switch m.Name {
		case protocol.MethodHealth, protocol.MethodStatus, protocol.MethodAgentsList: // need no store
		case protocol.MethodChatReplay: // answers from memory what it can
		default:
			if ofOwner(m) || m.Name == protocol.MethodSessionsList {
				in.Refused(protocol.Unavailable, "", m.Name, useOf(t, m).params)
			}
		}
	}
	var health protocol.HealthResult
	if in.Read(in.OK(protocol.MethodHealth, ""), &health); health.Status != "degraded" {
		t.Errorf("health says %q", health.Status)
	}
	// The gateway token needs no store: an admin can connect and look.
	gw.admin(t, "").OK(protocol.MethodStatus, "")
}

func TestDrain(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	c := gw.admin(t, "user")
	open(c, "theirs")
	gw.Gateway.Drain(2 * time.Second)
	var shutdown protocol.Shutdown
	if c.Read(c.Event(protocol.EventShutdown), &shutdown); shutdown.RetryAfterMs != 2000 {
		t.Errorf("the event says to come back after %d ms", shutdown.RetryAfterMs)
	}
	c.Refused(protocol.Unavailable, "stopping", protocol.MethodChatSend, `{"message":"x"}`)
	c.OK(protocol.MethodChatHistory, keyed)
	refusedWhileDraining(t, gw.url)
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), httpdtest.Timeout)
		defer cancel()
		done <- gw.Gateway.Shutdown(ctx)
	}()
	c.Closed(protocol.CloseShutdown, protocol.ReasonShutdown)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// refusedWhileDraining opens a connection, which must be refused with a message and the
// time of the next try.
func refusedWhileDraining(t *testing.T, url string) {
	t.Helper()
	_, answer, err := websocket.Dial(t.Context(), url+"/ws", nil)
	if err == nil || answer == nil {
		t.Fatalf("a new connection while draining: %v", err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Error struct {
			Code, Message string
			Retryable     bool
			RetryAfterMs  int64
		}
	}
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	e := body.Error
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "2" ||
		e.Code != string(protocol.Unavailable) || e.Message == "" || !e.Retryable ||
		e.RetryAfterMs != 2000 {
		t.Errorf("%s, Retry-After %q, %s", answer.Status, answer.Header.Get("Retry-After"), text)
	}
}

func TestPairingSwitchedOff(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{NoPairing: true})
	c := gw.dial(t, nil)
	c.Refused(protocol.Unauthorized, "does not pair", protocol.MethodConnect, `{}`)
	c.Refused(protocol.Unauthorized, "first request must be 'connect'", protocol.MethodPairingStatus,
		"")
	c.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`"}`)
}

// TestRevokeWhileConnecting connects with a device while the device is being revoked: no
// connection may be left afterwards.
func TestRevokeWhileConnecting(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	for n := range 15 {
		d := gw.pair(t, protocol.Operator, fmt.Sprintf("user%d", n))
		clients := gw.connectWhile(t, n, `{"sender_id":"`+d.secret+`"}`, func() {
			if err := gw.Pairings.Revoke(t.Context(), "test", d.DeviceID, nil); err != nil {
				t.Error(err)
			}
		})
		for _, c := range clients {
			// Either the client is refused, or it was connected and is closed.
			f, err := c.Next()
			if err == nil && f.OK {
				c.Closed(protocol.ClosePolicy, protocol.ReasonRevoked)
			} else if err == nil && f.Error.Code != protocol.NotPaired {
				t.Errorf("refused with %v", f.Error)
			} else if err != nil && websocket.CloseStatus(err) != protocol.ClosePolicy {
				t.Errorf("closed with %v", err)
			}
		}
	}
	gw.untilNoDevices(t)
}

// connectWhile sends connect on several connections while revoke ends their credential. It
// gives the clients when all have sent it; their answers were not read.
func (gw *testGateway) connectWhile(t *testing.T, n int, connect string, revoke func()) []*client {
	t.Helper()
	const connections = 4
	var clients []*client
	for range connections {
		clients = append(clients, gw.dial(t, from(fmt.Sprintf("192.0.2.%d", n))))
	}
	begin := make(chan struct{})
	var connecting sync.WaitGroup
	for _, c := range clients {
		connecting.Go(func() {
			<-begin
			c.Send(protocol.MethodConnect, connect)
		})
	}
	connecting.Go(func() {
		<-begin
		revoke()
	})
	close(begin)
	connecting.Wait()
	return clients
}

// hookedPairings is a store of pairings that calls after when a View has ended.
type hookedPairings struct {
	pairing.Store
	after func() error
}

func (v *hookedPairings) View(ctx context.Context, fn func(pairing.Tx) error) error {
	if err := v.Store.View(ctx, fn); err != nil {
		return err
	}
	return v.after()
}

// TestRevokedBetweenCheckAndRegistration revokes a device right after its credential was
// checked for the first time, when the connection is not registered yet.
func TestRevokedBetweenCheckAndRegistration(t *testing.T) {
	t.Parallel()
	hooked := &hookedPairings{after: func() error { return nil }}
	gw := newTestGateway(t, httpdtest.Options{Pairings: func(s pairing.Store) pairing.Store { hooked.Store = s; return hooked }})
	d := gw.pair(t, protocol.Operator, "user")
	c := gw.dial(t, nil)
	views := 0
	hooked.after = func() error {
		if views++; views == 1 {
			return gw.Pairings.Revoke(t.Context(), "test", d.DeviceID, nil)
		}
		return nil
	}
	c.Refused(protocol.NotPaired, "", protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	c.Refused(protocol.Unauthorized, "first request must be 'connect'", protocol.MethodHealth, "")
	gw.untilNoDevices(t)
}

// TestRevokedRightAfterRegistration revokes a device right after its credential was
// checked for the second time: by then the revocation finds the connection.
func TestRevokedRightAfterRegistration(t *testing.T) {
	t.Parallel()
	hooked := &hookedPairings{after: func() error { return nil }}
	gw := newTestGateway(t, httpdtest.Options{Pairings: func(s pairing.Store) pairing.Store { hooked.Store = s; return hooked }})
	d := gw.pair(t, protocol.Operator, "user")
	c := gw.dial(t, nil)
	views := 0
	hooked.after = func() error {
		if views++; views == 2 {
			return gw.Pairings.Revoke(t.Context(), "test", d.DeviceID, nil)
		}
		return nil
	}
	c.Send(protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	c.Closed(protocol.ClosePolicy, protocol.ReasonRevoked)
	gw.untilNoDevices(t)
}

// TestStoreFailsBetweenCheckAndRegistration checks that the device then gets UNAVAILABLE,
// not NOT_PAIRED, which would make it forget its credential.
func TestStoreFailsBetweenCheckAndRegistration(t *testing.T) {
	t.Parallel()
	hooked := &hookedPairings{after: func() error { return nil }}
	gw := newTestGateway(t, httpdtest.Options{Pairings: func(s pairing.Store) pairing.Store { hooked.Store = s; return hooked }})
	d := gw.pair(t, protocol.Operator, "user")
	c := gw.dial(t, nil)
	views := 0
	hooked.after = func() error {
		if views++; views == 2 {
			return store.ErrUnavailable
		}
		return nil
	}
	c.Refused(protocol.Unavailable, "", protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	c.Refused(protocol.Unauthorized, "first request must be 'connect'", protocol.MethodHealth, "")
	c.OK(protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	c.OK(protocol.MethodHealth, "")
}

// TestApproveWhileLeaving approves devices while their connections end.
func TestApproveWhileLeaving(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	for range 15 {
		c := gw.dial(t, nil)
		var asked protocol.ConnectResult
		c.Read(c.OK(protocol.MethodConnect, `{}`), &asked)
		var both sync.WaitGroup
		both.Go(func() { c.Leave() })
		both.Go(func() {
			if _, err := gw.Pairings.Approve(t.Context(), "test",
				protocol.DeviceApproveParams{Code: asked.PairingCode}); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		gw.dial(t, nil).OK(protocol.MethodConnect, `{"sender_id":"`+asked.SenderID+`"}`)
	}
}

// untilNoDevices waits until the gateway lists no connection of a device.
func (gw *testGateway) untilNoDevices(t *testing.T) {
	t.Helper()
	c := gw.admin(t, "last")
	for end := time.Now().Add(httpdtest.Timeout); ; {
		var p protocol.HealthResult
		c.Read(c.OK(protocol.MethodHealth, ""), &p)
		others := 0
		for _, in := range p.Clients {
			if in.DeviceID != "" {
				others++
			}
		}
		switch {
		case others == 0:
			return
		case time.Now().After(end):
			t.Fatalf("%d connections of devices are left", others)
		}
	}
}

// TestManyUserAgents checks that long User-Agents do not keep an admin from seeing who is
// connected.
func TestManyUserAgents(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	const connections = 40
	for range connections {
		c := gw.dial(t, http.Header{"User-Agent": {strings.Repeat("ü", 12<<10)}})
		c.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`","user_id":"`+strings.Repeat("u",
			255)+`"}`)
	}
	var p protocol.HealthResult
	c := gw.admin(t, "admin")
	if c.Read(c.OK(protocol.MethodHealth, ""), &p); len(p.Clients) != connections+1 {
		t.Fatalf("%d connections are listed", len(p.Clients))
	}
	for i, in := range p.Clients {
		if len(in.UserAgent) > 256 || i > 0 && in.ID == p.Clients[i-1].ID {
			t.Errorf("%d: %s with a User-Agent of %d bytes", i, in.ID, len(in.UserAgent))
		}
	}
}

// TestFloodOfRefusals checks that one stranger's many calls cannot fill the log.
func TestFloodOfRefusals(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	c := gw.dial(t, from("192.0.2.1"))
	for range 400 {
		c.Call(protocol.MethodHealth, "")
	}
	lines := strings.Count(gw.Log.String(), "security.rate_limited")
	if lines == 0 || lines > 10 {
		t.Errorf("%d lines for some 340 refusals", lines)
	}
	// Refusals of another address are still logged.
	c = gw.dial(t, from("192.0.2.2"))
	for range 70 {
		c.Call(protocol.MethodHealth, "")
	}
	if !strings.Contains(gw.Log.String(), "address=192.0.2.2") {
		t.Error("no line about the second address")
	}
}

// agentFunc is an agent made of a func.
type agentFunc func(ctx context.Context, r agent.Request, say func(string) error) error

func (f agentFunc) Run(ctx context.Context, r agent.Request,
	emit func(agent.Piece) error) (agent.Usage, error) {
	return agent.Usage{}, f(ctx, r, func(text string) error { return emit(agent.Piece{Text: text}) })
}

// TestExchangeLargerThanAFrame reads the history of a question and an answer that do not
// fit one frame together.
func TestExchangeLargerThanAFrame(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300<<10)
	gw := newTestGateway(t, httpdtest.Options{Agents: map[string]agent.Agent{
		"talker": agentFunc(func(_ context.Context, _ agent.Request,
			say func(string) error) error {
			return say(long)
		}),
	}})
	c := gw.admin(t, "user")
	question := strings.Repeat("q", protocol.MaxMessageBytes)
	for range 2 {
		c.OK(protocol.MethodChatSend, `{"message":"`+question+`","sessionKey":"theirs","agentId":"talker"}`)
	}
	var all []protocol.Message
	for before, more := int64(0), true; more; {
		var page protocol.ChatHistoryResult
		c.Read(c.OK(protocol.MethodChatHistory, fmt.Sprintf(`{"sessionKey":"theirs","before":%d}`,
			before)), &page)
		if len(page.Messages) == 0 || len(all) > 4 {
			t.Fatalf("a page of %d messages after %d", len(page.Messages), len(all))
		}
		all = append(page.Messages, all...)
		before, more = page.Messages[0].Seq, page.HasMore
	}
	if len(all) != 4 || all[0].Content != question || all[1].Content != long ||
		all[3].Content != long {
		t.Errorf("got %d messages, or other contents than were sent", len(all))
	}
	c.OK(protocol.MethodSessionsPreview, keyed)
}

// TestAgentFailures checks that a client learns that an agent has failed, but not the
// internal cause.
func TestAgentFailures(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{Agents: map[string]agent.Agent{
		"panics": agentFunc(func(context.Context, agent.Request,
			func(string) error) error {
			panic("internal detail")
		}),
		"breaks": agentFunc(func(_ context.Context, _ agent.Request, say func(string) error) error {
			return errors.Join(say("half a "), &agent.Error{Code: agent.Timeout,
				Message: "It took too long.", Cause: errors.New("internal detail")})
		}),
		"errors": agentFunc(func(context.Context, agent.Request,
			func(string) error) error {
			return errors.New("internal detail")
		}),
	}})
	c := gw.admin(t, "user")
	for name, code := range map[string]protocol.Code{"panics": protocol.Internal,
		"breaks": protocol.AgentTimeout, "errors": protocol.Internal} {
		e := c.Refused(code, "", protocol.MethodChatSend,
			`{"message":"x","sessionKey":"`+name+`","agentId":"`+name+`"}`)
		if e.Details == nil || e.Details.RunID == "" || e.Details.MessageID == "" ||
			strings.Contains(e.Message, "detail") {
			t.Errorf("%s: %+v", name, e)
		}
		var page protocol.ChatHistoryResult
		c.Read(c.OK(protocol.MethodChatHistory, `{"sessionKey":"`+name+`"}`), &page)
		answer := page.Messages[1]
		if answer.Status != protocol.StatusFailed || strings.Contains(answer.Error, "detail") ||
			name == "breaks" && answer.Content != "half a " {
			t.Errorf("%s: the transcript has %+v", name, answer)
		}
	}
}

// TestClientThatLeaves checks that runs complete although the connections that wait for
// their answers are gone.
func TestClientThatLeaves(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}, 8), make(chan struct{})
	gw := newTestGateway(t, httpdtest.Options{Agents: map[string]agent.Agent{
		"waits": agentFunc(func(ctx context.Context, _ agent.Request, say func(string) error) error {
			begun <- struct{}{}
			<-end
			return say("done")
		}),
	}})
	for i := range 4 {
		c := gw.admin(t, "user")
		c.Send(protocol.MethodChatSend,
			fmt.Sprintf(`{"message":"x","sessionKey":"k%d","agentId":"waits"}`, i))
		<-begun
		c.Leave()
	}
	c := gw.admin(t, "user")
	close(end)
	for i := range 4 {
		for {
			var p protocol.ChatStatusResult
			if c.Read(c.OK(protocol.MethodChatStatus, fmt.Sprintf(`{"sessionKey":"k%d"}`, i)),
				&p); !p.IsRunning {
				break
			}
		}
		var page protocol.ChatHistoryResult
		c.Read(c.OK(protocol.MethodChatHistory, fmt.Sprintf(`{"sessionKey":"k%d"}`, i)), &page)
		if page.Messages[1].Content != "done" {
			t.Errorf("session %d has %+v", i, page.Messages)
		}
	}
}
