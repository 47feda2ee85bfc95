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
	mine   string      // its own session; a viewer has none
	header http.Header // of its requests over HTTP, and of its upgrade
	// address is one that no other has.
	address string
	in      *wire
	sent    *atomic.Int64
}

// attackers makes an attacker of each role below admin, with each credential, sent in each
// way. All claim to be the victim, and resume in its sessions.
func (v *victim) attackers(t *testing.T, sent *atomic.Int64) (all []*attacker) {
	t.Helper()
	claims := v.aim(`"user_id":"$user","role":"admin","resume":[` + v.cursors() + `]`)
	for _, role := range []protocol.Role{protocol.Viewer, protocol.Operator} {
		for _, way := range []string{"key in connect", "key at the upgrade", "device in connect",
			"device by cookie"} {
			a := &attacker{name: fmt.Sprintf("%s by %s", role, way), role: role,
				user: unguessable("mallory-"), sent: sent,
				address: fmt.Sprint("198.51.100.", len(all)+1)}
			connect := `{` + claims
			switch {
			case strings.HasPrefix(way, "key"):
				key := v.h.key(t, role, a.user).Key
				a.header = withBearer(key)
				if way == "key in connect" {
					connect += `,"token":"` + key + `"`
				}
			default:
				d := v.h.pair(t, role, a.user)
				a.header = http.Header{"Cookie": {v.h.cookie(d.secret)}, "Origin": {v.h.url}}
				if way == "device in connect" {
					connect += `,"sender_id":"` + d.secret + `"`
				}
			}
			var upgrade http.Header
			if !strings.HasSuffix(way, "in connect") {
				upgrade = a.header
			}
			a.in = v.h.open(t, upgrade)
			a.enter(t, v, connect+`,"client":{"name":"x","caps":["html"]}}`)
			if role == protocol.Operator {
				a.mine = unguessable("mine-")
				a.in.ok(t, protocol.MethodChatSend, `{"sessionKey":"`+a.mine+`","message":"echo mine"}`)
			}
			all = append(all, a)
		}
	}
	return all
}

// cursors are what a client of the victim's would resume with.
func (v *victim) cursors() string {
	var list []string
	for _, what := range []string{"talk", "busy", "stopped", "gone"} {
		list = append(list, `{"sessionKey":"$`+what+`","afterSeq":0}`)
	}
	return strings.Join(list, ",")
}

// enter connects. Its sessions are gone, to whom they never belonged, just as
// those are that never were.
func (a *attacker) enter(t *testing.T, v *victim, connect string) {
	t.Helper()
	var welcome protocol.ConnectResult
	answer := a.in.ok(t, protocol.MethodConnect, connect)
	a.in.read(t, answer, &welcome)
	if welcome.UserID != a.user || welcome.Role != a.role {
		t.Fatalf("%s is let in as %+v", a.name, welcome)
	}
	if len(welcome.Resumed) != 4 {
		t.Errorf("%s resumes %+v", a.name, welcome.Resumed)
	}
	for _, r := range welcome.Resumed {
		if r.Status != protocol.ResumeGone || r.Epoch != "" || r.LastSeq != 0 {
			t.Errorf("%s is told %+v", a.name, r)
		}
	}
	a.check(t, v, string(answer.Payload), connect)
}

// check checks that an answer has no secret that the request does not have.
func (a *attacker) check(t *testing.T, v *victim, answer, request string) {
	t.Helper()
	if found := v.leaks(answer, request); len(found) > 0 {
		t.Errorf("LEAK to %s: %q in %.600q, to %.300q", a.name, found, answer, request)
	}
}

