package httpd_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// ask makes a request as a program does, with the headers, and gives status, type and body.
func (s *served) ask(method, path string, header http.Header) (int, string, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = header
	if header == nil {
		r.Header = http.Header{}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(body)
}

// secret is the credential of a user's device.
func (s *served) secret(user string) string {
	_, secret, _ := strings.Cut(s.users[user], "=")
	return secret
}

func (s *served) senderID(user string) http.Header {
	return http.Header{"X-Goclaw-Sender-Id": {s.secret(user)}}
}

func TestV3Lists(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for path, want := range map[string]string{
		"/v1/agents":    `"agent_key":"default","display_name":"`,
		"/v1/providers": `"enabled":true,"api_key":"***"`,
	} {
		for name, header := range map[string]http.Header{
			"a token": {"Authorization": {"Bearer " + httpdtest.Token}}, "a device": s.senderID("eve"),
			"a cookie": {"Cookie": {s.users["eve"]}},
		} {
			if status, kind, body := s.ask(http.MethodGet, path, header); status != http.StatusOK || kind != "application/json" ||
				!strings.Contains(body, want) {
				t.Errorf("%s with %s: %d %s %s", path, name, status, kind, body)
			}
		}
		for name, header := range map[string]http.Header{
			"nothing": nil, "a wrong token": {"Authorization": {"Bearer wrong"}}, "a wrong device": {"X-Goclaw-Sender-Id": {"wrong"}},
		} {
			if status, kind, body := s.ask(http.MethodGet, path, header); status != http.StatusUnauthorized || kind != "application/json" {
				t.Errorf("%s with %s: %d %s %s", path, name, status, kind, body)
			}
		}
	}
}

// The header counts as a device's credential under /api and /v1 alone, and only alone.
func TestSenderIDHeader(t *testing.T) {
	t.Parallel()
	s := serve(t)
	id := s.senderID("boss")
	with := func(name, value string) http.Header {
		h := id.Clone()
		h.Add(name, value)
		return h
	}
	for _, c := range []struct {
		path   string
		header http.Header
		status int
	}{
		{"/v1/agents", id, http.StatusOK},
		{"/api/media/none", id, http.StatusNotFound},
		{"/metrics", id, http.StatusUnauthorized},
		{"/admin/audit.csv", id, http.StatusUnauthorized},
		{"/v1/agents", with("Authorization", "Bearer "+httpdtest.Token), http.StatusBadRequest},
		{"/v1/agents", with("Authorization", "Basic YTpi"), http.StatusOK}, // a proxy's
		{"/v1/agents", with("Cookie", s.users["eve"]), http.StatusBadRequest},
		{"/v1/agents", with("Cookie", "other=1"), http.StatusOK},
		{"/v1/agents", with("X-Goclaw-Sender-Id", s.secret("eve")), http.StatusBadRequest},
		{"/v1/agents", http.Header{"X-Goclaw-Sender-Id": {""}, "Cookie": {s.users["eve"]}}, http.StatusOK},
		{"/api/media/none", with("Cookie", s.users["boss"]), http.StatusBadRequest},
	} {
		if status, _, body := s.ask(http.MethodGet, c.path, c.header); status != c.status {
			t.Errorf("%s with %v: %d %s, want %d", c.path, c.header, status, body, c.status)
		}
	}
	if status, _, body := s.ask(http.MethodGet, "/admin", id); status == http.StatusOK && strings.Contains(body, `data-user="boss"`) {
		t.Error("the header opens a page")
	}
	if strings.Contains(s.Log.String(), s.secret("boss")) {
		t.Error("the credential is in the log")
	}
}

// A wrong credential counts as a wrong token, and does not lock out a right one.
func TestWrongSenderIDs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	wrong := http.Header{"X-Goclaw-Sender-Id": {"gd_wrong"}}
	for i := range 12 {
		want := http.StatusUnauthorized
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		if status, _, body := s.ask(http.MethodGet, "/v1/agents", wrong); status != want {
			t.Errorf("wrong credential %d: %d %s", i+1, status, body)
		}
	}
	if status, _, body := s.ask(http.MethodGet, "/v1/agents", s.senderID("zoe")); status != http.StatusOK {
		t.Errorf("a right credential: %d %s", status, body)
	}
	if !strings.Contains(s.Log.String(), "security.token_rejected") || strings.Contains(s.Log.String(), "gd_wrong") {
		t.Errorf("the log has %s", s.Log)
	}
}

