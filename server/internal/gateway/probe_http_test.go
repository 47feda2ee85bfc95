package gateway_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// pageProbe is a request for a path, and the status that an attacker must get: 0 means any
// below 400, for pages that strangers may see, and -1 any at all.
type pageProbe struct {
	path   string
	cookie int // status with a device's cookie
	bearer int // status with an API key
}

// sendingHeaders are headers by which an attacker might get more than by the path alone.
var sendingHeaders = map[string]string{
	"Range": "bytes=0-3", "If-None-Match": "*", "X-User-Id": "$user", "X-Forwarded-User": "$user",
	"X-Original-URL":         "/s/$talk",
	"X-Http-Method-Override": "DELETE", "Referer": "/s/$talk",
}

// pageProbes are the paths by which a user could get at another user's data, by route. A
// route without an entry fails the test.
func pageProbes() map[string][]pageProbe {
	const console = http.StatusForbidden
	admin := func(paths ...string) (all []pageProbe) {
		for _, p := range paths {
			// a client without a cookie gets the sign-in page
			all = append(all, pageProbe{p, console, http.StatusOK})
		}
		return all
	}
	file := func(of string) []pageProbe {
		const no, none = http.StatusForbidden, http.StatusNotFound
		path := "/api/media/$" + of
		return []pageProbe{{path, no, no}, {path + "?thumbnail", no, no},
			{path + "?userId=$user&all=true", no, no}, {path + "/", none, none}}
	}
	files := slices.Concat(file("file"), file("loose"), file("picture"))
	return map[string][]pageProbe{
		"/ws": {{"/ws?userId=$user&sessionKey=$talk&token=$keytext",
			http.StatusUpgradeRequired, http.StatusUpgradeRequired}},
		"/health":  {{"/health?userId=$user", 0, 0}},
		"/readyz":  {{"/readyz?userId=$user", 0, 0}},
		"/metrics": {{"/metrics", http.StatusForbidden, http.StatusForbidden}},
		"/static/*": {{"/static/$talk", http.StatusNotFound, http.StatusNotFound},
			{"/static/..%2f..%2fgatehouse.db", -1, -1}},
		"/api/session": {{"/api/session?userId=$user", http.StatusMethodNotAllowed,
			http.StatusMethodNotAllowed}},
		// taken for a file of that name
		"/api/media/upload": {{"/api/media/upload", http.StatusNotFound, http.StatusNotFound}},
		"/api/media/{id}": append(files, pageProbe{"/api/media/$message", http.StatusNotFound,
			http.StatusNotFound},
			pageProbe{"/api/media/$talk", http.StatusNotFound, http.StatusNotFound}),
		"/v1/media/upload": {{"/v1/media/upload", http.StatusMethodNotAllowed,
			http.StatusMethodNotAllowed}},
		"/v1/agents":    {{"/v1/agents?userId=$user&all=true", http.StatusOK, http.StatusOK}},
		"/v1/providers": {{"/v1/providers?userId=$user", http.StatusOK, http.StatusOK}},
		"/pair/qr.svg": {{"/pair/qr.svg?code=$code&sender_id=$waiting", http.StatusNotFound,
			http.StatusNotFound}},
		"/": {{"/", http.StatusOK, http.StatusOK},
			{"/?user=$user&userId=$user&session=$talk&all=true", http.StatusOK, http.StatusOK}},
		"/s/{key}": {
			{"/s/$talk", http.StatusForbidden, http.StatusOK},
			{"/s/$busy", http.StatusForbidden, http.StatusOK},
			{"/s/$stopped", http.StatusForbidden, http.StatusOK},
			{"/s/$gone", http.StatusForbidden, http.StatusOK},
			{"/s/$talk?userId=$user&all=true", http.StatusForbidden, http.StatusOK},
			{"/s/%74alk", http.StatusNotFound, http.StatusOK},
			{"/s/$run", http.StatusNotFound, http.StatusOK},
			{"/s/$talk/", http.StatusNotFound, http.StatusNotFound},
			{"/s/../s/$talk", -1, -1}, {"//s/$talk", -1, -1}, {"/s/none%2f..%2f$talk", -1, -1},
		},
		"/docs": {{"/docs?user=$user", http.StatusOK, http.StatusOK}},
		"/docs/{name}": {{"/docs/configuration?user=$user", http.StatusOK, http.StatusOK},
			{"/docs/$talk", http.StatusNotFound, http.StatusNotFound},
			{"/docs/..%2f..%2fgatehouse.db", -1, -1}},
		"/login": {{"/login?user=$user", http.StatusOK, http.StatusOK}},
		"/admin": admin("/admin", "/admin?user=$user"),
		"/admin/sessions": admin("/admin/sessions", "/admin/sessions?user=$user",
			"/admin/sessions?q=$word"),
		"/admin/clients": admin("/admin/clients", "/admin/clients?q=$user"),
		"/admin/keys":    admin("/admin/keys"),
		"/admin/audit":   admin("/admin/audit", "/admin/audit?user=$user"),
		"/admin/audit.csv": {{"/admin/audit.csv", http.StatusForbidden, http.StatusForbidden},
			{"/admin/audit.csv?user=$user", http.StatusForbidden, http.StatusForbidden}},
		"/admin/status": admin("/admin/status"),
	}
}

