package gateway_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// live makes things happen to the victim while attackers are connected. They must not be
// sent anything about it.
func (v *victim) live(t *testing.T, all []*attacker) {
	t.Helper()
	strangers := v.strangers(t, all[0].sent)
	v.admin.ok(t, protocol.MethodChatWatch, v.fill(`{"sessionKey":"$talk"}`))
	v.admin.takeReceived()
	for _, step := range []struct {
		who            *probeClient
		method, params string
	}{
		{v.screen, protocol.MethodChatSend, `{"sessionKey":"$talk","message":"echo live $word"}`},
		{v.program, protocol.MethodChatSend, `{"message":"echo new $word"}`},
		{v.admin, protocol.MethodChatInject,
			`{"sessionKey":"$talk","message":"injected $word","label":"$word"}`},
		{v.admin, protocol.MethodChatSend, `{"sessionKey":"$talk","message":"echo from an admin $word"}`},
		{v.screen, protocol.MethodSessionsPatch, `{"sessionKey":"$talk","label":"renamed $word"}`},
		{v.screen, protocol.MethodChatAbort, `{"runId":"$running"}`},
		{v.screen, protocol.MethodChatRetry,
			`{"sessionKey":"$stopped","runId":"$aborted","ack":"accepted"}`},
		{v.admin, protocol.MethodChatAbort, `{"sessionKey":"$stopped"}`},
		{v.screen, protocol.MethodSessionsReset, `{"key":"$talk"}`},
		{v.screen, protocol.MethodSessionsDelete, `{"key":"$talk"}`},
		{v.screen, protocol.MethodSessionsDelete, `{"key":"$busy"}`},
		{v.screen, protocol.MethodChatSend, `{"sessionKey":"$gone","message":"echo again $word"}`},
		{v.admin, protocol.MethodKeysCreate, `{"name":"$word","userId":"$user","role":"viewer"}`},
		{v.admin, protocol.MethodDeviceApprove, `{"code":"$code","userId":"$user","label":"$word"}`},
		{v.admin, protocol.MethodKeysRevoke, `{"id":"$key"}`},
		{v.admin, protocol.MethodDeviceRevoke, `{"deviceId":"$device"}`},
		{v.admin, protocol.MethodConfigReload, ``},
	} {
		step.who.ok(t, step.method, v.fill(step.params))
	}
	v.admin.event(t, v.has["code"]) // proves that there was an event to send
	v.admin.event(t, protocol.EventAdminChanged)
	for _, words := range []string{"echo live " + v.word, "injected " + v.word, "renamed " + v.word,
		protocol.SessionDeleted} {
		v.admin.event(t, words)
	}
	for _, a := range append(all, strangers...) {
		if a.role != "" {
			a.in.ok(t, protocol.MethodHealth, "") // the earlier events have arrived by then
			a.in.ok(t, protocol.MethodStatus, "")
		} else {
			a.in.raw(t, protocol.MethodHealth, "")
		}
		a.checkReceived(t, v)
	}
}

// strangers are clients that are not authenticated: one that has sent nothing, and one that
// waits for pairing. They see no more of the pages than the attackers.
func (v *victim) strangers(t *testing.T, sent *atomic.Int64) []*attacker {
	t.Helper()
	silent := &attacker{name: "a stranger", in: v.gw.openProbe(t, nil), header: http.Header{}, sent: sent}
	waiting := &attacker{name: "one that waits for pairing", in: v.gw.openProbe(t, nil), sent: sent}
	var asked protocol.ConnectResult
	waiting.in.read(t, waiting.in.ok(t, protocol.MethodConnect, `{}`), &asked)
	waiting.header = http.Header{"Cookie": {v.gw.cookie(asked.SenderID)}, "Origin": {v.gw.url}}
	for _, a := range []*attacker{silent, waiting} {
		for _, probes := range pageProbes() {
			for _, p := range probes {
				p.cookie, p.bearer = -1, -1
				a.request(t, v, p)
			}
		}
	}
	return []*attacker{silent, waiting}
}

// checkAdminSees checks that an admin gets the data that the attackers were refused: so the
// data exists, and a leak to an attacker would have been found.
func (v *victim) checkAdminSees(t *testing.T) {
	t.Helper()
	d := v.gw.pair(t, protocol.Admin, "boss")
	cookie := http.Header{"Cookie": {v.gw.cookie(d.secret)}}
	sees := func(what, text string) {
		if len(v.leaks(text, "")) == 0 {
			t.Errorf("an admin finds nothing by %s in %.500s", what, text)
		}
	}
	key := `{"sessionKey":"$stopped","afterSeq":0}`
	for method, params := range map[string]string{
		protocol.MethodChatHistory: key, protocol.MethodChatReplay: key, protocol.MethodSessionsPreview: key,
		protocol.MethodChatWatch:    key,
		protocol.MethodSessionsList: `{"userId":"$user"}`, protocol.MethodDeviceList: ``,
		protocol.MethodKeysList:  ``,
		protocol.MethodAuditList: ``,
	} {
		sees(method, string(v.admin.ok(t, method, v.fill(params)).Payload))
	}
	v.admin.event(t, "thinking of "+v.word) // what it watches from the beginning
	for _, path := range []string{"/s/$stopped", "/admin/sessions", "/admin/keys", "/admin/audit",
		"/admin/audit.csv", "/admin", "/api/media/$loose"} {
		status, _, text := v.gw.fetch(t, http.MethodGet, v.fill(path), cookie, "")
		if sees(path, text); status != http.StatusOK {
			t.Errorf("an admin gets HTTP %d from %s", status, path)
		}
	}
	// And it may act: what it is refused is not for want of being the owner.
	for _, m := range gateway.Methods() {
		if !ofOwner(m) {
			continue
		}
		for _, s := range probesOf(t, m) {
			params := v.fill(strings.ReplaceAll(s.params, "$mine", "$stopped"))
			if m.Name == protocol.MethodChatSend || m.Name == protocol.MethodChatRetry {
				// not to wait for what takes for ever
				params = strings.TrimSuffix(params, "}") + `,"ack":"accepted"}`
			}
			f := v.admin.call(t, m.Name, params)
			if !f.OK && (f.Error.Code == protocol.Forbidden || f.Error.Code == protocol.Unauthorized) {
				t.Errorf("an admin is refused %s %s: %v", m.Name, s.params, f.Error)
			}
		}
	}
}
