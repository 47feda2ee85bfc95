package gateway_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// onlyRead are the methods about a session that do not change it.
var onlyRead = []string{
	protocol.MethodChatHistory, protocol.MethodChatStatus, protocol.MethodChatReplay, protocol.MethodSessionsPreview,
	protocol.MethodChatWatch, protocol.MethodChatUnwatch,
}

// integrate connects with the gateway token as a program that acts for a user. Each
// connection has an address of its own, since the log has few lines for one address.
func (gw *testGateway) integrate(t *testing.T, user, params string) *client {
	t.Helper()
	c := gw.dial(t, from(fmt.Sprint("192.0.2.", gw.addresses.Add(1))))
	c.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`","user_id":"`+user+`"`+params+`}`)
	return c
}

// withOwn adds own to params.
func withOwn(params string) string { return strings.TrimSuffix(params, "}") + `,"own":true}` }

// Somebody who knows which keys a program uses has used one first. What an integration
// writes there is refused if it asks for its user's own, whether in connect or in the
// call, and whatever the method is.
func TestOwnRefusesWhatBelongsToOthers(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	squatter := gw.member(t, protocol.Operator, "squatter")
	open(squatter, "theirs")
	for _, m := range gateway.Methods() {
		if !m.Session {
			continue
		}
		always, sometimes := gw.integrate(t, "ann", `,"own":true`), gw.integrate(t, "ann", "")
		for _, c := range []*client{always, sometimes} {
			c.OK(protocol.MethodChatSend, `{"message":"echo x","sessionKey":"mine","own":true}`)
			c.OK(protocol.MethodChatSend, `{"message":"echo x","own":true}`)
		}
		params := useOf(t, m).params
		if slices.Contains(onlyRead, m.Name) {
			always.OK(m.Name, params)
			sometimes.OK(m.Name, withOwn(params))
			continue
		}
		gw.Log.Forget()
		always.Refused(protocol.Forbidden, "session does not belong to user", m.Name, params)
		sometimes.Refused(protocol.Forbidden, "session does not belong to user", m.Name, withOwn(params))
		if n := strings.Count(gw.Log.String(), "security.foreign_session"); n != 2 {
			t.Errorf("%s: %d lines for two refusals:\n%s", m.Name, n, gw.Log)
		}
		for _, words := range []string{"security.foreign_session", "by=ann", "via=token", "method=" + m.Name,
			"session=theirs", "owner=squatter", "refused=true"} {
			if !strings.Contains(gw.Log.String(), words) {
				t.Errorf("%s: the log has no %s:\n%s", m.Name, words, gw.Log)
			}
		}
	}
	if n := len(history(t, squatter, "theirs")); n != 2 {
		t.Errorf("the squatter's chat has %d messages, want its own and the answer", n)
	}
}

func history(t *testing.T, c *client, key string) []protocol.Message {
	t.Helper()
	var page protocol.ChatHistoryResult
	c.Read(c.OK(protocol.MethodChatHistory, `{"sessionKey":"`+key+`"}`), &page)
	return page.Messages
}

// A message that was sent without own is not told to be the caller's when it is repeated
// with own.
func TestOwnRefusesARepeat(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	open(gw.member(t, protocol.Operator, "squatter"), "theirs")
	c := gw.integrate(t, "ann", "")
	const send = `{"message":"echo x","sessionKey":"theirs","idempotencyKey":"k","ack":"accepted"}`
	c.OK(protocol.MethodChatSend, send)
	c.OK(protocol.MethodChatSend, send)
	c.Refused(protocol.Forbidden, "session does not belong to user", protocol.MethodChatSend, withOwn(send))
	c.Refused(protocol.Forbidden, "session does not belong to user", protocol.MethodChatSend,
		withOwn(strings.Replace(send, `"theirs"`, `"other"`, 1)))
}

// A file of another user is not sent with own.
func TestOwnRefusesFilesOfOthers(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	file, err := gw.Media.Upload(t.Context(), session.Caller{UserID: "ben"}, func() (string, io.Reader, error) {
		return "a.txt", strings.NewReader("text"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := gw.integrate(t, "ann", "")
	send := `{"message":"echo x","sessionKey":"mine","media":[{"path":"` + file.Path() + `"}]}`
	c.Refused(protocol.Forbidden, "file does not belong to user", protocol.MethodChatSend, withOwn(send))
	c.OK(protocol.MethodChatSend, send)
}

// Each answer to an admin about another user's session names the owner, and no other
// answer does. What changes the session is logged.
func TestAnswersNameTheOwner(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	squatter := gw.member(t, protocol.Operator, "squatter")
	for _, m := range gateway.Methods() {
		if !m.Session || m.Name == protocol.MethodChatUnwatch {
			continue
		}
		admin := gw.integrate(t, "ann", "")
		open(squatter, "theirs")
		open(admin, "mine")
		u := useOf(t, m)
		gw.Log.Forget()
		for _, c := range []struct {
			who    *client
			params string
			named  bool
		}{
			{admin, strings.ReplaceAll(u.params, "theirs", "mine"), false}, {admin, u.params, true}, {squatter, u.params, false},
		} {
			if m.Least == protocol.Admin && c.who == squatter || m.Name == protocol.MethodSessionsDelete && c.who == squatter {
				continue
			}
			if u.admin != "" { // a retry that there is nothing for
				c.who.Refused(u.admin, "", m.Name, c.params)
				continue
			}
			answer := string(c.who.OK(m.Name, c.params).Payload)
			if named := strings.Contains(answer, `"ownerId":"squatter"`); named != c.named || strings.Contains(answer, "ownerId") != named {
				t.Errorf("%s %s: %s", m.Name, c.params, answer)
			}
		}
		logged := strings.Contains(gw.Log.String(), "security.foreign_session")
		if changes := !slices.Contains(onlyRead, m.Name); logged != changes {
			t.Errorf("%s is in the log: %v\n%s", m.Name, logged, gw.Log)
		}
	}
	admin := gw.integrate(t, "ann", "")
	open(squatter, "theirs")
	open(admin, "mine")
	accepted := admin.OK(protocol.MethodChatSend, `{"message":"echo x","sessionKey":"theirs","ack":"accepted"}`)
	if !strings.Contains(string(accepted.Payload), `"ownerId":"squatter"`) {
		t.Errorf("accepted: %s", accepted.Payload)
	}
	resumed := gw.dial(t, nil).OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+
		`","user_id":"ann","resume":[{"sessionKey":"theirs","afterSeq":0},{"sessionKey":"mine","afterSeq":0}]}`)
	if strings.Count(string(resumed.Payload), `"ownerId":"squatter"`) != 1 {
		t.Errorf("resumed: %s", resumed.Payload)
	}
}

// A key that is deleted still belongs to its owner, and the answer of a send says so.
func TestADeletedKeyHasItsOwner(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	squatter := gw.member(t, protocol.Operator, "squatter")
	open(squatter, "theirs")
	squatter.OK(protocol.MethodSessionsDelete, `{"key":"theirs"}`)
	admin := gw.integrate(t, "ann", "")
	const send = `{"message":"echo x","sessionKey":"theirs"}`
	admin.Refused(protocol.Forbidden, "session does not belong to user", protocol.MethodChatSend, withOwn(send))
	gw.Log.Forget()
	if answer := admin.OK(protocol.MethodChatSend, send); !strings.Contains(string(answer.Payload), `"ownerId":"squatter"`) ||
		!strings.Contains(gw.Log.String(), "security.foreign_session") {
		t.Errorf("%s, and the log has %s", answer.Payload, gw.Log)
	}
}