// A page of an allowed origin may send the header.
func TestSenderIDFromOtherOrigins(t *testing.T) {
	t.Parallel()
	s := serveWith(t, httpdtest.Options{AllowedOrigins: []string{"https://app.example"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	header := http.Header{"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"GET"},
		"Access-Control-Request-Headers": {"x-goclaw-sender-id"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.url+"/v1/agents", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if allowed := answer.Header.Get("Access-Control-Allow-Headers"); answer.StatusCode != http.StatusNoContent ||
		!strings.Contains(strings.ToLower(allowed), "x-goclaw-sender-id") {
		t.Errorf("%d, allowed are %q", answer.StatusCode, allowed)
	}
	h := s.senderID("zoe")
	h.Set("Origin", "https://app.example")
	if status, _, body := s.ask(http.MethodGet, "/v1/agents", h); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

// A program with the gateway token uploads for the user that it names, who alone has the
// file then. Nobody else acts for others.
func TestUploadForAnotherUser(t *testing.T) {
	t.Parallel()
	s := serve(t)
	upload := func(header http.Header) (status int, path string) {
		kind, body := form(t, "file", "a.txt", []byte("text"))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/media/upload", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		r.Header.Set("Content-Type", kind)
		answer := s.send(r)
		var m protocol.MediaUploadResult
		_ = json.Unmarshal([]byte(text(t, answer)), &m)
		return answer.StatusCode, m.Path
	}
	for _, c := range []struct {
		name   string
		header http.Header
		owner  string
	}{
		{"the gateway token", http.Header{"Authorization": {"Bearer " + httpdtest.Token}}, "zoe"},
		{"an API key", http.Header{"Authorization": {"Bearer " + keyOf(t, s.Server, protocol.Operator, "other", 0).Key}}, "other"},
		{"a device", s.senderID("other"), "other"},
	} {
		c.header.Set("X-GoClaw-User-Id", "zoe")
		status, path := upload(c.header)
		if status != http.StatusOK {
			t.Fatalf("%s: %d", c.name, status)
		}
		for _, user := range []string{"zoe", "other"} {
			if got := s.do(http.MethodGet, user, path, "", nil).StatusCode; (got == http.StatusOK) != (user == c.owner) {
				t.Errorf("%s: %s reads the file: %d, want it to be %s's", c.name, user, got, c.owner)
			}
		}
	}
	for _, bad := range [][]string{{strings.Repeat("x", 256)}, {"a\u202eb"}, {"ann", "ben"}} {
		if status, _ := upload(http.Header{"Authorization": {"Bearer " + httpdtest.Token}, "X-Goclaw-User-Id": bad}); status != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, status)
		}
	}
}

// Whatever a program asks for under /api and /v1, the answer is JSON.
func TestUnknownAddressesOfTheAPI(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, prefix := range []string{"/api", "/v1"} {
		for _, path := range []string{"", "/", "/none", "/sessions/x/y", "/agents/", "/a%2Fb"} {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
				status, kind, body := s.ask(method, prefix+path, nil)
				if status != http.StatusNotFound && status != http.StatusMethodNotAllowed || kind != "application/json" ||
					!strings.Contains(body, `{"error":{"code":"`) {
					t.Errorf("%s %s%s: %d %s %.200s", method, prefix, path, status, kind, body)
				}
			}
		}
	}
	for path, method := range map[string]string{"/v1/agents": http.MethodPost, "/v1/media/upload": http.MethodGet, "/api/session": http.MethodPut} {
		status, kind, body := s.ask(method, path, nil)
		if status != http.StatusMethodNotAllowed || kind != "application/json" || !strings.Contains(body, string(protocol.InvalidRequest)) {
			t.Errorf("%s %s: %d %s %s", method, path, status, kind, body)
		}
	}
	if _, kind, _ := s.ask(http.MethodGet, "/apiary", nil); !strings.HasPrefix(kind, "text/html") {
		t.Errorf("a page that is not there is %s", kind)
	}
}