// heard checks that the attacker was sent nothing unasked.
func (a *attacker) heard(t *testing.T, v *victim) {
	t.Helper()
	for _, text := range a.in.take() {
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

// shot is a call that an operator is refused with the code, and a viewer unless
// its role is too low already. "" is ok.
type shot struct {
	params string
	code   protocol.Code
}

// no refuses what is the victim's.
func no(params ...string) (shots []shot) {
	for _, p := range params {
		shots = append(shots, shot{p, protocol.Forbidden})
	}
	return shots
}

// yes is answered, with what is the caller's own.
func yes(params ...string) (shots []shot) {
	for _, p := range params {
		shots = append(shots, shot{p, ""})
	}
	return shots
}

// never is for admins alone.
func never(params ...string) (shots []shot) {
	for _, p := range params {
		shots = append(shots, shot{p, protocol.Unauthorized})
	}
	return shots
}

// eachTalk is params for each session of the victim's.
func eachTalk(params string) (all []string) {
	for _, what := range []string{"$talk", "$busy", "$stopped", "$gone"} {
		all = append(all, strings.ReplaceAll(params, "$talk", what))
	}
	return all
}

// probesOf are the calls by which somebody could get at what is another's by a
// method: those of shots, or else the method's use on each of the victim's sessions.
// A method that is neither about a session nor for admins needs an entry in shots.
func probesOf(t *testing.T, m gateway.Method) []shot {
	t.Helper()
	if probes, ok := shots()[m.Name]; ok {
		return probes
	}
	params := strings.ReplaceAll(useOf(t, m).params, "theirs", "$talk")
	switch {
	case ofOwner(m):
		return no(eachTalk(params)...)
	case m.Least == protocol.Admin:
		return never(slices.Compact(eachTalk(params))...)
	}
	t.Fatalf("%s has no probe in shots: say how somebody could get at another's by it", m.Name)
	return nil
}

// shots are the calls by which somebody could get at what is another's, by method,
// for those methods where probesOf cannot derive them all.
func shots() map[string][]shot {
	const file, loose = `{"path":"/api/media/$file"}`, `{"path":"/api/media/$loose"}`
	// in its own session there is no such run
	own := shot{`{"sessionKey":"$mine","runId":"$aborted"}`, protocol.NotFound}
	return map[string][]shot{
		protocol.MethodConnect: {{`{"token":"$keytext","user_id":"$user"}`,
			protocol.FailedPrecondition}, {`{"sender_id":"$secret"}`, protocol.FailedPrecondition}},
		protocol.MethodPairingStatus: {{`{"sender_id":"$waiting"}`, protocol.FailedPrecondition},
			{`{"code":"$code"}`, protocol.FailedPrecondition}},

		protocol.MethodChatSend: slices.Concat(
			no(eachTalk(`{"message":"x","sessionKey":"$talk"}`)...),
			no(eachTalk(`{"message":"x","sessionKey":"$talk","ack":"accepted","idempotencyKey":"$idem"}`)...),
			no(`{"message":"echo **$word**","sessionKey":"$talk","idempotencyKey":"$idem","media":[`+file+`]}`),
			no(`{"message":"x","sessionKey":"$mine","media":[`+file+`]}`,
				`{"message":"x","sessionKey":"$mine","media":[`+loose+`]}`,
				`{"message":"x","media":[`+loose+`],"ack":"accepted"}`,
				`{"message":"","sessionKey":"$mine","media":[`+loose+`,`+file+`]}`),
			yes(`{"message":"echo x","sessionKey":"$mine","userId":"$user","user_id":"$user"}`)),
		protocol.MethodChatRetry: append(slices.Concat(
			no(eachTalk(`{"sessionKey":"$talk","runId":"$aborted"}`)...),
			no(`{"sessionKey":"$talk","runId":"$run"}`, `{"sessionKey":"$busy","runId":"$running"}`,
				`{"sessionKey":"$stopped","runId":"$aborted","idempotencyKey":"$idem","ack":"accepted"}`)),
			own),
		protocol.MethodChatHistory: no(append(eachTalk(`{"sessionKey":"$talk"}`),
			`{"sessionKey":"$talk","before":3,"limit":1}`,
			`{"sessionKey":"$talk","userId":"$user","all":true}`)...),
		protocol.MethodChatInject: no(eachTalk(`{"sessionKey":"$talk","message":"x","label":"x"}`)...),
		protocol.MethodChatAbort: no(append(eachTalk(`{"sessionKey":"$talk"}`), `{"runId":"$run"}`,
			`{"runId":"$running"}`, `{"runId":"$queued"}`,
			`{"sessionKey":"$busy","runId":"$running"}`, `{"sessionKey":"$mine","runId":"$running"}`,
			`{"sessionKey":"$mine","runId":"$queued"}`)...),
		protocol.MethodChatReplay: no(append(eachTalk(`{"sessionKey":"$talk"}`),
			`{"sessionKey":"$talk","epoch":"$epoch","afterSeq":1}`,
			`{"sessionKey":"$talk","epoch":"other","afterSeq":99999}`,
			`{"sessionKey":"$busy","afterSeq":4}`)...),
		protocol.MethodChatWatch: never(eachTalk(`{"sessionKey":"$talk","afterSeq":0}`)...),

		protocol.MethodSessionsList: slices.Concat(
			never(`{"userId":"$user"}`, `{"all":true}`, `{"all":true,"userId":"$user"}`,
				`{"userId":"$user","query":"$word"}`, `{"userId":"boss"}`),
			yes(``, `{}`, `{"query":"$word"}`, `{"query":"$talk"}`, `{"query":"$user"}`, `{"query":"%"}`,
				`{"query":"_"}`, `{"query":"' OR 1=1 --"}`,
				`{"cursor":"1.zzzzzzzz.zz"}`, `{"cursor":"0.0.1"}`, `{"cursor":"1.0.1"}`,
				`{"user_id":"$user","limit":200}`, `{"agentId":"muse"}`)),
		protocol.MethodSessionsPatch: no(append(eachTalk(`{"sessionKey":"$talk","label":"x"}`),
			`{"sessionKey":"$talk","pinned":false}`,
			`{"sessionKey":"$talk","label":"x","userId":"$user"}`)...),

		protocol.MethodAgentsList: yes(``, `{"userId":"$user"}`),
		protocol.MethodHealth:     yes(``, `{"userId":"$user","all":true}`),
		protocol.MethodStatus:     yes(``, `{"userId":"$user","all":true}`),

		protocol.MethodDeviceList:    never(``, `{"userId":"$user"}`),
		protocol.MethodDeviceApprove: never(`{"code":"$code","userId":"$user","role":"admin"}`),
		protocol.MethodDeviceDeny:    never(`{"code":"$code"}`),
		protocol.MethodDeviceRevoke: never(`{"deviceId":"$device"}`,
			`{"senderId":"$device","channel":"ws"}`, `{"senderId":"$secret"}`),
		protocol.MethodKeysCreate:        never(`{"name":"x","userId":"$user","role":"viewer"}`),
		protocol.MethodKeysList:          never(``, `{"userId":"$user"}`),
		protocol.MethodKeysRevoke:        never(`{"id":"$key"}`),
		protocol.MethodClientsList:       never(``, `{"userId":"$user"}`),
		protocol.MethodClientsDisconnect: never(`{"id":"$connection"}`),
		protocol.MethodAuditList:         never(``, `{"userId":"$user"}`, `{"query":"$word"}`),
	}
}

// TestProbes lets users and programs of no admin's try all that the protocol and
// the pages have on what is another's: they learn nothing, and nothing changes.
// A method or a route without a probe fails the test.
func TestProbes(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	v := probed(t)
	var sent atomic.Int64
	all := v.attackers(t, &sent)
	before := v.state(t)
	v.screen.take()
	v.program.take()
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) {
			a.shoot(t, v)
			a.spray(t, v)
			a.browse(t, v)
			a.heard(t, v)
			if after := v.state(t); after != before {
				t.Errorf("what is the victim's was\n%s\nand is\n%s", before, after)
			}
			// Those who follow the sessions were shown nothing either.
			for _, text := range append(v.screen.take(), v.program.take()...) {
				if !strings.Contains(text, protocol.EventTick) {
					t.Errorf("the victim is told %.300s", text)
				}
			}
		})
	}
	t.Run("live", func(t *testing.T) { v.live(t, all) })
	t.Run("an admin", func(t *testing.T) { v.overseen(t) })
	t.Logf("%d methods × %d attackers, %d requests, %d secrets, %v", len(gateway.Methods()), len(all),
		sent.Load(),
		len(v.secrets()), time.Since(begun).Round(time.Millisecond))
}

