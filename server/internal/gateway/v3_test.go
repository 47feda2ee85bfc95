package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// read is what a client of v3 reads of an answer: JSON, without our types.
func read(t *testing.T, f protocol.Frame) map[string]any {
	t.Helper()
	var payload map[string]any
	if err := json.Unmarshal(f.Payload, &payload); err != nil {
		t.Fatal(err)
	}
	return payload
}

// wants compares some fields of an answer. A path has names and indexes, separated by
// dots; a want that is a func checks the value.
func wants(t *testing.T, what string, payload any, fields map[string]any) {
	t.Helper()
	for path, want := range fields {
		value := payload
		for name := range strings.SplitSeq(path, ".") {
			switch at := value.(type) {
			case map[string]any:
				value = at[name]
			case []any:
				var i int
				if _, err := fmt.Sscan(name, &i); err != nil || i >= len(at) {
					t.Fatalf("%s: no %s in %v", what, path, payload)
				}
				value = at[i]
			default:
				value = nil
			}
		}
		if check, ok := want.(func(any) bool); ok {
			if !check(value) {
				t.Errorf("%s: %s is %v", what, path, value)
			}
		} else if !reflect.DeepEqual(value, want) {
			t.Errorf("%s: %s is %v, want %v", what, path, value, want)
		}
	}
}

// isTime checks a time in RFC 3339, isMoment one in milliseconds.
func isTime(v any) bool {
	s, _ := v.(string)
	at, err := time.Parse(time.RFC3339, s)
	return err == nil && time.Since(at) < time.Hour
}

func isMoment(v any) bool {
	ms, _ := v.(float64)
	return time.Since(time.UnixMilli(int64(ms))).Abs() < 2*time.Hour
}

