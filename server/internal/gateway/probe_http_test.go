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

// page is a request for an address, and the status that an attacker gets: 0 is
// any below 400, as strangers get it too, -1 is any at all.
type page struct {
	path   string
	cookie int // with a device's cookie
	bearer int // with an API key
}

// sendingHeaders are what a request can say beside its address to get more out of
// it.
var sendingHeaders = map[string]string{
	"Range": "bytes=0-3", "If-None-Match": "*", "X-User-Id": "$user", "X-Forwarded-User": "$user",
	"X-Original-URL":         "/s/$talk",
	"X-Http-Method-Override": "DELETE", "Referer": "/s/$talk",
}

// pages are the addresses by which somebody could get at what is another's, by
// the route that takes them. A route without an entry fails the test.
func pages() map[string][]page {
	const console = http.StatusForbidden
	admin := func(paths ...string) (all []page) {
		for _, p := range paths {
			// who has no cookie is shown the way to sign in
			all = append(all, page{p, console, http.StatusOK})
		}
		return all
	}
	file := func(of string) []page {
		const no, none = http.StatusForbidden, http.StatusNotFound
		path := "/api/media/$" + of
		return []page{{path, no, no}, {path + "?thumbnail", no, no},
			{path + "?userId=$user&all=true", no, no}, {path + "/", none, none}}
	}
	files := slices.Concat(file("file"), file("loose"), file("picture"))
	return map[string][]page{
		"/ws": {{"/ws?userId=$user&sessionKey=$talk&token=$keytext",
			http.StatusUpgradeRequired, http.StatusUpgradeRequired}},
		"/health":  {{"/health?userId=$user", 0, 0}},
		"/readyz":  {{"/readyz?userId=$user", 0, 0}},
		"/metrics": {{"/metrics", http.StatusForbidden, http.StatusForbidden}},
		"/static/*": {{"/static/$talk", http.StatusNotFound, http.StatusNotFound},
			{"/static/..%2f..%2fgatehouse.db", -1, -1}},
		"/api/session": {{"/api/session?userId=$user", http.StatusMethodNotAllowed,
			http.StatusMethodNotAllowed}},
		// a file of that name
		"/api/media/upload": {{"/api/media/upload", http.StatusNotFound, http.StatusNotFound}},
		"/api/media/{id}": append(files, page{"/api/media/$message", http.StatusNotFound,
			http.StatusNotFound},
			page{"/api/media/$talk", http.StatusNotFound, http.StatusNotFound}),
		"/v1/media/upload": {{"/v1/media/upload", http.StatusMethodNotAllowed,
			http.StatusMethodNotAllowed}},
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

// routes are those of the gateway, with the methods that they take.
func (h *testGateway) routes(t *testing.T) map[string][]string {
	t.Helper()
	routes := map[string][]string{}
	err := chi.Walk(h.Handler.(chi.Routes), func(method, route string, _ http.Handler,
		_ ...func(http.Handler) http.Handler) error {
		routes[route] = append(routes[route], method)
		return nil
	})
	if err != nil || len(routes) < 10 {
		t.Fatalf("%d routes, %v", len(routes), err)
	}
	return routes
}

// browse makes each request that could be meant to work, and the same with other
// methods and headers.
func (a *attacker) browse(t *testing.T, v *victim) {
	t.Helper()
	routes := v.h.routes(t)
	for route := range routes {
		if len(pages()[route]) == 0 {
			t.Fatalf("%s has no probe in pages: say how somebody could get at another's by it", route)
		}
	}
	for route, probes := range pages() {
		if routes[route] == nil {
			t.Errorf("there is no route %s", route)
		}
		for _, p := range probes {
			a.open(t, v, p)
		}
	}
	a.send(t, v)
	a.signInAndOut(t, v)
}

// open asks for a page, by every method and with every header.
func (a *attacker) open(t *testing.T, v *victim, p page) {
	t.Helper()
	want := p.cookie
	if a.header.Get("Authorization") != "" {
		want = p.bearer
	}
	path := v.aim(p.path)
	status := a.fetch(t, v, http.MethodGet, path, nil, "")
	if want == 0 && status >= 400 || want > 0 && status != want {
		t.Errorf("%s: GET %s gives %d, want %d", a.name, p.path, status, want)
	}
	if head := a.fetch(t, v, http.MethodHead, path, nil, ""); head != status {
		t.Errorf("%s: HEAD %s gives %d, GET %d", a.name, p.path, head, status)
	}
	for name, value := range sendingHeaders {
		if with := a.fetch(t, v, http.MethodGet, path, http.Header{name: {v.aim(value)}},
			""); with != status {
			t.Errorf("%s: GET %s gives %d with %s", a.name, p.path, with, name)
		}
	}
	if strings.HasPrefix(path, "/api/session") {
		return // what follows would sign the attacker out
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, "PROPFIND"} {
		for _, body := range []string{"", v.aim(`{"userId":"$user","token":"x","code":"$code"}`)} {
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
	status, got, text := v.h.fetch(t, method, path, header, body)
	var answer bytes.Buffer
	if err := got.Write(&answer); err != nil {
		t.Fatal(err)
	}
	a.check(t, v, answer.String()+text, path) // pages of what is not there name it
	if set := got.Values("Set-Cookie"); len(set) > 0 {
		t.Errorf("%s: %s %s sets %q", a.name, method, path, set)
	}
	return status
}

// signInAndOut does with another browser of its own what changes who one is: with
// what it may have seen of the victim's it becomes nobody, and it signs out none
// but itself.
func (a *attacker) signInAndOut(t *testing.T, v *victim) {
	t.Helper()
	d := v.h.pair(t, a.role, a.user)
	header := http.Header{"Cookie": {v.h.cookie(d.secret)}, "Origin": {v.h.url},
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
		status, got, text := v.h.fetch(t, row.method, v.aim("/api/session?userId=$user&deviceId=$device"),
			header, v.aim(row.body))
		a.check(t, v, text+strings.Join(got.Values("Set-Cookie"), "\n"), "")
		if status != row.status {
			t.Errorf("%s: %s /api/session %s gives %d %s", a.name, row.method, row.body, status, text)
		}
	}
	header.Del("Origin")
	if status, _, text := v.h.fetch(t, http.MethodGet, "/", header, ""); status != http.StatusOK ||
		strings.Contains(text, a.user) {
		t.Errorf("%s: it is still signed in: HTTP %d", a.name, status)
	}
}

// send uploads what the victim has, and removes that again: the victim's stays.
// A viewer may not.
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
			status, _, text := v.h.fetch(t, http.MethodPost, route+v.aim("?userId=$user"), header,
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
			if status, _, _ := v.h.fetch(t, http.MethodDelete, made.Path, a.header,
				""); status != http.StatusNoContent {
				t.Errorf("%s removes its own: HTTP %d", a.name, status)
			}
			if _, err := v.h.Media.Collect(t.Context(), time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
