package gateway_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// use is how the tests call a method. A method without a use fails the tests.
type use struct {
	params string        // valid for an existing session "theirs"
	least  protocol.Role // callers with a lower role are refused
	admin  protocol.Code // of the answer to an admin; "" is ok
	others []string      // params that name the session in other ways
}

const (
	keyed = `{"sessionKey":"theirs"}`
	named = `{"key":"theirs"}`
)

func uses() map[string]use {
	return map[string]use{
		protocol.MethodConnect:       {params: `{}`, admin: protocol.FailedPrecondition},
		protocol.MethodPairingStatus: {admin: protocol.FailedPrecondition},
		protocol.MethodChatSend: {params: `{"message":"echo x","sessionKey":"theirs"}`,
			least:  protocol.Operator,
			others: []string{`{"message":"echo x","sessionKey":"theirs","idempotencyKey":"k","ack":"accepted"}`}},
		protocol.MethodChatRetry: {params: `{"sessionKey":"theirs","runId":"run-none"}`,
			least: protocol.Operator, admin: protocol.NotFound,
			others: []string{`{"sessionKey":"theirs","runId":"RUN"}`,
				`{"sessionKey":"theirs","runId":"RUN","idempotencyKey":"r","ack":"accepted"}`}},
		protocol.MethodChatReplay: {params: keyed, least: protocol.Viewer,
			others: []string{`{"sessionKey":"theirs","epoch":"other","afterSeq":1000}`}},
		protocol.MethodChatWatch:   {params: keyed, least: protocol.Admin},
		protocol.MethodChatUnwatch: {params: keyed, least: protocol.Admin},
		protocol.MethodChatHistory: {params: keyed, least: protocol.Viewer,
			others: []string{`{"sessionKey":"theirs","before":2,"limit":1}`}},
		protocol.MethodChatInject: {params: `{"message":"x","sessionKey":"theirs"}`,
			least: protocol.Operator},
		protocol.MethodChatAbort: {params: keyed, least: protocol.Operator,
			others: []string{`{"runId":"RUN"}`, `{"sessionKey":"theirs","runId":"RUN"}`,
				`{"sessionKey":"mine","runId":"RUN"}`}},
		protocol.MethodChatStatus:      {params: keyed, least: protocol.Viewer},
		protocol.MethodSessionsList:    {least: protocol.Viewer},
		protocol.MethodSessionsPreview: {params: keyed, least: protocol.Viewer},
		protocol.MethodSessionsPatch: {params: `{"sessionKey":"theirs","label":"x"}`,
			least: protocol.Operator},
		protocol.MethodSessionsReset:  {params: named, least: protocol.Operator},
		protocol.MethodSessionsDelete: {params: named, least: protocol.Operator},
		protocol.MethodAgentsList:     {least: protocol.Viewer},
		protocol.MethodHealth:         {least: protocol.Viewer},
		protocol.MethodStatus:         {least: protocol.Viewer},
		protocol.MethodTenantsMine:    {least: protocol.Viewer},
		protocol.MethodTeamTasks:      {least: protocol.Viewer},
		protocol.MethodQuotaUsage:     {least: protocol.Viewer},
		protocol.MethodCronList:       {params: `{"includeDisabled":true}`, least: protocol.Viewer},
		protocol.MethodChannelsStatus: {least: protocol.Viewer},
		protocol.MethodDeviceList: {least: protocol.Admin,
			others: []string{`{"code":"AAAAAAAA"}`}},
		protocol.MethodDeviceApprove: {params: `{"code":"AAAAAAAA"}`, least: protocol.Admin,
			admin: protocol.NotFound},
		protocol.MethodDeviceDeny: {params: `{"code":"AAAAAAAA"}`, least: protocol.Admin,
			admin: protocol.NotFound},
		protocol.MethodDeviceRevoke: {params: `{"deviceId":"dev-none"}`, least: protocol.Admin,
			admin: protocol.NotFound},
		protocol.MethodKeysCreate: {params: `{"name":"bot","userId":"user","role":"viewer"}`,
			least: protocol.Admin},
		protocol.MethodKeysList: {least: protocol.Admin},
		protocol.MethodKeysRevoke: {params: `{"id":"key-none"}`, least: protocol.Admin,
			admin: protocol.NotFound},
		protocol.MethodClientsList: {least: protocol.Admin},
		protocol.MethodClientsDisconnect: {params: `{"id":"0"}`, least: protocol.Admin,
			admin: protocol.NotFound},
		protocol.MethodAuditList:    {least: protocol.Admin},
		protocol.MethodConfigReload: {least: protocol.Admin},
	}
}

func useOf(t *testing.T, m gateway.Method) use {
	t.Helper()
	u, ok := uses()[m.Name]
	if !ok {
		t.Fatalf("%s has no entry in uses: say who may call it, and how", m.Name)
	}
	return u
}

// ofOwner reports whether the method is about a session and not for admins only: other
// users are refused because they do not own the session.
func ofOwner(m gateway.Method) bool { return m.Session && m.Least != protocol.Admin }

