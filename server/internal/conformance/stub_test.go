package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
)

// stub is a gateway with the smallest part of v3 that a chat needs: connect with a token,
// chat.send and health. It has neither pairing nor any addition, and cannot delete
// sessions.
func stub(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/ws" {
		http.NotFound(w, r)
		return
	}
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(maxFrame)
	for connected := false; ; {
		_, text, err := ws.Read(r.Context())
		if err != nil {
			return
		}
		var q object
		answer := refuses("INVALID_REQUEST", "invalid frame: no JSON object")
		if json.Unmarshal(text, &q) == nil && q["type"] == "req" {
			answer = stubAnswer(&connected, q["method"], q["params"])
		}
		answer["type"], answer["id"] = "res", ""
		if id, ok := q["id"].(string); ok {
			answer["id"] = id
		}
		if text, err = json.Marshal(answer); err != nil ||
			ws.Write(r.Context(), websocket.MessageText, text) != nil {
			return
		}
	}
}

func stubAnswer(connected *bool, method, params any) object {
	fine := func(payload object) object { return object{"ok": true, "payload": payload} }
	switch {
	case method == "connect" && get(params, "token") == "right":
		*connected = true
		return fine(object{"protocol": 3, "role": "admin", "user_id": "admin",
			"server": object{"name": "stub", "version": "1"}})
	case method == "connect":
		return refuses("UNAUTHORIZED", "invalid token")
	case !*connected:
		return refuses("UNAUTHORIZED", notFirst)
	case method == "health":
		return fine(object{"status": "ok", "protocol": 3,
			"clients": []any{object{"address": "right"}}})
	case method == "sessions.list": // the refusal has the token
		return refuses("INTERNAL", "no sessions for token right")
	case method == "chat.send":
		message, _ := get(params, "message").(string)
		return fine(object{"runId": "run", "sessionKey": "key",
			"content": strings.TrimPrefix(message, "echo "), "usage": object{}})
	}
	name, _ := method.(string)
	return refuses("INVALID_REQUEST", "unknown method: "+name)
}

func refuses(code, message string) object {
	return object{"ok": false, "error": object{"code": code, "message": message}}
}

// TestIncompletePeer walks all rows against stub: each row gets an outcome in a bounded
// time, and missing additions are no failures.
func TestIncompletePeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := conntest.Serve(t, http.HandlerFunc(stub))
		dial := func(context.Context, string, string) (net.Conn, error) { return server.Pipe(t), nil }
		target := Target{URL: strings.TrimSuffix(server.URL(""), "/"), Token: "right",
			Proxied: true, Dial: dial}
		began := time.Now()
		about, err := Learn(t.Context(), target)
		if err != nil || about.Name != "stub" {
			t.Fatalf("%+v, %v", about, err)
		}
		target.Without = about.Without
		table := Table{URL: target.URL, Gateway: about.Name, Without: about.Without}
		table.Rows, table.Left = Walk(t.Context(), target, Plan{})
		if took := time.Since(began); took > 30*time.Minute {
			t.Errorf("the walk took %v, want at most 30 min", took)
		}
		outcomes := map[string]Outcome{}
		for _, r := range table.Rows {
			outcomes[r.Says] = r.Outcome
			if r.Why == "" != (r.Outcome == Passed) {
				t.Errorf("%+v", r)
			}
		}
		for says, want := range map[string]Outcome{
			"endpoint: GET /ws → 101":  Passed,
			"names are case-sensitive": Failed,
			"chat.retry {sessionKey, runId}: a new run on the same user message": Inapplicable,
			"clients.list": Inapplicable, "audit.list (admin)": Inapplicable, "GET /metrics: Prometheus, for admins' bearer": Inapplicable,
			"the code is usable once":                   Inapplicable,
			`GET /health: {"status":"ok","protocol":3}`: Failed,
			"the server pings every 30 s":               LeftOut,
		} {
			if outcomes[says] != want {
				t.Errorf("%s: %q, want %q", says, outcomes[says], want)
			}
		}
		if i := slices.IndexFunc(table.Rows,
			func(r Result) bool { return strings.Contains(r.Why, "(the token)") }); i < 0 {
			t.Error("no row quotes the answer with the token")
		}
		for _, r := range table.Rows {
			if strings.Contains(r.Why, "token right") {
				t.Errorf("the token is in %q", r.Why)
			}
		}
		var text bytes.Buffer
		if err := table.WriteText(&text); err != nil ||
			strings.Contains(text.String(), "runtime error") {
			t.Errorf("%v\n%s", err, text.String())
		}
		for _, o := range []Offer{Pairing, Resuming, Limits, Cookies} {
			if !strings.Contains(text.String(), "\n  "+string(o)+"\n") {
				t.Errorf("the table does not say that it lacks %s:\n%s", o, text.String())
			}
		}
	})
}

// TestSilentPeer calls Learn on a server that opens WebSockets and sends nothing.
func TestSilentPeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := conntest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ws, err := websocket.Accept(w, r, nil); err == nil {
				_, _, _ = ws.Read(r.Context())
				_, _, _ = ws.Read(r.Context())
				_ = ws.CloseNow()
			}
		}))
		dial := func(context.Context, string, string) (net.Conn, error) { return server.Pipe(t), nil }
		began := time.Now()
		_, err := Learn(t.Context(),
			Target{URL: strings.TrimSuffix(server.URL(""), "/"), Token: "right", Dial: dial})
		if err == nil || !strings.Contains(err.Error(), "nothing came in time") ||
			time.Since(began) > 2*rowTimeout {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
