package gateway_test

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// attacker is a user who wants to read the victim's data.
type attacker struct {
	name   string
	role   protocol.Role
	user   string
	mine   string      // the key of its own session; a viewer has none
	header http.Header // of its requests over HTTP, and of its upgrade
	// address is the attacker's own; no other client has it.
	address string
	in      *probeClient
	sent    *atomic.Int64
}

// attackers connects an attacker for each role below admin, and for each credential and
// each way to send it. All claim to be the victim, and resume in the victim's sessions.
func (v *victim) attackers(t *testing.T, sent *atomic.Int64) (all []*attacker) {
	t.Helper()
	claims := v.fill(`"user_id":"$user","role":"admin","resume":[` + v.cursors() + `]`)
	for _, role := range []protocol.Role{protocol.Viewer, protocol.Operator} {
		for _, way := range []string{"key in connect", "key at the upgrade", "device in connect",
			"device by cookie"} {
			a := &attacker{name: fmt.Sprintf("%s by %s", role, way), role: role,
				user: unguessable("mallory-"), sent: sent,
				address: fmt.Sprint("198.51.100.", len(all)+1)}
			connect := `{` + claims
			switch {
			case strings.HasPrefix(way, "key"):
				key := v.gw.key(t, role, a.user).Key
				a.header = withBearer(key)
				if way == "key in connect" {
					connect += `,"token":"` + key + `"`
				}
			default:
				d := v.gw.pair(t, role, a.user)
				a.header = http.Header{"Cookie": {v.gw.cookie(d.secret)}, "Origin": {v.gw.url}}
				if way == "device in connect" {
					connect += `,"sender_id":"` + d.secret + `"`
				}
			}
			var upgrade http.Header
			if !strings.HasSuffix(way, "in connect") {
				upgrade = a.header
			}
			a.in = v.gw.openProbe(t, upgrade)
			a.connect(t, v, connect+`,"client":{"name":"x","caps":["html"]}}`)
			if role == protocol.Operator {
				a.mine = unguessable("mine-")
				a.in.ok(t, protocol.MethodChatSend, `{"sessionKey":"`+a.mine+`","message":"echo mine"}`)
			}
			all = append(all, a)
		}
	}
	return all
}

// cursors are the cursors with which a client of the victim would resume.
func (v *victim) cursors() string {
	var list []string
	for _, what := range []string{"talk", "busy", "stopped", "gone"} {
		list = append(list, `{"sessionKey":"$`+what+`","afterSeq":0}`)
	}
	return strings.Join(list, ",")
}

// connect connects and resumes in the victim's sessions: to an attacker they must look as
// if they did not exist.
func (a *attacker) connect(t *testing.T, v *victim, connect string) {
	t.Helper()
	var welcome protocol.ConnectResult
	answer := a.in.ok(t, protocol.MethodConnect, connect)
	a.in.read(t, answer, &welcome)
	if welcome.UserID != a.user || welcome.Role != a.role {
		t.Fatalf("%s is connected as %+v", a.name, welcome)
	}
	if len(welcome.Resumed) != 4 {
		t.Errorf("%s resumes %+v", a.name, welcome.Resumed)
	}
	for _, r := range welcome.Resumed {
		if r.Status != protocol.ResumeGone || r.Epoch != "" || r.LastSeq != 0 {
			t.Errorf("%s resumes with %+v, want gone", a.name, r)
		}
	}
	a.check(t, v, string(answer.Payload), connect)
}

// check checks that an answer has none of the victim's secrets, except for those that the
// request has.
func (a *attacker) check(t *testing.T, v *victim, answer, request string) {
	t.Helper()
	if found := v.leaks(answer, request); len(found) > 0 {
		t.Errorf("LEAK to %s: %q in %.600q, to %.300q", a.name, found, answer, request)
	}
}

// checkReceived checks that the attacker was sent none of the victim's secrets in events.
func (a *attacker) checkReceived(t *testing.T, v *victim) {
	t.Helper()
	for _, text := range a.in.takeReceived() {
		a.check(t, v, text, "")
	}
}

// try makes a request and gives the answer's code; "" is ok.
func (a *attacker) try(t *testing.T, v *victim, method, params string) protocol.Code {
	t.Helper()
	a.sent.Add(1)
	raw := a.in.raw(t, method, params)
	var f protocol.Frame
	if protocol.Decode([]byte(raw), &f) != nil {
		t.Fatalf("%s: %s %.300s was answered %q", a.name, method, params, raw)
	}
	a.check(t, v, raw, method+params)
	if f.OK {
		return ""
	}
	return f.Error.Code
}