// A client that knows only v3 finds its names in every answer.
func TestV3Names(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	c := gw.dial(t, nil)
	connected := c.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`","user_id":"ann"}`)
	wants(t, "connect", read(t, connected), map[string]any{"tenant_id": "default", "tenant_slug": "default",
		"is_owner": true, "is_master_scope": true, "edition": "gatehouse", "role": "admin"})
	viewer := gw.dial(t, nil)
	device := gw.pair(t, protocol.Viewer, "ben")
	wants(t, "connect of a viewer", read(t, viewer.OK(protocol.MethodConnect, `{"sender_id":"`+device.secret+`"}`)),
		map[string]any{"is_owner": true, "is_master_scope": true, "role": "viewer"})
	viewer.Refused(protocol.Unauthorized, "requires admin", protocol.MethodDeviceList, "")

	file, err := gw.Media.Upload(t.Context(), session.Caller{UserID: "ann"}, func() (string, io.Reader, error) {
		return "a.txt", strings.NewReader("text"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := read(t, c.OK(protocol.MethodChatSend, `{"message":"echo one two","sessionKey":"k","media":[{"path":"`+file.Path()+`"}]}`))
	usage := sent["usage"].(map[string]any)
	wants(t, "usage", usage, map[string]any{"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"],
		"total_tokens": usage["input_tokens"].(float64) + usage["output_tokens"].(float64)})
	c.OK(protocol.MethodChatSend, `{"message":"echo three","sessionKey":"second"}`)
	created := read(t, protocol.Frame{Payload: c.Event(protocol.EventSessionUpdated).Payload})
	wants(t, "session.updated", created, map[string]any{"label": "echo one two"})

	list := read(t, c.OK(protocol.MethodSessionsList, `{"limit":1,"offset":1,"channel":"ws"}`))
	wants(t, "sessions.list", list, map[string]any{"total": 2.0, "limit": 1.0, "offset": 1.0,
		"sessions.0.key": "k", "sessions.0.created": isTime, "sessions.0.updated": isTime, "sessions.0.messageCount": 2.0,
		"sessions.0.userID": "ann", "sessions.0.channel": "ws"})
	if n := len(list["sessions"].([]any)); n != 1 {
		t.Errorf("%d sessions", n)
	}
	wants(t, "a search", read(t, c.OK(protocol.MethodSessionsList, `{"query":"echo","limit":1,"offset":1}`)),
		map[string]any{"total": 2.0, "sessions.0.key": "k"})
	wants(t, "another channel", read(t, c.OK(protocol.MethodSessionsList, `{"channel":"telegram"}`)),
		map[string]any{"total": 0.0, "sessions": []any{}})
	for _, beyond := range []string{`{"offset":7}`, `{"offset":7,"query":"echo"}`} {
		wants(t, "beyond the end "+beyond, read(t, c.OK(protocol.MethodSessionsList, beyond)),
			map[string]any{"total": 2.0, "offset": 7.0})
	}
	c.Refused(protocol.InvalidRequest, "offset must be", protocol.MethodSessionsList, `{"offset":-1}`)
	c.Refused(protocol.InvalidRequest, "offset must be", protocol.MethodSessionsList, `{"offset":10001}`)

	wants(t, "sessions.preview", read(t, c.OK(protocol.MethodSessionsPreview, `{"key":"k"}`)),
		map[string]any{"key": "k", "summary": "", "messages.0.content": "echo one two"})
	wants(t, "sessions.patch", read(t, c.OK(protocol.MethodSessionsPatch, `{"key":"k","label":"new"}`)),
		map[string]any{"ok": true, "key": "k", "session.label": "new"})
	for _, method := range []string{protocol.MethodSessionsPreview, protocol.MethodSessionsPatch} {
		c.Refused(protocol.InvalidRequest, "mean the same", method, `{"key":"k","sessionKey":"second","label":"x"}`)
		c.OK(method, `{"key":"k","sessionKey":"k","label":"x"}`)
		c.Refused(protocol.InvalidRequest, "sessionKey must be", method, `{"label":"x"}`)
	}
	wants(t, "chat.history", read(t, c.OK(protocol.MethodChatHistory, `{"sessionKey":"k"}`)), map[string]any{
		"messages.0.created_at": isTime, "messages.0.media_refs.0.path": file.Path(), "messages.0.media_refs.0.id": file.ID,
		"messages.0.media_refs.0.mime_type": "text/plain", "messages.0.media_refs.0.kind": "document", "messages.1.created_at": isTime})

	wants(t, "status", read(t, c.OK(protocol.MethodStatus, "")), map[string]any{"agents.0.id": "default", "agents.0.isRunning": false,
		"agentTotal": 1.0, "clients": 2.0, "sessions": 2.0})
	wants(t, "status of a viewer", read(t, viewer.OK(protocol.MethodStatus, "")), map[string]any{"sessions": 0.0, "agentTotal": 1.0})

	for method, want := range map[string]map[string]any{
		protocol.MethodTenantsMine:    {"tenants": []any{}},
		protocol.MethodTeamTasks:      {"tasks": []any{}, "count": 0.0},
		protocol.MethodQuotaUsage:     {"enabled": false, "entries": []any{}},
		protocol.MethodCronList:       {"jobs": []any{}},
		protocol.MethodChannelsStatus: {"channels": map[string]any{}},
	} {
		wants(t, method, read(t, viewer.OK(method, `{"sessionKey":"k"}`)), want)
	}
}

// A client that knows no addition gets no running answer in a history: it could not put
// the answer together with the events that follow.
func TestV3GetsNoRunningAnswer(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	c := gw.admin(t, "ann")
	sent := read(t, c.OK(protocol.MethodChatSend, `{"message":"slow","sessionKey":"k","ack":"accepted"}`))
	for {
		var e protocol.AgentEvent
		f := c.Event(protocol.EventAgent)
		if err := protocol.Decode(f.Payload, &e); err != nil {
			t.Fatal(err)
		}
		if e.Type == protocol.RunChunk {
			break
		}
	}
	for name, row := range map[string]struct {
		connect string
		running bool
	}{
		"v3":                      {``, false},
		"a client with a name":    {`,"client":{"name":"x"}`, true},
		"a client with caps":      {`,"client":{"caps":[]}`, true},
		"a client that resumes":   {`,"resume":[{"sessionKey":"k","afterSeq":0}]`, true},
		"a client with no cursor": {`,"resume":[]`, false},
	} {
		reader := gw.dial(t, nil)
		reader.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`","user_id":"ann"`+row.connect+`}`)
		var page protocol.ChatHistoryResult
		reader.Read(reader.OK(protocol.MethodChatHistory, `{"sessionKey":"k"}`), &page)
		if n := len(page.Messages); (n == 2) != row.running || page.Messages[0].Content != "slow" {
			t.Errorf("%s: %d messages", name, n)
		}
		wants(t, name, read(t, reader.OK(protocol.MethodStatus, "")), map[string]any{"agents.0.isRunning": true})
	}
	c.OK(protocol.MethodChatAbort, `{"runId":"`+sent["runId"].(string)+`"}`)
}

