package static

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// built is what the build tool leaves behind, with one file more.
func built() fstest.MapFS {
	files := fstest.MapFS{}
	for name, content := range map[string]string{
		".gitkeep":                   "",
		"app.0123456789.css":         "plain css",
		"app.0123456789.css.br":      "br css",
		"app.0123456789.css.gz":      "gz css",
		"app.abcdef0123.wasm":        "plain wasm",
		"app.abcdef0123.wasm.br":     "br wasm",
		"boot.00000000aa.js":         "plain boot",
		"favicon.00000000bb.svg":     "plain icon",
		"wasm_exec.00000000cc.js":    "plain exec",
		"wasm_exec.00000000cc.js.gz": "gz exec",
	} {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return files
}

func loaded(t *testing.T) *Assets {
	t.Helper()
	a, err := load(built())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func ask(t *testing.T, method, path, acceptEncoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if acceptEncoding != "" {
		r.Header.Set("Accept-Encoding", acceptEncoding)
	}
	w := httptest.NewRecorder()
	loaded(t).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEmbeddedFilesLoadOrSayWhatToDo(t *testing.T) {
	t.Parallel()
	a, err := Load()
	if err != nil {
		if !strings.Contains(err.Error(), `run "make build"`) {
			t.Fatalf("Load: %v", err)
		}
		return
	}
	for _, name := range required {
		if !strings.HasPrefix(a.URL(name), Prefix) {
			t.Errorf("URL(%q) = %q", name, a.URL(name))
		}
	}
}

func TestLoadNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"app.0123456789.css", "app.abcdef0123.wasm", "boot.00000000aa.js", "favicon.00000000bb.svg", "wasm_exec.00000000cc.js"} {
		files := maps.Clone(built())
		delete(files, name)
		_, err := load(files)
		plain, _ := plainName(name)
		if err == nil || !strings.Contains(err.Error(), plain) || !strings.Contains(err.Error(), `run "make build"`) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	a := loaded(t)
	for name, want := range map[string]string{
		"app.css":      "/static/app.0123456789.css",
		"app.wasm":     "/static/app.abcdef0123.wasm",
		"wasm_exec.js": "/static/wasm_exec.00000000cc.js",
	} {
		if got := a.URL(name); got != want {
			t.Errorf("URL(%q) = %q, want %q", name, got, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("URL of an unknown file did not panic")
		}
	}()
	a.URL("app.css.br")
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for path, mediaType := range map[string]string{
		"/static/app.0123456789.css":      "text/css; charset=utf-8",
		"/static/app.abcdef0123.wasm":     "application/wasm",
		"/static/boot.00000000aa.js":      "text/javascript; charset=utf-8",
		"/static/favicon.00000000bb.svg":  "image/svg+xml",
		"/static/wasm_exec.00000000cc.js": "text/javascript; charset=utf-8",
	} {
		r := ask(t, http.MethodGet, path, "")
		want := map[string]string{
			"Content-Type":           mediaType,
			"Cache-Control":          "public, max-age=31536000, immutable",
			"X-Content-Type-Options": "nosniff",
			"Content-Encoding":       "",
		}
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s: %s = %q, want %q", path, name, got, value)
			}
		}
		if content := body(t, r); !strings.HasPrefix(content, "plain ") || r.ContentLength != int64(len(content)) {
			t.Errorf("%s: %q of length %d", path, content, r.ContentLength)
		}
	}
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	const css, exec, boot = "/static/app.0123456789.css", "/static/wasm_exec.00000000cc.js", "/static/boot.00000000aa.js"
	for _, c := range []struct{ path, accept, coding, content string }{
		{css, "", "", "plain css"},
		{css, "gzip, deflate, br, zstd", "br", "br css"},
		{css, "gzip", "gzip", "gz css"},
		{css, "X-GZIP", "gzip", "gz css"},
		{css, "GZip;Q=0.5", "gzip", "gz css"},
		{css, "br;q=0.5, gzip", "gzip", "gz css"},
		{css, "br;q=0, gzip;q=0.1", "gzip", "gz css"},
		{css, "br; q=0.8 , gzip; q=0.8", "br", "br css"},
		{css, "*", "br", "br css"},
		{css, "*, br;q=0", "gzip", "gz css"},
		{css, "*;q=0", "", "plain css"},
		{css, "identity, gzip;q=0.5", "", "plain css"},
		{css, "identity;q=0", "", "plain css"},
		{css, "br;q=2", "", "plain css"},
		{css, "br;q=NaN", "", "plain css"},
		{css, "br;q=", "", "plain css"},
		{css, "br;level=1", "", "plain css"},
		{css, "brotli, zstd", "", "plain css"},
		{css, ",;,", "", "plain css"},
		{exec, "br, gzip", "gzip", "gz exec"},
		{exec, "br", "", "plain exec"},
		{boot, "br, gzip", "", "plain boot"},
	} {
		r := ask(t, http.MethodGet, c.path, c.accept)
		content := body(t, r)
		if r.Header.Get("Content-Encoding") != c.coding || content != c.content || r.ContentLength != int64(len(content)) {
			t.Errorf("%s, Accept-Encoding %q: %q %q of length %d, want %q %q",
				c.path, c.accept, r.Header.Get("Content-Encoding"), content, r.ContentLength, c.coding, c.content)
		}
		vary := ""
		if c.path != boot {
			vary = "Accept-Encoding"
		}
		if got := r.Header.Get("Vary"); got != vary {
			t.Errorf("%s: Vary = %q, want %q", c.path, got, vary)
		}
	}
}

func TestHeadHasTheHeadersOfGet(t *testing.T) {
	t.Parallel()
	const path = "/static/app.0123456789.css"
	get, head := ask(t, http.MethodGet, path, "br"), ask(t, http.MethodHead, path, "br")
	if content := body(t, head); content != "" {
		t.Errorf("HEAD has the content %q", content)
	}
	for name := range get.Header {
		if get.Header.Get(name) != head.Header.Get(name) {
			t.Errorf("%s: GET %q, HEAD %q", name, get.Header.Get(name), head.Header.Get(name))
		}
	}
}

func TestOnlyExactNames(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/static/", "/static", "/static/app.css", "/static/app.wasm", "/static/.gitkeep",
		"/static/app.0123456789.css.br", "/static/app.0123456789.css.gz", "/static/app.0123456788.css",
		"/static/app.0123456789.css/", "/static//app.0123456789.css", "/static/x/../app.0123456789.css",
		"/app.0123456789.css", "/x/static/app.0123456789.css",
	} {
		r := ask(t, http.MethodGet, path, "br")
		if r.StatusCode != http.StatusNotFound || r.Header.Get("Cache-Control") != "no-store" ||
			r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		r := ask(t, method, "/static/app.0123456789.css", "")
		if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, r.StatusCode, r.Header.Get("Allow"))
		}
	}
}

func FuzzAcceptEncoding(f *testing.F) {
	for _, seed := range []string{"", "gzip, br;q=0.5", "*;q=0", "identity;q=0, *;q=0.1", ";q=1", "br;q=1e309"} {
		f.Add(seed)
	}
	all := forms("f", map[string]int64{"f": 3, "f.br": 1, "f.gz": 2})
	f.Fuzz(func(t *testing.T, accept string) {
		chosen := choose(all, []string{accept})
		lower := strings.ToLower(accept)
		if chosen.coding == "br" && !strings.Contains(lower, "br") && !strings.Contains(lower, "*") {
			t.Errorf("%q got br", accept)
		}
		if chosen.name == "" || chosen.size == 0 {
			t.Errorf("%q got %+v", accept, chosen)
		}
	})
}
