package httpd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// served is a gateway on a real socket, with users.
type served struct {
	*httpdtest.Server
	t     testing.TB
	url   string
	users map[string]string // cookies by name: zoe, other, boss (an admin) and eve (a viewer)
}

func serve(t testing.TB) *served {
	t.Helper()
	return serveWith(t, httpdtest.Options{})
}

func serveWith(t testing.TB, o httpdtest.Options) *served {
	t.Helper()
	s := &served{Server: httpdtest.New(t, o), t: t, users: map[string]string{}}
	for name, role := range map[string]protocol.Role{"zoe": protocol.Operator,
		"other": protocol.Operator, "boss": protocol.Admin, "eve": protocol.Viewer} {
		s.users[name], _ = pair(t, s.Server, role, name, "")
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// do makes a request as a page of the gateway does, for a user; "": without a cookie.
func (s *served) do(method, user, path, contentType string, body io.Reader) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Origin", s.url)
	r.Header.Set("Content-Type", contentType)
	if user != "" {
		r.Header.Set("Cookie", s.users[user])
	}
	return s.send(r)
}

func (s *served) send(r *http.Request) *http.Response {
	s.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// form is a form with one file.
func form(t testing.TB, field, name string, content []byte) (contentType string,
	body *bytes.Buffer) {
	t.Helper()
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	part, err := w.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), body
}

func (s *served) upload(user, name string, content []byte) *http.Response {
	s.t.Helper()
	kind, body := form(s.t, "file", name, content)
	return s.do(http.MethodPost, user, "/api/media/upload", kind, body)
}

func (s *served) uploaded(user, name string, content []byte) protocol.MediaUploadResult {
	s.t.Helper()
	r := s.upload(user, name, content)
	raw := text(s.t, r)
	var m protocol.MediaUploadResult
	if err := json.Unmarshal([]byte(raw), &m); err != nil || r.StatusCode != http.StatusOK {
		s.t.Fatalf("HTTP %d %s", r.StatusCode, raw)
	}
	return m
}

func picture(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestUploadsHaveARateLimit uploads more files in a row than a message may have, under
// gateway.rate_limit_rpm. Each user's uploads count alone.
func TestUploadsHaveARateLimit(t *testing.T) {
	t.Parallel()
	var rpm atomic.Int64
	s := serveWith(t, httpdtest.Options{RateLimitRPM: func() int { return int(rpm.Load()) }})
	rpm.Store(1)
	for i := range protocol.MaxMedia {
		s.uploaded("zoe", fmt.Sprintf("%d.txt", i), []byte("text"))
	}
	r := s.upload("zoe", "one too many.txt", []byte("text"))
	if body := text(t, r); r.StatusCode != http.StatusTooManyRequests ||
		r.Header.Get("Retry-After") == "" || !strings.Contains(body, `"RESOURCE_EXHAUSTED"`) {
		t.Errorf("HTTP %d, %v: %s", r.StatusCode, r.Header, body)
	}
	s.uploaded("other", "another's.txt", []byte("text"))
	rpm.Store(0)
	s.uploaded("zoe", "without a limit.txt", []byte("text"))
}

func TestUploadAndServe(t *testing.T) {
	t.Parallel()
	s := serve(t)
	content := picture(t, 1000, 600)
	m := s.uploaded("zoe", "../holiday ü.png", content)
	want := protocol.MediaUploadResult{Path: m.Path, MimeType: "image/png", Filename: "holiday ü.png",
		Size:  int64(len(content)),
		Width: 1000, Height: 600, Thumbnail: true}
	if m != want || !strings.HasPrefix(m.Path, protocol.MediaPath) {
		t.Fatalf("uploaded as %+v", m)
	}
	r := s.do(http.MethodGet, "zoe", m.Path, "", nil)
	if got := text(t, r); r.StatusCode != http.StatusOK || got != string(content) {
		t.Errorf("HTTP %d, %d bytes", r.StatusCode, len(got))
	}
	for name, want := range map[string]string{
		"Content-Type":            "image/png",
		"Content-Disposition":     `inline; filename="holiday _.png"; filename*=UTF-8''holiday%20%C3%BC.png`,
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "default-src 'none'; sandbox",
		"Cache-Control":           "private, no-cache",
		"Accept-Ranges":           "bytes",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	small := s.do(http.MethodGet, "zoe", m.Path+"?thumbnail", "", nil)
	c, err := png.DecodeConfig(small.Body)
	if err != nil || c.Width != 512 || c.Height != 307 ||
		small.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the small picture is %+v, %v, %v", c, err, small.Header)
	}
	if small.Header.Get("ETag") == r.Header.Get("ETag") {
		t.Error("both have one ETag")
	}
	head := s.do(http.MethodHead, "zoe", m.Path, "", nil)
	if head.StatusCode != http.StatusOK || head.ContentLength != int64(len(content)) {
		t.Errorf("HEAD: HTTP %d, %d bytes", head.StatusCode, head.ContentLength)
	}
}

func TestFileConditions(t *testing.T) {
	t.Parallel()
	s := serve(t)
	m := s.uploaded("zoe", "a.txt", []byte("0123456789"))
	etag := s.do(http.MethodHead, "zoe", m.Path, "", nil).Header.Get("ETag")
	for _, c := range []struct {
		name, value string
		status      int
		body        string
	}{
		{"If-None-Match", etag, http.StatusNotModified, ""},
		{"If-None-Match", `"other"`, http.StatusOK, "0123456789"},
		{"Range", "bytes=2-4", http.StatusPartialContent, "234"},
		{"Range", "bytes=90-", http.StatusRequestedRangeNotSatisfiable,
			"invalid range: failed to overlap\n"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+m.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", s.users["zoe"])
		r.Header.Set(c.name, c.value)
		answer := s.send(r)
		if got := text(t, answer); answer.StatusCode != c.status || got != c.body {
			t.Errorf("%s %s: HTTP %d %q", c.name, c.value, answer.StatusCode, got)
		}
	}
	r := s.do(http.MethodGet, "zoe", m.Path, "", nil)
	if kind, how := r.Header.Get("Content-Type"),
		r.Header.Get("Content-Disposition"); kind != "text/plain; charset=utf-8" ||
		how != `attachment; filename="a.txt"` {
		t.Errorf("%s, %s", kind, how)
	}
	wantError(t, s.do(http.MethodGet, "zoe", m.Path+"?thumbnail", "", nil), http.StatusNotFound,
		protocol.NotFound)
}

// Uploading, reading and removing files needs a role, and is for the owner or an admin.
func TestMediaAccess(t *testing.T) {
	t.Parallel()
	s := serve(t)
	m := s.uploaded("zoe", "a.txt", []byte("hello"))
	for user, want := range map[string]int{"zoe": 200, "boss": 200, "other": 403, "eve": 403,
		"": 401} {
		if r := s.do(http.MethodGet, user, m.Path, "", nil); r.StatusCode != want {
			t.Errorf("%s reads it: HTTP %d", user, r.StatusCode)
		}
	}
	entries, err := s.Audit.List(t.Context(), audit.Filter{Limit: 9, Action: audit.MediaRead})
	if err != nil || len(entries) != 1 || entries[0].UserID != "boss" ||
		entries[0].Detail != "a.txt of zoe" {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
	wantError(t, s.upload("", "a.txt", []byte("hello")), http.StatusUnauthorized,
		protocol.Unauthorized)
	wantError(t, s.upload("eve", "a.txt", []byte("hello")), http.StatusForbidden, protocol.Forbidden)
	wantError(t, s.do(http.MethodDelete, "other", m.Path, "", nil), http.StatusForbidden,
		protocol.Forbidden)
	wantError(t, s.do(http.MethodDelete, "eve", m.Path, "", nil), http.StatusForbidden,
		protocol.Forbidden)
	for _, path := range []string{"/api/media/" + strings.Repeat("0", 32), "/api/media/x",
		"/api/media/..%2f..%2fgatehouse.db",
		"/api/media/%2e%2e", "/api/media/", "/api/media/" + strings.Repeat("0", 31) + "%00"} {
		wantError(t, s.do(http.MethodGet, "boss", path, "", nil), http.StatusNotFound, protocol.NotFound)
	}
	// The cookie alone does not count on what another site's page sends.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.url+m.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", s.users["zoe"])
	wantError(t, s.send(r), http.StatusUnauthorized, protocol.Unauthorized)
	if r := s.do(http.MethodDelete, "zoe", m.Path, "", nil); r.StatusCode != http.StatusNoContent {
		t.Errorf("zoe removes it: HTTP %d", r.StatusCode)
	}
	if entries, err := s.Audit.List(t.Context(),
		audit.Filter{Limit: 9, Action: audit.MediaDelete}); err != nil || len(entries) > 0 {
		t.Errorf("what zoe does with her own file is audited as %+v, %v", entries, err)
	}
	wantError(t, s.do(http.MethodGet, "zoe", m.Path, "", nil), http.StatusNotFound, protocol.NotFound)
}

// An admin may remove another user's file that is in no message. This is audited, also
// if it fails.
func TestMediaDeleteIsTold(t *testing.T) {
	t.Parallel()
	s := serve(t)
	sent, unsent := s.uploaded("zoe", "sent.txt", []byte("hello")),
		s.uploaded("zoe", "unsent.txt", []byte("hello"))
	id := func(m protocol.MediaUploadResult) string {
		return strings.TrimPrefix(m.Path,
			protocol.MediaPath)
	}
	zoe := session.Caller{UserID: "zoe", Role: protocol.Operator}
	if _, err := s.Sessions.Send(t.Context(), zoe.To("k"),
		session.SendRequest{DefaultAgent: "default", Media: []string{id(sent)}}); err != nil {
		t.Fatal(err)
	}
	if r := s.do(http.MethodDelete, "boss", unsent.Path, "",
		nil); r.StatusCode != http.StatusNoContent {
		t.Errorf("boss removes it: HTTP %d", r.StatusCode)
	}
	wantError(t, s.do(http.MethodDelete, "boss", sent.Path, "", nil), http.StatusConflict,
		protocol.FailedPrecondition)
	deletions, err := s.Audit.List(t.Context(), audit.Filter{Limit: 9, Action: audit.MediaDelete})
	if err != nil || len(deletions) != 2 {
		t.Fatalf("the deletions are audited as %+v, %v", deletions, err)
	}
	if e := deletions[1]; e.UserID != "boss" || e.Role != protocol.Admin || e.Via == "" ||
		e.Address != "127.0.0.1" || e.Outcome != protocol.AuditDone ||
		e.Target != audit.Media(id(unsent)) || e.Detail != "unsent.txt of zoe" {
		t.Errorf("the deletion is audited as %+v", e)
	}
	if e := deletions[0]; e.Target != audit.Media(id(sent)) || e.Outcome != protocol.AuditFailed {
		t.Errorf("the deletion is audited as %+v", e)
	}
}

// Only frames count against gateway.rate_limit_rpm (protocol page, rate limiting):
// a message with ten files can be sent under any limit.
func TestUploadsAreNoRequests(t *testing.T) {
	t.Parallel()
	s := serveWith(t, httpdtest.Options{RateLimitRPM: func() int { return 1 }})
	for range protocol.MaxMedia {
		s.uploaded("zoe", "a.txt", []byte("hello"))
	}
}

func TestMediaBearer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for token, want := range map[string]int{httpdtest.Token: 200, "wrong": 401} {
		kind, body := form(t, "file", "a.txt", []byte("hello"))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/media/upload", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+token)
		if got := s.send(r).StatusCode; got != want {
			t.Errorf("%s: HTTP %d, want %d", token, got, want)
		}
	}
}

// A file can be opened from the address bar, but not by another site's page.
func TestMediaBySite(t *testing.T) {
	t.Parallel()
	s := serve(t)
	m := s.uploaded("zoe", "a.txt", []byte("hello"))
	for site, want := range map[string]int{"none": 200, "same-origin": 200, "same-site": 403,
		"cross-site": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+m.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", s.users["zoe"])
		r.Header.Set("Sec-Fetch-Site", site)
		if got := s.send(r).StatusCode; got != want {
			t.Errorf("%s: HTTP %d, want %d", site, got, want)
		}
	}
}

// The answer to an invalid upload says what is wrong, and nothing is stored.
func TestUploadAbuse(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, c := range []struct {
		what, name string
		content    string
		status     int
		code       protocol.Code
	}{
		{"an empty file", "a.txt", "", 400, protocol.InvalidRequest},
		{"a program", "a.png", "MZ\x90\x00\x03\x00\x00\x00", 415, protocol.InvalidRequest},
		{"a bomb of an image", "a.gif", "GIF89a\xff\xff\xff\xff\x00\x00\x00", 413,
			protocol.InvalidRequest},
		{"a file over the limit", "a.txt", strings.Repeat("x", httpdtest.MaxFile+1), 413,
			protocol.InvalidRequest},
		{"a file far over the limit", "a.txt", strings.Repeat("x", 16*httpdtest.MaxFile), 413,
			protocol.InvalidRequest},
	} {
		r := s.upload("zoe", c.name, []byte(c.content))
		if r.StatusCode != c.status {
			t.Errorf("%s", c.what)
		}
		wantError(t, r, c.status, c.code)
	}
	// Over the limit without saying so beforehand.
	kind, body := form(t, "file", "a.txt", bytes.Repeat([]byte("x"), 8*httpdtest.MaxFile))
	wantError(t, s.do(http.MethodPost, "zoe", "/api/media/upload", kind, io.MultiReader(body)), 413,
		protocol.InvalidRequest)
	for what, body := range map[string]string{
		"no form":       "hello",
		"another field": "--b\r\nContent-Disposition: form-data; name=\"other\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n",
		"no end":        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello",
		"too much before it": "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n" +
			strings.Repeat("x", 65<<10) + "\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n",
		"huge headers": "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
			strings.Repeat("x", 65<<10) + "\"\r\n\r\nhello\r\n--b--\r\n",
	} {
		r := s.do(http.MethodPost, "zoe", "/api/media/upload", "multipart/form-data; boundary=b",
			strings.NewReader(body))
		if r.StatusCode != 400 {
			t.Errorf("%s", what)
		}
		wantError(t, r, 400, protocol.InvalidRequest)
	}
	wantError(t, s.do(http.MethodPost, "zoe", "/api/media/upload", "application/json",
		strings.NewReader("{}")), 415, protocol.InvalidRequest)
	if removed, err := s.Media.Collect(t.Context(), time.Now().Add(time.Hour)); err != nil ||
		removed != 0 {
		t.Errorf("%d files were kept (%v)", removed, err)
	}
}

// A polyglot, a file that is both an image and a page, is served with the type that the
// upload detected, and with a name that has that type.
func TestPolyglot(t *testing.T) {
	t.Parallel()
	s := serve(t)
	content := append(picture(t, 2, 2), "<html><script>alert(1)</script></html>"...)
	m := s.uploaded("zoe", "evil.html", content)
	r := s.do(http.MethodGet, "zoe", m.Path, "", nil)
	if kind, how := r.Header.Get("Content-Type"),
		r.Header.Get("Content-Disposition"); kind != "image/png" ||
		how != `inline; filename="evil.html.png"` ||
		r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s, %s, %v", kind, how, r.Header)
	}
	small := text(t, s.do(http.MethodGet, "zoe", m.Path+"?thumbnail", "", nil))
	if strings.Contains(small, "script") {
		t.Error("the small picture has the page in it")
	}
}

// A page or an SVG is text: it is served as text, and for saving only.
func TestPageIsText(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for name, content := range map[string]string{
		"a.html": "<script>alert(1)</script>",
		"a.svg":  `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
		"a.js":   "alert(1)",
	} {
		m := s.uploaded("zoe", name, []byte(content))
		r := s.do(http.MethodGet, "zoe", m.Path, "", nil)
		if kind, how := r.Header.Get("Content-Type"),
			r.Header.Get("Content-Disposition"); kind != "text/plain; charset=utf-8" ||
			how != `attachment; filename="`+name+`"` ||
			r.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(r.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %s, %s, %v", name, kind, how, r.Header)
		}
		if got := text(t, r); got != content {
			t.Errorf("%s became %q", name, got)
		}
	}
}

func TestQuotaOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for range httpdtest.Quota / httpdtest.MaxFile {
		s.uploaded("zoe", "a.txt", bytes.Repeat([]byte("x"), httpdtest.MaxFile))
	}
	r := s.upload("zoe", "a.txt", []byte("x"))
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantError(t, r, http.StatusRequestEntityTooLarge, protocol.ResourceExhausted)
	s.uploaded("other", "a.txt", []byte("x"))
}

// uploadSlowly uploads 600,000 bytes in pieces, and gives the status of the answer and how
// long it took to come. It must run in a synctest bubble.
func uploadSlowly(t *testing.T, h http.Handler, token string, piece int,
	every time.Duration) (status string, took time.Duration) {
	t.Helper()
	near, far := net.Pipe()
	server := &http.Server{Handler: h, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(&one{conn: far}) }()
	kind, body := form(t, "file", "a.txt", bytes.Repeat([]byte("x"), 600_000))
	began, answer := time.Now(), make(chan string, 1)
	go func() {
		head, _ := io.ReadAll(io.LimitReader(near, 12))
		answer <- strings.TrimPrefix(string(head), "HTTP/1.1 ")
		_, _ = io.Copy(io.Discard, near)
	}()
	_, _ = fmt.Fprintf(near, "POST /api/media/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		token, kind, body.Len())
	go func() {
		for body.Len() > 0 {
			if _, err := near.Write(body.Next(piece)); err != nil {
				return
			}
			time.Sleep(every)
		}
	}()
	select {
	case status = <-answer:
	case <-time.After(time.Hour):
	}
	took = time.Since(began)
	_ = near.Close()
	_ = server.Close()
	<-done
	time.Sleep(2 * time.Hour) // for what is still about to write
	return status, took
}

// A body that comes too slowly, or not at all, is refused; one that is only slow is
// accepted.
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		every  time.Duration // between pieces
		piece  int
		status string
	}{
		"stalled":     {time.Hour, 1000, "408"},
		"a trickle":   {15 * time.Second, 100, "408"},
		"slow enough": {5 * time.Second, 60_000, "200"},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := httpdtest.New(t, httpdtest.Options{})
				if got, _ := uploadSlowly(t, h, httpdtest.Token, c.piece, c.every); got != c.status {
					t.Errorf("answered %q, want %s", got, c.status)
				}
			})
		})
	}
}

// TestUploadOutlivesTheAccess checks that an upload ends when its API key expires, and that
// nothing is stored of it if the key was revoked meanwhile.
func TestUploadOutlivesTheAccess(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		life, revoked time.Duration // 0: never
		status        string
		took          time.Duration // 0: as long as the body
	}{
		"the key expires":           {12 * time.Second, 0, "401", 12 * time.Second},
		"the key is revoked":        {0, 12 * time.Second, "401", 0},
		"the key lasts long enough": {time.Hour, 0, "200", 0},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := httpdtest.New(t, httpdtest.Options{})
				key := keyOf(t, h, protocol.Operator, "zoe", int64(c.life.Seconds()))
				if c.revoked > 0 {
					time.AfterFunc(c.revoked, func() {
						if _, err := h.Keys.Revoke(t.Context(), "test", key.ID); err != nil {
							t.Error(err)
						}
					})
				}
				got, took := uploadSlowly(t, h, key.Key, 60_000, 5*time.Second)
				if got != c.status || c.took > 0 && took != c.took {
					t.Errorf("answered %q after %v, want %s after %v", got, took, c.status, c.took)
				}
			})
		})
	}
}

// A download may take longer than the server's write timeout, as long as the client
// reads.
func TestSlowDownload(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		every time.Duration // between pieces of 32 KiB
		whole bool
	}{"slow": {5 * time.Second, true}, "stalled": {time.Minute, false}} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := httpdtest.New(t, httpdtest.Options{})
				const size = 1 << 20
				f, err := h.Media.Upload(t.Context(), session.Caller{UserID: "admin", Role: protocol.Admin},
					func() (string, io.Reader, error) {
						return "a.txt", bytes.NewReader(bytes.Repeat([]byte("x"), size)), nil
					})
				if err != nil {
					t.Fatal(err)
				}
				near, far := net.Pipe()
				server := &http.Server{Handler: h, ReadTimeout: 30 * time.Second,
					WriteTimeout: 60 * time.Second}
				done := make(chan struct{})
				go func() { defer close(done); _ = server.Serve(&one{conn: far}) }()
				_, _ = fmt.Fprintf(near, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", f.Path(), httpdtest.Token)
				got, piece := 0, make([]byte, 32<<10)
				for err = nil; err == nil; time.Sleep(c.every) {
					var n int
					n, err = io.ReadFull(near, piece)
					got += n
				}
				if (got > size) != c.whole {
					t.Errorf("%d bytes came, of %d and a head", got, size)
				}
				_ = near.Close()
				_ = server.Close()
				<-done
				time.Sleep(time.Minute) // for what is still about to end
			})
		})
	}
}

// one is a listener with one connection.
type one struct{ conn net.Conn }

func (l *one) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	c := l.conn
	l.conn = nil
	return c, nil
}

func (l *one) Close() error { return nil }

func (l *one) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