// probe is the params of a call, and the code with which an operator must be refused; "" is
// ok. A viewer gets the same, or is refused for its role.
type probe struct {
	params string
	code   protocol.Code
}

// forbidden gives probes that are refused because the session or file is the victim's.
func forbidden(params ...string) (probes []probe) {
	for _, p := range params {
		probes = append(probes, probe{p, protocol.Forbidden})
	}
	return probes
}

// allowed gives probes that are answered, with the caller's own data.
func allowed(params ...string) (probes []probe) {
	for _, p := range params {
		probes = append(probes, probe{p, ""})
	}
	return probes
}

// adminOnly gives probes that are refused because only admins may make them.
func adminOnly(params ...string) (probes []probe) {
	for _, p := range params {
		probes = append(probes, probe{p, protocol.Unauthorized})
	}
	return probes
}

// eachSession gives the params once for each of the victim's sessions.
func eachSession(params string) (all []string) {
	for _, what := range []string{"$talk", "$busy", "$stopped", "$gone"} {
		all = append(all, strings.ReplaceAll(params, "$talk", what))
	}
	return all
}

// probesOf gives the calls of a method by which a user could get at another user's data:
// those of listedProbes, or else the method's use on each of the victim's sessions. A
// method that is neither about a session nor for admins needs an entry in listedProbes.
func probesOf(t *testing.T, m gateway.Method) []probe {
	t.Helper()
	if probes, ok := listedProbes()[m.Name]; ok {
		return probes
	}
	params := strings.ReplaceAll(useOf(t, m).params, "theirs", "$talk")
	switch {
	case ofOwner(m):
		return forbidden(eachSession(params)...)
	case m.Least == protocol.Admin:
		return adminOnly(slices.Compact(eachSession(params))...)
	}
	t.Fatalf("%s has no probe in listedProbes: say how it could be used to get at another user's data", m.Name)
	return nil
}