// routes gives the gateway's routes, with the HTTP methods of each.
func (gw *testGateway) routes(t *testing.T) map[string][]string {
	t.Helper()
	routes := map[string][]string{}
	err := chi.Walk(gw.Handler.(chi.Routes), func(method, route string, _ http.Handler,
		_ ...func(http.Handler) http.Handler) error {
		routes[route] = append(routes[route], method)
		return nil
	})
	if err != nil || len(routes) < 10 {
		t.Fatalf("%d routes, %v", len(routes), err)
	}
	return routes
}

// tryPages requests the paths of pageProbes, also with other methods and headers.
func (a *attacker) tryPages(t *testing.T, v *victim) {
	t.Helper()
	routes := v.gw.routes(t)
	for route := range routes {
		if len(pageProbes()[route]) == 0 {
			t.Fatalf("%s has no probe in pageProbes: say how it could be used to get at another user's data", route)
		}
	}
	for route, probes := range pageProbes() {
		if routes[route] == nil {
			t.Errorf("there is no route %s", route)
		}
		for _, p := range probes {
			a.request(t, v, p)
		}
	}
	a.send(t, v)
	a.signInAndOut(t, v)
}

// request requests a path, with every method and every header.
func (a *attacker) request(t *testing.T, v *victim, p pageProbe) {
	t.Helper()
	want := p.cookie
	if a.header.Get("Authorization") != "" {
		want = p.bearer
	}
	path := v.fill(p.path)
	status := a.fetch(t, v, http.MethodGet, path, nil, "")
	if want == 0 && status >= 400 || want > 0 && status != want {
		t.Errorf("%s: GET %s gives %d, want %d", a.name, p.path, status, want)
	}
	if head := a.fetch(t, v, http.MethodHead, path, nil, ""); head != status {
		t.Errorf("%s: HEAD %s gives %d, GET %d", a.name, p.path, head, status)
	}
	for name, value := range sendingHeaders {
		if with := a.fetch(t, v, http.MethodGet, path, http.Header{name: {v.fill(value)}},
			""); with != status {
			t.Errorf("%s: GET %s gives %d with %s", a.name, p.path, with, name)
		}
	}
	if strings.HasPrefix(path, "/api/session") {
		return // the other methods would sign the attacker out
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, "PROPFIND"} {
		for _, body := range []string{"", v.fill(`{"userId":"$user","token":"x","code":"$code"}`)} {
			got := a.fetch(t, v, method, path, http.Header{"Content-Type": {"application/json"}}, body)
			if got < 400 && method != http.MethodOptions {
				t.Errorf("%s: %s %s gives %d", a.name, method, p.path, got)
			}
		}
	}
}