func TestEveryMethodHasTheRoleOfThePage(t *testing.T) {
	t.Parallel()
	for _, m := range gateway.Methods() {
		if u := useOf(t, m); m.Least != u.least {
			t.Errorf("%s needs %q, the page says %q", m.Name, m.Least, u.least)
		}
	}
	if len(uses()) != len(gateway.Methods()) {
		t.Errorf("%d entries in uses for %d methods", len(uses()), len(gateway.Methods()))
	}
}

// TestEveryMethodByEveryRole calls each method as a stranger, as a client that waits for
// pairing, and in each role, on a session of the caller's user.
func TestEveryMethodByEveryRole(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	owner := gw.member(t, protocol.Operator, "user")
	open(owner, "theirs")
	waiting := gw.dial(t, from("192.0.2.1"))
	waiting.OK(protocol.MethodConnect, `{}`)
	stranger := gw.dial(t, from("192.0.2.2"))
	roles := map[protocol.Role]*client{
		protocol.Viewer: gw.member(t, protocol.Viewer, "user"), protocol.Operator: owner,
		protocol.Admin: gw.admin(t, "user"),
	}
	for _, m := range gateway.Methods() {
		u := useOf(t, m)
		if m.Name != protocol.MethodConnect {
			stranger.Refused(protocol.Unauthorized, "first request must be 'connect'", m.Name, u.params)
		}
		if m.Least != "" {
			waiting.Refused(protocol.Unauthorized, "first request must be 'connect'", m.Name, u.params)
		}
		for role, c := range roles {
			switch {
			case m.Least != "" && !role.Allows(m.Least):
				c.Refused(protocol.Unauthorized, "permission denied: "+m.Name+" requires "+string(m.Least),
					m.Name, u.params)
			case u.admin != "":
				c.Refused(u.admin, "", m.Name, u.params)
			default:
				c.OK(m.Name, u.params)
				if m.Name == protocol.MethodSessionsDelete {
					open(owner, "theirs")
				}
			}
		}
	}
	waiting.OK(protocol.MethodPairingStatus, "")
}

// TestMethodsThatTakeASession checks that each method whose params name a session, directly
// or by a run, has a row that says how to find the session: the check of the owner and the
// audit log need that.
func TestMethodsThatTakeASession(t *testing.T) {
	t.Parallel()
	for _, m := range gateway.Methods() {
		takes := false
		if p := m.Params(); p != nil {
			for field := range p.Fields() {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				takes = takes || name == "sessionKey" || name == "key" || name == "runId"
			}
		}
		if takes != m.Session {
			t.Errorf("%s: its params name a session: %v, its row says how to find one: %v", m.Name, takes,
				m.Session)
		}
	}
}

// TestEverySessionMethodChecksTheOwner calls each method that is about a session on another
// user's session, and names the session in every possible way.
func TestEverySessionMethodChecksTheOwner(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	owner := gw.member(t, protocol.Operator, "owner")
	var sent protocol.ChatSendResult
	owner.Read(owner.OK(protocol.MethodChatSend, `{"message":"echo secret","sessionKey":"theirs"}`),
		&sent)
	other, admin := gw.member(t, protocol.Operator, "other"), gw.admin(t, "boss")
	open(other, "mine")
	for _, m := range gateway.Methods() {
		u := useOf(t, m)
		if about := u.params == named || strings.Contains(u.params, `"theirs"`); m.Session != about {
			t.Errorf("%s: Session is %v, its use says otherwise", m.Name, m.Session)
		}
		if !ofOwner(m) {
			continue
		}
		for _, params := range append([]string{u.params}, u.others...) {
			params = strings.ReplaceAll(params, "RUN", sent.RunID)
			other.Refused(protocol.Forbidden, "session does not belong to user", m.Name, params)
		}
		switch {
		case u.admin != "":
			admin.Refused(u.admin, "", m.Name, u.params)
		case m.Name != protocol.MethodSessionsDelete && m.Name != protocol.MethodSessionsReset:
			admin.OK(m.Name, u.params)
		}
	}
	// The refused calls have changed nothing.
	var page protocol.ChatHistoryResult
	owner.Read(owner.OK(protocol.MethodChatHistory, keyed), &page)
	for _, m := range page.Messages {
		if m.Author != nil && m.Author.UserID == "other" || m.Role == protocol.FromUser &&
			m.Author == nil && m.Content != "echo secret" {
			t.Errorf("the other user wrote %+v", m)
		}
	}
	if page.Messages[0].Content != "echo secret" {
		t.Errorf("the session begins with %q", page.Messages[0].Content)
	}
	// A deleted session still belongs to its owner.
	owner.OK(protocol.MethodSessionsDelete, named)
	for _, m := range gateway.Methods() {
		if ofOwner(m) {
			other.Refused(protocol.Forbidden, "session does not belong to user", m.Name, useOf(t, m).params)
		}
	}
	if len(other.Events) > 0 {
		for _, e := range other.Events {
			if strings.Contains(string(e.Payload), "theirs") ||
				strings.Contains(string(e.Payload), "secret") {
				t.Errorf("the other user was sent %s", e.Payload)
			}
		}
	}
}
