//go:build dev

package livereload_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/server/internal/livereload"
)

func start(t *testing.T, build string) *httptest.Server {
	t.Helper()
	t.Setenv("LIVERELOAD_BUILD", build)
	r := chi.NewRouter()
	livereload.Mount(r)
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func TestScriptReadsTheStream(t *testing.T) {
	s := start(t, "3.1")
	answer := get(t, s.URL+livereload.Script())
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(text), `new EventSource(new URL("events", source))`) {
		t.Errorf("%v: %s", err, text)
	}
	if got := answer.Header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
		t.Errorf("Content-Type = %q", got)
	}
}

func TestStreamNamesTheBuildAndEndsWithTheServer(t *testing.T) {
	s := start(t, "3.1")
	answer := get(t, s.URL+"/dev/events")
	lines := bufio.NewReader(answer.Body)
	var first strings.Builder
	for range 4 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		first.WriteString(line)
	}
	if want := "retry: 200\nevent: build\ndata: 3.1\n\n"; first.String() != want {
		t.Errorf("stream begins with %q, want %q", first.String(), want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Config.Shutdown(ctx); err != nil {
		t.Errorf("the stream keeps the server from shutting down: %v", err)
	}
}

func TestEveryStartIsABuildOfItsOwn(t *testing.T) {
	name := func() string {
		answer := get(t, start(t, "").URL+"/dev/events")
		lines := bufio.NewReader(answer.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				return data
			}
		}
	}
	if a, b := name(), name(); a == b {
		t.Errorf("two starts are both %q", a)
	}
}
