package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// While a user's long texts are formatted, a history with formatted text waits for its
// turn. The other calls of the same connection, and all calls of other users, do not.
func TestCheapCallsDoNotWaitForCostlyOnes(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	greedy, other := gw.reader(t, "greedy"), gw.reader(t, "ann")
	greedy.OK(protocol.MethodChatSend, `{"message":"echo *x*","sessionKey":"g"}`)
	other.OK(protocol.MethodChatSend, `{"message":"echo *x*","sessionKey":"a"}`)

	done := gw.occupyFormatter(t, "greedy")
	var waiting []string
	for _, method := range []string{protocol.MethodChatHistory, protocol.MethodSessionsPreview, protocol.MethodChatReplay} {
		waiting = append(waiting, greedy.Send(method, `{"sessionKey":"g"}`))
	}
	greedy.OK(protocol.MethodHealth, "")
	greedy.OK(protocol.MethodSessionsList, "")
	for range 3 {
		answer := other.OK(protocol.MethodChatHistory, `{"sessionKey":"a"}`)
		if !strings.Contains(string(answer.Payload), "<em>x</em>") {
			t.Errorf("another user's history is not formatted: %s", answer.Payload)
		}
	}
	done()
	for range waiting {
		f, err := greedy.Next()
		for err == nil && f.Type == protocol.TypeEvent {
			f, err = greedy.Next()
		}
		if err != nil || !f.OK || !strings.Contains(fmt.Sprint(waiting), f.ID) ||
			!strings.Contains(string(f.Payload), "<em>x</em>") {
			t.Errorf("%v, %v, %.300s", err, f.Error, f.Payload)
		}
	}
}

// reader connects as a client that takes formatted text.
func (gw *testGateway) reader(t *testing.T, user string) *client {
	t.Helper()
	c := gw.dial(t, nil)
	c.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`","user_id":"`+user+`","client":{"caps":["html"]}}`)
	return c
}

// occupyFormatter takes the user's turn until done is called.
func (gw *testGateway) occupyFormatter(t *testing.T, user string) (done func()) {
	t.Helper()
	done, err := gw.Formatter.Turns().Take(context.Background(), user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return done
}
