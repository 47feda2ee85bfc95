package httpd_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// raw asks for a path over a real connection, and gives the answer as it was sent.
func (s *served) raw(method, user, path string, header http.Header) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if user != "" {
		r.Header.Set("Cookie", s.users[user])
	}
	r.Header.Set("Accept-Encoding", "identity") // else the client asks for gzip by itself
	for name, values := range header {
		r.Header[name] = values
	}
	return s.send(r)
}

// decoded gives the body of an answer without its content coding.
func decoded(t testing.TB, r *http.Response) string {
	t.Helper()
	sent := []byte(text(t, r))
	if length := r.Header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(sent)) {
		t.Errorf("Content-Length %s of %d bytes", length, len(sent))
	}
	var from io.Reader = bytes.NewReader(sent)
	switch r.Header.Get("Content-Encoding") {
	case "br":
		from = brotli.NewReader(from)
	case "gzip":
		z, err := gzip.NewReader(from)
		if err != nil {
			t.Fatal(err)
		}
		from = z
	}
	body, err := io.ReadAll(from)
	if err != nil {
		t.Fatalf("the body cannot be decoded: %v", err)
	}
	return string(body)
}

// longChat makes a session of 50 messages.
func longChat(t testing.TB, h *httpdtest.Server, user, key string) {
	t.Helper()
	say(t, h, user, key, "What is a gatehouse?")
	caller := session.Caller{UserID: user, Role: protocol.Operator}
	for i := range 49 {
		message := "A **gatehouse** of the year " + strconv.Itoa(1200+7*i) +
			" guarded the way in:\n\n1. a *keeper*\n2. a gate of `oak`\n\n```go\nfunc open() bool { return false }\n```"
		if _, err := h.Sessions.Inject(t.Context(), caller.To(key), message, ""); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	s := serve(t)
	longChat(t, s.Server, "zoe", "long")
	notes := s.uploaded("zoe", "notes.txt", bytes.Repeat([]byte("plain text\n"), 1000)).Path
	const browser = "gzip, deflate, br, zstd"
	for _, row := range []struct {
		name, path, accept string
		header             http.Header
		coding             string
		varies             bool
	}{
		{"a chat", "/s/long", browser, nil, "br", true},
		{"the gate", "/login", browser, nil, "br", true},
		{"the manual", "/docs/protocol", browser, nil, "br", true},
		{"an error page", "/nowhere", browser, nil, "br", true},
		{"gzip only", "/s/long", "gzip", nil, "gzip", true},
		{"gzip preferred", "/s/long", "br;q=0.5, gzip;q=0.9", nil, "gzip", true},
		{"brotli refused", "/s/long", "br;q=0, gzip", nil, "gzip", true},
		{"everything", "/s/long", "*", nil, "br", true},
		{"nothing", "/s/long", "br;q=0, gzip;q=0, *;q=0", nil, "", true},
		{"plain preferred", "/s/long", "identity, gzip;q=0.5", nil, "", true},
		{"not even plain", "/s/long", "identity;q=0", nil, "", true},
		{"not said", "/s/long", "", nil, "", true},
		{"unknown codings", "/s/long", "zstd, brotli", nil, "", true},
		{"a small answer", "/health", browser, nil, "", true},
		{"a link of a sibling host", "/s/long", browser, http.Header{"Sec-Fetch-Site": {"same-site"},
			"Sec-Fetch-Mode": {"navigate"}}, "", true},
		{"a link of another site", "/s/long", browser, http.Header{"Sec-Fetch-Site": {"cross-site"},
			"Sec-Fetch-Mode": {"navigate"}}, "", true},
		{"a link of this gateway", "/s/long", browser, http.Header{"Sec-Fetch-Site": {"same-origin"},
			"Sec-Fetch-Mode": {"navigate"}}, "br", true},
		{"a file", notes, browser, nil, "", false},
		{"a range of a file", notes, browser, http.Header{"Range": {"bytes=0-2047"}}, "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				header := http.Header{"Accept-Encoding": {row.accept}}
				for name, values := range row.header {
					header[name] = values
				}
				r := s.raw(method, "zoe", row.path, header)
				if got := r.Header.Get("Content-Encoding"); got != row.coding {
					t.Errorf("%s: Content-Encoding %q, want %q", method, got, row.coding)
				}
				if got := r.Header.Get("Vary"); strings.Contains(got, "Accept-Encoding") != row.varies {
					t.Errorf("%s: Vary %q", method, got)
				}
				if method == http.MethodHead {
					continue
				}
				plain := decoded(t, s.raw(method, "zoe", row.path, row.header))
				if body := decoded(t, r); body != plain {
					t.Errorf("the body is %d bytes, the plain one %d", len(body), len(plain))
				}
			}
		})
	}
}

// TestCompressedSize holds the first page of a long chat to a size on the way.
func TestCompressedSize(t *testing.T) {
	t.Parallel()
	s := serve(t)
	longChat(t, s.Server, "zoe", "long")
	plain := len(text(t, s.raw(http.MethodGet, "zoe", "/s/long", nil)))
	for _, coding := range []string{"br", "gzip"} {
		r := s.raw(http.MethodGet, "zoe", "/s/long", http.Header{"Accept-Encoding": {coding}})
		if sent := len(text(t, r)); sent*6 > plain {
			t.Errorf("%s sends %d bytes of %d", coding, sent, plain)
		}
	}
}

// TestCompressedTags proves that a cache which has a page in one coding may keep it, and
// that no two bodies have the same strong tag.
func TestCompressedTags(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, coding := range []string{"br", "gzip", "identity"} {
		first := s.raw(http.MethodGet, "", "/docs/start", http.Header{"Accept-Encoding": {coding}})
		tag := first.Header.Get("ETag")
		if !strings.HasPrefix(tag, `W/"`) {
			t.Errorf("%s: the tag is %q", coding, tag)
		}
		again := s.raw(http.MethodGet, "", "/docs/start", http.Header{"Accept-Encoding": {coding},
			"If-None-Match": {tag}})
		if again.StatusCode != http.StatusNotModified || again.Header.Get("ETag") != tag ||
			again.Header.Get("Vary") != "Accept-Encoding" || again.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: HTTP %d, headers %v", coding, again.StatusCode, again.Header)
		}
	}
	// The tag of a file, which is sent as it is, stays strong: it is for ranges, too.
	notes := s.uploaded("zoe", "notes.txt", bytes.Repeat([]byte("plain text\n"), 1000)).Path
	r := s.raw(http.MethodGet, "zoe", notes, http.Header{"Accept-Encoding": {"br, gzip"}})
	if tag := r.Header.Get("ETag"); !strings.HasPrefix(tag, `"`) || r.ContentLength != 11000 {
		t.Errorf("the file has the tag %q and the length %d", tag, r.ContentLength)
	}
}

// TestCompressedExport reads the audit log, which is sent while it is read.
func TestCompressedExport(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for range 600 {
		api(http.MethodPost, "", `{"code":"`+s.Links.New()+`"}`).do(s)
	}
	for _, coding := range []string{"br", "gzip"} {
		r := s.raw(http.MethodGet, "boss", "/admin/audit.csv", http.Header{"Accept-Encoding": {coding}})
		body := decoded(t, r)
		if r.Header.Get("Content-Encoding") != coding || strings.Count(body, "\r\n") < 600 ||
			!strings.HasPrefix(body, "id,at,") {
			t.Errorf("%s: headers %v, %d lines", coding, r.Header, strings.Count(body, "\r\n"))
		}
	}
}