// shoot makes each call that could be meant to work.
func (a *attacker) shoot(t *testing.T, v *victim) {
	t.Helper()
	for name := range shots() {
		if !slices.ContainsFunc(gateway.Methods(),
			func(m gateway.Method) bool { return m.Name == name }) {
			t.Errorf("there is a probe of %s, which is no method", name)
		}
	}
	for _, m := range gateway.Methods() {
		probes := probesOf(t, m)
		if ofOwner(m) && !slices.ContainsFunc(probes,
			func(s shot) bool { return s.code == protocol.Forbidden }) {
			t.Fatalf("%s has no probe in shots that is refused for not being the owner", m.Name)
		}
		for _, s := range probes {
			want := s.code
			if m.Least != "" && !a.role.Allows(m.Least) {
				want = protocol.Unauthorized
			}
			if got := a.try(t, v, m.Name, a.aim(v, s.params)); got != want {
				t.Errorf("%s: %s %s gives %q, want %q", a.name, m.Name, s.params, got, want)
			}
		}
	}
	a.reuse(t, v)
}

// aim is the victim's aim with $mine, which a viewer has none of.
func (a *attacker) aim(v *victim, params string) string {
	mine := a.mine
	if mine == "" {
		mine = "none"
	}
	return v.aim(strings.ReplaceAll(params, "$mine", mine))
}

