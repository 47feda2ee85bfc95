package httpd

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"pgregory.net/rapid"
)

// askCompressed serves one request with a handler behind compress.
func askCompressed(coding string, handler http.HandlerFunc) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Encoding", coding)
	w := httptest.NewRecorder()
	new(server).compress(handler).ServeHTTP(w, r)
	return w.Result()
}

func decode(r *http.Response) (string, error) {
	from := io.Reader(r.Body)
	switch r.Header.Get("Content-Encoding") {
	case "br":
		from = brotli.NewReader(from)
	case "gzip":
		z, err := gzip.NewReader(from)
		if err != nil {
			return "", err
		}
		from = z
	}
	b, err := io.ReadAll(from)
	return string(b), err
}

func letters(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefgh"[rand.IntN(8)] // #nosec G404 -- content for a test
	}
	return b
}

// TestCompressedPieces writes bodies in pieces of any size, with flushes between them.
func TestCompressedPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		coding := rapid.SampledFrom([]string{"br", "gzip", "identity"}).Draw(t, "coding")
		kind := rapid.SampledFrom([]string{"text/html; charset=utf-8", "image/png", "TEXT/CSV"}).Draw(t, "type")
		status := rapid.SampledFrom([]int{0, 200, 404, 500}).Draw(t, "status")
		sizes := rapid.SliceOfN(rapid.IntRange(0, 3*minCompressed), 0, 6).Draw(t, "sizes")
		flush := rapid.Bool().Draw(t, "flush")
		var want bytes.Buffer
		r := askCompressed(coding, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			if status != 0 {
				w.WriteHeader(status)
			}
			for _, n := range sizes {
				piece := letters(n)
				want.Write(piece)
				if got, err := w.Write(piece); got != n || err != nil {
					t.Fatalf("Write gives %d, %v", got, err)
				}
				if flush {
					if err := http.NewResponseController(w).Flush(); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
		got, err := decode(r)
		if err != nil || got != want.String() {
			t.Fatalf("%d bytes (%v), want %d", len(got), err, want.Len())
		}
		if status != 0 && r.StatusCode != status || status == 0 && r.StatusCode != http.StatusOK {
			t.Fatalf("HTTP %d, want %d", r.StatusCode, status)
		}
		compressed := coding != "identity" && kind != "image/png" && (flush && len(sizes) > 0 || want.Len() >= minCompressed)
		if (r.Header.Get("Content-Encoding") != "") != compressed {
			t.Fatalf("Content-Encoding %q of %d bytes of %s", r.Header.Get("Content-Encoding"), want.Len(), kind)
		}
	})
}

// TestLeftUncompressed lists responses that must stay as their handler made them.
func TestLeftUncompressed(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("text ", minCompressed)
	for name, set := range map[string]func(http.Header) int{
		"no type":                 func(http.Header) int { return 200 },
		"a picture":               func(h http.Header) int { h.Set("Content-Type", "image/webp"); return 200 },
		"already compressed":      func(h http.Header) int { h.Set("Content-Encoding", "zstd"); return 200 },
		"ranges are offered":      func(h http.Header) int { h.Set("Accept-Ranges", "bytes"); return 200 },
		"a range":                 func(http.Header) int { return 206 },
		"a module of WebAssembly": func(h http.Header) int { h.Set("Content-Type", "application/wasm"); return 200 },
	} {
		r := askCompressed("br, gzip", func(w http.ResponseWriter, _ *http.Request) {
			if name != "no type" && name != "a picture" {
				w.Header().Set("Content-Type", "text/plain")
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(set(w.Header()))
			_, _ = io.WriteString(w, body)
		})
		sent, _ := io.ReadAll(r.Body)
		if coding := r.Header.Get("Content-Encoding"); string(sent) != body || coding == "br" ||
			coding == "gzip" || r.Header.Get("ETag") != `"x"` || r.Header.Get("Content-Length") == "" {
			t.Errorf("%s: %d bytes, headers %v", name, len(sent), r.Header)
		}
	}
}

// TestCompressedLength proves that a length which the handler has set does not stay on a
// compressed body, and that its tag becomes weak.
func TestCompressedLength(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("text ", minCompressed)
	r := askCompressed("br", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("ETag", `"x"`)
		_, _ = io.WriteString(w, body)
	})
	if got, err := decode(r); got != body || err != nil || r.Header.Get("Content-Length") != "" ||
		r.Header.Get("ETag") != `W/"x"` {
		t.Errorf("%d bytes (%v), headers %v", len(got), err, r.Header)
	}
}

// TestCompressedBodyCutOff proves that a body whose handler gave up does not look whole.
func TestCompressedBodyCutOff(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"br", "gzip"} {
		s := httptest.NewServer(new(server).compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			_, _ = w.Write(letters(1 << 20))
			panic(http.ErrAbortHandler)
		})))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", coding)
		if answer, err := http.DefaultClient.Do(r); err == nil {
			if text, err := decode(answer); err == nil {
				t.Errorf("%s: %d bytes look whole", coding, len(text))
			}
			_ = answer.Body.Close()
		}
		s.Close()
	}
}