func TestV3Pairing(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	asking := gw.dial(t, from("192.0.2.1"))
	asked := read(t, asking.OK(protocol.MethodConnect, `{}`))
	secret := asked["sender_id"].(string)
	pending := map[string]any{"channel": "browser", "created_at": isMoment, "expires_at": isMoment,
		"sender_id": func(v any) bool { return v != "" && v != secret }}
	wants(t, "requested", read(t, protocol.Frame{Payload: admin.Event(protocol.EventDeviceRequested).Payload}), pending)
	list := read(t, admin.OK(protocol.MethodDeviceList, ""))["pending"].([]any)[0].(map[string]any)
	wants(t, "pending", list, pending)
	wants(t, "pending", list, map[string]any{"sender_id": list["deviceId"], "chat_id": list["deviceId"]})
	wants(t, "status", read(t, asking.OK(protocol.MethodPairingStatus, "")), map[string]any{"approved": false, "status": "pending"})
	admin.OK(protocol.MethodDeviceApprove, `{"code":"`+asked["pairing_code"].(string)+`"}`)
	wants(t, "status", read(t, asking.OK(protocol.MethodPairingStatus, "")), map[string]any{"approved": true, "status": "approved"})
	paired := read(t, admin.OK(protocol.MethodDeviceList, ""))["paired"].([]any)[0].(map[string]any)
	wants(t, "paired", paired, map[string]any{"sender_id": list["deviceId"], "chat_id": list["deviceId"], "channel": "browser",
		"paired_at": isMoment, "paired_by": "boss"})
	id := paired["sender_id"].(string)
	admin.Refused(protocol.InvalidRequest, "mean the same", protocol.MethodDeviceRevoke, `{"sender_id":"`+id+`","deviceId":"dev-x"}`)
	wants(t, "revoke", read(t, admin.OK(protocol.MethodDeviceRevoke, `{"sender_id":"`+id+`","channel":"browser"}`)),
		map[string]any{"revoked": true})
}

func TestV3Scopes(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	for scopes, role := range map[string]string{
		`["operator.read"]`: "viewer", `["operator.read","operator.write"]`: "operator",
		`["operator.write","operator.admin","operator.read"]`: "admin",
	} {
		made := read(t, admin.OK(protocol.MethodKeysCreate, `{"name":"bot","owner_id":"ann","expires_in":3600,"scopes":`+scopes+`}`))
		wants(t, scopes, made, map[string]any{"role": role, "userId": "ann", "expiresAt": func(v any) bool {
			s, _ := v.(string)
			at, err := time.Parse(time.RFC3339, s)
			return err == nil && time.Until(at) > 50*time.Minute && time.Until(at) <= time.Hour
		}})
	}
	for params, words := range map[string]string{
		`{"name":"bot","userId":"ann","scopes":["operator.read","root"]}`:                "there is no scope root",
		`{"name":"bot","userId":"ann","role":"viewer","scopes":["operator.admin"]}`:      "role and scopes mean the same",
		`{"name":"bot","userId":"ann","owner_id":"ben","role":"viewer"}`:                 "userId and owner_id mean the same",
		`{"name":"bot","userId":"ann","role":"viewer","expiresIn":60,"expires_in":3600}`: "expiresIn and expires_in mean the same",
		`{"name":"bot","userId":"ann","scopes":[]}`:                                      "role",
	} {
		admin.Refused(protocol.InvalidRequest, words, protocol.MethodKeysCreate, params)
	}
}