// reuse sends under the victim's idempotency key: to everybody else it is a new
// one, whatever the victim has sent under it.
func (a *attacker) reuse(t *testing.T, v *victim) {
	t.Helper()
	if a.role != protocol.Operator {
		return
	}
	for i, want := range []string{protocol.SendAccepted, protocol.SendDuplicate} {
		var sent protocol.ChatSendResult
		a.sent.Add(1)
		params := a.aim(v, `{"sessionKey":"$mine","message":"echo mine again","idempotencyKey":"$idem","ack":"accepted"}`)
		answer := a.in.ok(t, protocol.MethodChatSend, params)
		a.in.read(t, answer, &sent)
		a.check(t, v, string(answer.Payload), params)
		if sent.Status != want && (i > 0 || sent.Status != protocol.SendQueued) ||
			sent.SessionKey != a.mine {
			t.Errorf("%s: the victim's idempotency key gives %s", a.name, answer.Payload)
		}
	}
	// Now that it has used the key itself, another message under it is refused,
	// whosever the session is.
	if code := a.try(t, v, protocol.MethodChatSend,
		a.aim(v, `{"sessionKey":"$talk","message":"echo **$word**","idempotencyKey":"$idem"}`)); code != protocol.AlreadyExists {
		t.Errorf("%s: the victim's message again gives %q", a.name, code)
	}
}

// spray puts each thing of the victim's into each field of each method that
// takes a text, also where it makes no sense.
func (a *attacker) spray(t *testing.T, v *victim) {
	t.Helper()
	for _, m := range gateway.Methods() {
		if m.Params() == nil {
			continue
		}
		rest := ""
		for _, s := range probesOf(t, m) { // one that is good in all other fields
			if rest = strings.TrimSuffix(s.params, "}"); rest != "" && rest != "{" {
				break
			}
		}
		for field := range fields(m.Params()) {
			for _, value := range v.has {
				if creates := m.Name == protocol.MethodChatSend && field == "sessionKey" &&
					!slices.Contains(v.talks, value); creates || field == "message" || field == "label" {
					continue // it would be the attacker's own from then on
				}
				params := `{"` + field + `":"` + value + `"}`
				a.try(t, v, m.Name, params)
				if rest == "" || strings.Contains(rest, `"`+field+`"`) {
					continue
				}
				a.try(t, v, m.Name, a.aim(v, rest)+`,"`+field+`":"`+value+`"}`)
			}
		}
	}
}

// fields are the names of the texts that params have.
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