// fetch makes a request, and checks that neither the answer nor its headers leak anything.
func (a *attacker) fetch(t *testing.T, v *victim, method, path string, more http.Header,
	body string) int {
	t.Helper()
	header := a.header.Clone()
	for name := range more {
		header.Set(name, more.Get(name))
	}
	a.sent.Add(1)
	status, got, text := v.gw.fetch(t, method, path, header, body)
	var answer bytes.Buffer
	if err := got.Write(&answer); err != nil {
		t.Fatal(err)
	}
	a.check(t, v, answer.String()+text, path) // a page may repeat the path that was not found
	if set := got.Values("Set-Cookie"); len(set) > 0 {
		t.Errorf("%s: %s %s sets %q", a.name, method, path, set)
	}
	return status
}

// signInAndOut signs in and out with another browser of the attacker's: with values of the
// victim's that the attacker may have seen, it becomes no other user, and it signs out
// nobody but itself.
func (a *attacker) signInAndOut(t *testing.T, v *victim) {
	t.Helper()
	d := v.gw.pair(t, a.role, a.user)
	header := http.Header{"Cookie": {v.gw.cookie(d.secret)}, "Origin": {v.gw.url},
		"Content-Type":    {"application/json"},
		"X-Forwarded-For": {a.address}} // where wrong tokens are counted
	for _, row := range []struct {
		method, body string
		status       int
	}{
		{http.MethodPost, `{"code":"$code"}`, http.StatusUnauthorized},
		{http.MethodPost, `{"token":"$device"}`, http.StatusUnauthorized},
		{http.MethodPost, `{"token":"$prefix","user_id":"$user"}`, http.StatusUnauthorized},
		{http.MethodPost, `{"user_id":"$user","role":"admin","sender_id":"$device","deviceId":"$device"}`,
			http.StatusNoContent},
		{http.MethodDelete, `{"deviceId":"$device","userId":"$user","all":true}`, http.StatusNoContent},
	} {
		a.sent.Add(1)
		status, got, text := v.gw.fetch(t, row.method, v.fill("/api/session?userId=$user&deviceId=$device"),
			header, v.fill(row.body))
		a.check(t, v, text+strings.Join(got.Values("Set-Cookie"), "\n"), "")
		if status != row.status {
			t.Errorf("%s: %s /api/session %s gives %d %s", a.name, row.method, row.body, status, text)
		}
	}
	header.Del("Origin")
	if status, _, text := v.gw.fetch(t, http.MethodGet, "/", header, ""); status != http.StatusOK ||
		strings.Contains(text, a.user) {
		t.Errorf("%s: it is still signed in: HTTP %d", a.name, status)
	}
}

// send uploads files with the victim's content, and removes them again: the victim's files
// must stay. A viewer may not upload.
func (a *attacker) send(t *testing.T, v *victim) {
	t.Helper()
	for what, content := range map[string]string{"file": "sent " + v.word, "loose": "not sent " +
		v.word} {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("file", "copy.txt")
		if err == nil {
			_, err = part.Write([]byte(content))
		}
		if err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		for _, route := range []string{"/api/media/upload", "/v1/media/upload"} {
			header := a.header.Clone()
			header.Set("Content-Type", w.FormDataContentType())
			a.sent.Add(1)
			status, _, text := v.gw.fetch(t, http.MethodPost, route+v.fill("?userId=$user"), header,
				form.String())
			a.check(t, v, text, "")
			if a.role == protocol.Viewer {
				if status != http.StatusForbidden {
					t.Errorf("%s uploads: HTTP %d", a.name, status)
				}
				continue
			}
			var made protocol.MediaUploadResult
			if err := json.Unmarshal([]byte(text), &made); err != nil || status != http.StatusOK ||
				made.Path == protocol.MediaPath+v.has[what] {
				t.Fatalf("%s uploads: HTTP %d %s", a.name, status, text)
			}
			if status, _, _ := v.gw.fetch(t, http.MethodDelete, made.Path, a.header,
				""); status != http.StatusNoContent {
				t.Errorf("%s removes its own: HTTP %d", a.name, status)
			}
			if _, err := v.gw.Media.Collect(t.Context(), time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