// listedProbes are the probes, by method, of those methods for which probesOf cannot derive
// all probes.
func listedProbes() map[string][]probe {
	const file, loose = `{"path":"/api/media/$file"}`, `{"path":"/api/media/$loose"}`
	// the attacker's own session has no such run
	own := probe{`{"sessionKey":"$mine","runId":"$aborted"}`, protocol.NotFound}
	return map[string][]probe{
		protocol.MethodConnect: {{`{"token":"$keytext","user_id":"$user"}`,
			protocol.FailedPrecondition}, {`{"sender_id":"$secret"}`, protocol.FailedPrecondition}},
		protocol.MethodPairingStatus: {{`{"sender_id":"$waiting"}`, protocol.FailedPrecondition},
			{`{"code":"$code"}`, protocol.FailedPrecondition}},

		protocol.MethodChatSend: slices.Concat(
			forbidden(eachSession(`{"message":"x","sessionKey":"$talk"}`)...),
			forbidden(eachSession(`{"message":"x","sessionKey":"$talk","ack":"accepted","idempotencyKey":"$idem"}`)...),
			forbidden(`{"message":"echo **$word**","sessionKey":"$talk","idempotencyKey":"$idem","media":[`+file+`]}`),
			forbidden(`{"message":"x","sessionKey":"$mine","media":[`+file+`]}`,
				`{"message":"x","sessionKey":"$mine","media":[`+loose+`]}`,
				`{"message":"x","media":[`+loose+`],"ack":"accepted"}`,
				`{"message":"","sessionKey":"$mine","media":[`+loose+`,`+file+`]}`),
			allowed(`{"message":"echo x","sessionKey":"$mine","userId":"$user","user_id":"$user"}`)),
		protocol.MethodChatRetry: append(slices.Concat(
			forbidden(eachSession(`{"sessionKey":"$talk","runId":"$aborted"}`)...),
			forbidden(`{"sessionKey":"$talk","runId":"$run"}`, `{"sessionKey":"$busy","runId":"$running"}`,
				`{"sessionKey":"$stopped","runId":"$aborted","idempotencyKey":"$idem","ack":"accepted"}`)),
			own),
		protocol.MethodChatHistory: forbidden(append(eachSession(`{"sessionKey":"$talk"}`),
			`{"sessionKey":"$talk","before":3,"limit":1}`,
			`{"sessionKey":"$talk","userId":"$user","all":true}`)...),
		protocol.MethodChatInject: forbidden(eachSession(`{"sessionKey":"$talk","message":"x","label":"x"}`)...),
		protocol.MethodChatAbort: forbidden(append(eachSession(`{"sessionKey":"$talk"}`), `{"runId":"$run"}`,
			`{"runId":"$running"}`, `{"runId":"$queued"}`,
			`{"sessionKey":"$busy","runId":"$running"}`, `{"sessionKey":"$mine","runId":"$running"}`,
			`{"sessionKey":"$mine","runId":"$queued"}`)...),
		protocol.MethodChatReplay: forbidden(append(eachSession(`{"sessionKey":"$talk"}`),
			`{"sessionKey":"$talk","epoch":"$epoch","afterSeq":1}`,
			`{"sessionKey":"$talk","epoch":"other","afterSeq":99999}`,
			`{"sessionKey":"$busy","afterSeq":4}`)...),
		protocol.MethodChatWatch: adminOnly(eachSession(`{"sessionKey":"$talk","afterSeq":0}`)...),

		protocol.MethodSessionsList: slices.Concat(
			adminOnly(`{"userId":"$user"}`, `{"all":true}`, `{"all":true,"userId":"$user"}`,
				`{"userId":"$user","query":"$word"}`, `{"userId":"boss"}`),
			allowed(``, `{}`, `{"query":"$word"}`, `{"query":"$talk"}`, `{"query":"$user"}`, `{"query":"%"}`,
				`{"query":"_"}`, `{"query":"' OR 1=1 --"}`,
				`{"cursor":"1.zzzzzzzz.zz"}`, `{"cursor":"0.0.1"}`, `{"cursor":"1.0.1"}`,
				`{"user_id":"$user","limit":200}`, `{"agentId":"muse"}`, `{"channel":"ws","offset":1,"userID":"$user"}`)),
		protocol.MethodSessionsPatch: forbidden(append(eachSession(`{"sessionKey":"$talk","label":"x"}`),
			`{"sessionKey":"$talk","pinned":false}`,
			`{"sessionKey":"$talk","label":"x","userId":"$user"}`)...),

		protocol.MethodAgentsList: allowed(``, `{"userId":"$user"}`),
		protocol.MethodHealth:     allowed(``, `{"userId":"$user","all":true}`),
		protocol.MethodStatus:     allowed(``, `{"userId":"$user","all":true}`),

		protocol.MethodTenantsMine:    allowed(``, `{"userId":"$user"}`),
		protocol.MethodTeamTasks:      allowed(`{"sessionKey":"$talk"}`, `{"sessionKey":"$talk","userId":"$user"}`),
		protocol.MethodQuotaUsage:     allowed(``, `{"userId":"$user"}`),
		protocol.MethodCronList:       allowed(``, `{"userId":"$user","includeDisabled":true}`),
		protocol.MethodChannelsStatus: allowed(``, `{"userId":"$user"}`),

		protocol.MethodDeviceList:    adminOnly(``, `{"userId":"$user"}`),
		protocol.MethodDeviceApprove: adminOnly(`{"code":"$code","userId":"$user","role":"admin"}`),
		protocol.MethodDeviceDeny:    adminOnly(`{"code":"$code"}`),
		protocol.MethodDeviceRevoke: adminOnly(`{"deviceId":"$device"}`,
			`{"senderId":"$device","channel":"ws"}`, `{"sender_id":"$device","channel":"browser"}`, `{"senderId":"$secret"}`),
		protocol.MethodKeysCreate:        adminOnly(`{"name":"x","owner_id":"$user","scopes":["operator.admin"]}`, `{"name":"x","userId":"$user","role":"viewer"}`),
		protocol.MethodKeysList:          adminOnly(``, `{"userId":"$user"}`),
		protocol.MethodKeysRevoke:        adminOnly(`{"id":"$key"}`),
		protocol.MethodClientsList:       adminOnly(``, `{"userId":"$user"}`),
		protocol.MethodClientsDisconnect: adminOnly(`{"id":"$connection"}`),
		protocol.MethodAuditList:         adminOnly(``, `{"userId":"$user"}`, `{"query":"$word"}`),
	}
}

// TestProbes lets users and programs that are no admin's try every method and every page on
// another user's data: they must learn nothing and change nothing. A method or a route
// without a probe fails the test.
func TestProbes(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	v := newVictim(t)
	var sent atomic.Int64
	all := v.attackers(t, &sent)
	before := v.state(t)
	v.screen.takeReceived()
	v.program.takeReceived()
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) {
			a.tryProbes(t, v)
			a.tryInFields(t, v)
			a.tryPages(t, v)
			a.checkReceived(t, v)
			if after := v.state(t); after != before {
				t.Errorf("the victim's data was\n%s\nand is\n%s", before, after)
			}
			// The victim's own clients have got no events of these attempts either.
			for _, text := range append(v.screen.takeReceived(), v.program.takeReceived()...) {
				if !strings.Contains(text, protocol.EventTick) {
					t.Errorf("the victim was sent %.300s", text)
				}
			}
		})
	}
	t.Run("live", func(t *testing.T) { v.live(t, all) })
	t.Run("an admin", func(t *testing.T) { v.checkAdminSees(t) })
	t.Logf("%d methods × %d attackers, %d requests, %d secrets, %v", len(gateway.Methods()), len(all),
		sent.Load(),
		len(v.secrets()), time.Since(begun).Round(time.Millisecond))
}

