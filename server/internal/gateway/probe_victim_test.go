package gateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// victim is a user with data of every kind that a gateway stores. Each of its texts
// contains word, which nobody can guess.
type victim struct {
	gw          *testGateway
	word        string
	has         map[string]string // ids and secrets, by what they belong to
	sessionKeys []string          // of its sessions that were not deleted
	device      paired
	screen      *probeClient // a connection of its browser
	program     *probeClient // a connection with its API key
	admin       *probeClient
	cookie      http.Header
	sessions    session.Caller
}

// unguessable gives a name with 128 random bits.
func unguessable(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// muse is an agent that repeats the question and then waits to be stopped.
func muse(ctx context.Context, r agent.Request, say func(string) error) error {
	if err := say("thinking of " + r.Messages[len(r.Messages)-1].Text); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// newVictim makes a gateway with a victim.
func newVictim(t *testing.T) *victim {
	t.Helper()
	gw := newTestGateway(t, httpdtest.Options{Agents: map[string]agent.Agent{"muse": agentFunc(muse)}})
	v := &victim{gw: gw, word: unguessable("canary"), has: map[string]string{}}
	v.has["user"] = unguessable("victim-")
	v.sessions = session.Caller{UserID: v.has["user"], Role: protocol.Operator}
	v.admin = gw.probeClient(t, nil, `{"token":"`+httpdtest.Token+`","user_id":"boss"}`)
	v.connect(t)
	v.addFiles(t)
	v.addSession(t)
	v.addBusySession(t)
	v.addStoppedSession(t)
	v.addDeletedSession(t)
	v.addPendingDevice(t)
	return v
}

// connect connects the victim's device and program.
func (v *victim) connect(t *testing.T) {
	t.Helper()
	v.device = v.gw.pair(t, protocol.Operator, v.has["user"])
	key := v.gw.key(t, protocol.Operator, v.has["user"])
	maps.Copy(v.has, map[string]string{
		"device": v.device.DeviceID, "secret": v.device.secret, "key": key.ID, "keytext": key.Key,
		"prefix": key.Prefix,
	})
	v.screen = v.gw.probeClient(t, nil, `{"sender_id":"`+v.device.secret+`","client":{"name":"web-`+v.word+`","caps":["html"]}}`)
	v.program = v.gw.probeClient(t, nil, `{"token":"`+key.Key+`"}`)
	v.cookie = http.Header{"Cookie": {v.gw.cookie(v.device.secret)}}
	for _, c := range v.connections(t) {
		if c.byKey() {
			v.has["connection"] = c.ID
		}
	}
}

// addFiles uploads a picture, a file that will be sent, and one that will not.
func (v *victim) addFiles(t *testing.T) {
	t.Helper()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 600, 400))); err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string]string{"file": "sent " + v.word, "loose": "not sent " +
		v.word, "picture": picture.String()} {
		name := what + v.word
		f, err := v.gw.Media.Upload(t.Context(), v.sessions,
			func() (string, io.Reader, error) { return name, strings.NewReader(content), nil })
		if err != nil {
			t.Fatal(err)
		}
		v.has[what] = f.ID
	}
}

// addSession makes a session with everything that a transcript can have.
func (v *victim) addSession(t *testing.T) {
	t.Helper()
	v.has["talk"], v.has["idem"] = unguessable("talk-"), unguessable("idem-")
	var sent, answer protocol.ChatSendResult
	params := v.fill(`{"sessionKey":"$talk","message":"echo **$word**","idempotencyKey":"$idem","media":[{"path":"/api/media/$file"},{"path":"/api/media/$picture"}]`)
	v.screen.read(t, v.screen.ok(t, protocol.MethodChatSend, params+`}`), &answer)
	v.screen.read(t, v.screen.ok(t, protocol.MethodChatSend, params+`,"ack":"accepted"}`), &sent)
	v.has["run"], v.has["message"], v.has["epoch"] = sent.RunID, sent.MessageID, sent.Epoch
	v.screen.ok(t, protocol.MethodChatInject,
		v.fill(`{"sessionKey":"$talk","message":"a note $word","label":"$word"}`))
	v.admin.ok(t, protocol.MethodChatInject,
		v.fill(`{"sessionKey":"$talk","message":"an admin's note $word"}`))
	v.screen.ok(t, protocol.MethodSessionsPatch,
		v.fill(`{"sessionKey":"$talk","label":"$word","pinned":true}`))
	v.sessionKeys = append(v.sessionKeys, v.has["talk"])
}

// addBusySession makes a session with a running and a queued run.
func (v *victim) addBusySession(t *testing.T) {
	t.Helper()
	v.has["busy"] = unguessable("busy-")
	for _, what := range []string{"running", "queued"} {
		var sent protocol.ChatSendResult
		v.screen.read(t, v.screen.ok(t, protocol.MethodChatSend,
			v.fill(`{"sessionKey":"$busy","agentId":"muse","message":"$word","ack":"accepted"}`)), &sent)
		v.has[what] = sent.RunID
	}
	v.screen.event(t, `"thinking of `+v.word)
	v.sessionKeys = append(v.sessionKeys, v.has["busy"])
}