// tryProbes makes the calls of all probes.
func (a *attacker) tryProbes(t *testing.T, v *victim) {
	t.Helper()
	for name := range listedProbes() {
		if !slices.ContainsFunc(gateway.Methods(),
			func(m gateway.Method) bool { return m.Name == name }) {
			t.Errorf("there is a probe of %s, which is no method", name)
		}
	}
	for _, m := range gateway.Methods() {
		probes := probesOf(t, m)
		if ofOwner(m) && !slices.ContainsFunc(probes,
			func(s probe) bool { return s.code == protocol.Forbidden }) {
			t.Fatalf("%s has no probe that is refused because the caller is not the owner", m.Name)
		}
		for _, s := range probes {
			want := s.code
			if m.Least != "" && !a.role.Allows(m.Least) {
				want = protocol.Unauthorized
			}
			if got := a.try(t, v, m.Name, a.fill(v, s.params)); got != want {
				t.Errorf("%s: %s %s gives %q, want %q", a.name, m.Name, s.params, got, want)
			}
		}
	}
	a.reuse(t, v)
}

// fill is the victim's fill, and fills in $mine, too. A viewer has no session of its own.
func (a *attacker) fill(v *victim, params string) string {
	mine := a.mine
	if mine == "" {
		mine = "none"
	}
	return v.fill(strings.ReplaceAll(params, "$mine", mine))
}

// reuse sends a message with the victim's idempotency key, which must be a new key for any
// other user.
func (a *attacker) reuse(t *testing.T, v *victim) {
	t.Helper()
	if a.role != protocol.Operator {
		return
	}
	for i, want := range []string{protocol.SendAccepted, protocol.SendDuplicate} {
		var sent protocol.ChatSendResult
		a.sent.Add(1)
		params := a.fill(v, `{"sessionKey":"$mine","message":"echo mine again","idempotencyKey":"$idem","ack":"accepted"}`)
		answer := a.in.ok(t, protocol.MethodChatSend, params)
		a.in.read(t, answer, &sent)
		a.check(t, v, string(answer.Payload), params)
		if sent.Status != want && (i > 0 || sent.Status != protocol.SendQueued) ||
			sent.SessionKey != a.mine {
			t.Errorf("%s: the victim's idempotency key gives %s", a.name, answer.Payload)
		}
	}
	// Now that the attacker has used the key, another message with it is refused, in
	// whatever session.
	if code := a.try(t, v, protocol.MethodChatSend,
		a.fill(v, `{"sessionKey":"$talk","message":"echo **$word**","idempotencyKey":"$idem"}`)); code != protocol.AlreadyExists {
		t.Errorf("%s: the victim's message again gives %q", a.name, code)
	}
}

// tryInFields puts each of the victim's values into each text field of each method, even
// where that makes no sense.
func (a *attacker) tryInFields(t *testing.T, v *victim) {
	t.Helper()
	for _, m := range gateway.Methods() {
		if m.Params() == nil {
			continue
		}
		rest := ""
		for _, s := range probesOf(t, m) { // a probe that has all other fields
			if rest = strings.TrimSuffix(s.params, "}"); rest != "" && rest != "{" {
				break
			}
		}
		for field := range fields(m.Params()) {
			for _, value := range v.has {
				if creates := m.Name == protocol.MethodChatSend && field == "sessionKey" &&
					!slices.Contains(v.sessionKeys, value); creates || field == "message" || field == "label" {
					continue // the call would create the attacker's own data with this value
				}
				params := `{"` + field + `":"` + value + `"}`
				a.try(t, v, m.Name, params)
				if rest == "" || strings.Contains(rest, `"`+field+`"`) {
					continue
				}
				a.try(t, v, m.Name, a.fill(v, rest)+`,"`+field+`":"`+value+`"}`)
			}
		}
	}
}

// fields gives the names of the text fields of params.
func fields(p reflect.Type) map[string]bool {
	names := map[string]bool{"id": true, "key": true, "userId": true, "user_id": true}
	for i := range p.NumField() {
		name, _, _ := strings.Cut(p.Field(i).Tag.Get("json"), ",")
		if p.Field(i).Type.Kind() == reflect.String {
			names[name] = true
		}
	}
	return names
}