// addStoppedSession makes a session with a stopped run, which can be retried.
func (v *victim) addStoppedSession(t *testing.T) {
	t.Helper()
	v.has["stopped"] = unguessable("stopped-")
	var sent protocol.ChatSendResult
	v.screen.read(t, v.screen.ok(t, protocol.MethodChatSend,
		v.fill(`{"sessionKey":"$stopped","agentId":"muse","message":"$word","ack":"accepted"}`)), &sent)
	v.has["aborted"] = sent.RunID
	v.screen.event(t, sent.RunID+`","userId":"`+v.has["user"]+`","channel":"ws","payload":{"content"`)
	v.screen.ok(t, protocol.MethodChatAbort, v.fill(`{"runId":"$aborted"}`))
	v.screen.event(t, protocol.RunCancelled)
	v.sessionKeys = append(v.sessionKeys, v.has["stopped"])
}

// addDeletedSession makes and deletes a session; its key stays the victim's.
func (v *victim) addDeletedSession(t *testing.T) {
	t.Helper()
	v.has["gone"] = unguessable("gone-")
	v.screen.ok(t, protocol.MethodChatSend, v.fill(`{"sessionKey":"$gone","message":"echo $word"}`))
	v.screen.ok(t, protocol.MethodSessionsDelete, v.fill(`{"key":"$gone"}`))
}

// addPendingDevice requests pairing for another device of the victim.
func (v *victim) addPendingDevice(t *testing.T) {
	t.Helper()
	var asked protocol.ConnectResult
	waiting := v.gw.dial(t, nil)
	waiting.Read(waiting.OK(protocol.MethodConnect, `{"device_name":"phone-`+v.word+`"}`), &asked)
	v.has["code"], v.has["waiting"] = asked.PairingCode, asked.SenderID
}

// fill replaces the names in a template, such as $talk, by the victim's values.
func (v *victim) fill(template string) string {
	pairs := []string{"$word", v.word}
	for _, what := range slices.Backward(slices.Sorted(maps.Keys(v.has))) { // $keytext before $key
		pairs = append(pairs, "$"+what, v.has[what])
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// secrets are the values that must not be sent to anybody else.
func (v *victim) secrets() []string {
	all := []string{v.word}
	for what, value := range v.has {
		if what != "connection" { // a small number
			all = append(all, value)
		}
	}
	return all
}

// leaks gives the victim's secrets in an answer, except for those that its request has,
// too. The word is a leak even if the request has it.
func (v *victim) leaks(text, request string) (found []string) {
	text, request = strings.ToLower(text), strings.ToLower(request)
	for _, secret := range v.secrets() {
		secret = strings.ToLower(secret)
		if strings.Contains(text, secret) && (secret == v.word || !strings.Contains(request, secret)) {
			found = append(found, secret)
		}
	}
	return found
}

// connection is a live connection, as admins see it.
type connection protocol.ConnectedClient

// byKey reports whether the client has connected with an API key.
func (c connection) byKey() bool { return strings.HasPrefix(c.Via, "key:") }

// connections gives the victim's live connections.
func (v *victim) connections(t *testing.T) (own []connection) {
	t.Helper()
	var list protocol.ClientsListResult
	v.admin.read(t, v.admin.ok(t, protocol.MethodClientsList, ""), &list)
	for _, c := range list.Clients {
		if c.UserID == v.has["user"] {
			c.ActiveAt = 0
			own = append(own, connection(c))
		}
	}
	return own
}

// state is all of the victim's data, as text to compare.
func (v *victim) state(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, key := range append(slices.Clone(v.sessionKeys), v.has["gone"]) {
		for _, method := range []string{protocol.MethodChatHistory, protocol.MethodChatReplay,
			protocol.MethodChatStatus, protocol.MethodSessionsPreview} {
			f := v.program.call(t, method, `{"sessionKey":"`+key+`","limit":200}`)
			fmt.Fprintf(&b, "%s %s: %s %v\n", method, key, f.Payload, f.Error)
		}
	}
	fmt.Fprintf(&b, "sessions: %s\n", v.program.ok(t, protocol.MethodSessionsList,
		`{"limit":200}`).Payload)
	for _, what := range []string{"file", "loose", "picture", "picture?thumbnail"} {
		id, query, _ := strings.Cut(what, "?")
		status, header, body := v.gw.fetch(t, http.MethodGet, "/api/media/"+v.has[id]+"?"+query, v.cookie,
			"")
		fmt.Fprintf(&b, "%s: HTTP %d %s %x\n", what, status, header.Get("ETag"), body)
	}
	var devices protocol.DeviceListResult
	v.admin.read(t, v.admin.ok(t, protocol.MethodDeviceList, ""), &devices)
	for _, d := range devices.Paired {
		if d.LastSeenAt = 0; d.UserID == v.has["user"] {
			fmt.Fprintf(&b, "device: %+v\n", d)
		}
	}
	for _, d := range devices.Pending {
		if d.Left = false; d.Code == v.has["code"] { // whether it has left is a matter of time
			fmt.Fprintf(&b, "waiting: %+v\n", d)
		}
	}
	var keys protocol.KeysListResult
	v.admin.read(t, v.admin.ok(t, protocol.MethodKeysList, ""), &keys)
	for _, k := range keys.Keys {
		if k.LastUsedAt = 0; k.UserID == v.has["user"] {
			fmt.Fprintf(&b, "key: %+v\n", k)
		}
	}
	fmt.Fprintf(&b, "connections: %+v\n", v.connections(t))
	return b.String()
}
