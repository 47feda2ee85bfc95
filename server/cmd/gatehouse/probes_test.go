package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance"
	"github.com/gatehouse-chat/gatehouse/server/internal/doctor"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
)

// tokenFile returns a file with what gatehouse token prints.
func tokenFile(t *testing.T, token string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestProbes(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(httpdtest.New(t,
		httpdtest.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}))
	t.Cleanup(server.Close)
	handler := server.Config.Handler
	changed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "backend"
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(changed.Close)
	good, wrong, empty := tokenFile(t, httpdtest.Token), tokenFile(t, "wrong"), tokenFile(t, "")
	for _, row := range []struct {
		args string
		code int
		out  []string
		errs []string
	}{
		{"doctor", exitUsage, nil, []string{"needs the gateway's URL", "gatehouse help"}},
		{"doctor -h", exitOK, []string{"-token-file", "GATEHOUSE_TOKEN"}, nil},
		{"doctor a b", exitUsage, nil, []string{`unexpected argument "b"`}},
		{"doctor -wait 1s " + server.URL, exitUsage, nil, []string{"wait"}},
		{"doctor chat.example.com", exitUsage, nil, []string{`"chat.example.com" is no URL: write https://chat.example.com`}},
		{"doctor -json localhost:8080", exitUsage, nil, []string{"write http://localhost:8080"}},
		{"doctor ftp://chat.example.com", exitUsage, nil, []string{"write https://chat.example.com"}},
		{"doctor -origin app.example.com " + server.URL, exitUsage, nil,
			[]string{"is no origin: write -origin https://app.example.com"}},
		{"doctor -origin " + server.URL + "/ " + server.URL, exitOK, []string{"All is well"}, nil},
		{"doctor " + server.URL, exitOK, []string{"ok    upgrade", "All is well"}, nil},
		{"doctor " + server.URL + " -token-file " + good, exitOK, []string{"role admin"}, nil},
		{"doctor -token-file " + wrong + " " + server.URL, exitFault,
			[]string{"FAIL  credential"}, nil},
		{"doctor -token-file " + empty + " " + server.URL, exitFault, nil,
			[]string{"-token-file: the file must contain a token"}},
		{"doctor -token-file " + empty + ".none " + server.URL, exitFault, nil,
			[]string{"-token-file"}},
		{"conformance " + server.URL, exitUsage, nil,
			[]string{"-token-file FILE", "GATEHOUSE_TOKEN"}},
		{"conformance -token-file " + good + " chat.example.com", exitUsage, nil,
			[]string{"is no URL: write https://chat.example.com"}},
		{"conformance -rows ( -token-file " + good + " " + server.URL, exitUsage, nil,
			[]string{"-rows"}},
		{"conformance -rows none.such -token-file " + good + " " + server.URL, exitUsage, nil,
			[]string{"matches no row"}},
		{"conformance -token-file " + wrong + " " + server.URL, exitFault, nil,
			[]string{"invalid token", "gatehouse doctor http"}},
		{"conformance -proxied -rows our.own " + changed.URL + " -token-file " + good, exitFault,
			[]string{"FAIL  origin: our own scheme+host+port\n", " 1 failed"}, nil},
		{"conformance -token-file " + good + " http://none.invalid", exitFault, nil,
			[]string{"plain HTTP", "doctor"}},
		{"conformance -proxied -rows ^Transport: " + server.URL + " -token-file " + good, exitOK,
			[]string{"\nTransport\n", " 0 failed", "-wait"}, nil},
	} {
		code, out, errs := command(t, strings.Fields(row.args)...)
		if code != row.code || strings.Contains(out+errs, httpdtest.Token) {
			t.Errorf("%s: exit code %d, want %d\n%s%s", row.args, code, row.code, out, errs)
		}
		for _, word := range row.out {
			if !strings.Contains(out, word) {
				t.Errorf("%s: no %q in %s", row.args, word, out)
			}
		}
		for _, word := range row.errs {
			if !strings.Contains(errs, word) {
				t.Errorf("%s: no %q in %s", row.args, word, errs)
			}
		}
	}
	var report doctor.Report
	if _, out, _ := command(t, "doctor", "-json", server.URL); json.Unmarshal([]byte(out),
		&report) != nil ||
		len(report.Lines) < 8 {
		t.Errorf("as JSON: %s", out)
	}
	var table conformance.Table
	_, out, _ := command(t, "conformance", "-proxied", "-json", "-rows", "endpoint", "-token-file",
		good, server.URL)
	if json.Unmarshal([]byte(out), &table) != nil || len(table.Rows) != 1 ||
		table.Rows[0].Outcome != conformance.Passed {
		t.Errorf("as JSON: %s", out)
	}
}

// TestProbeToken tests that the gateway's own token in the environment is not sent to
// other gateways.
func TestProbeToken(t *testing.T) {
	t.Setenv("GATEHOUSE_GATEWAY_TOKEN", httpdtest.Token)
	if got, err := (probeFlags{}).token(nil); got != "" || err != nil {
		t.Errorf("the token is %q, %v; want none", got, err)
	}
	t.Setenv(tokenVariable, " x ")
	if got, err := (probeFlags{}).token(nil); got != "x" || err != nil {
		t.Errorf("%s: %q, %v", tokenVariable, got, err)
	}
	if got, err := (probeFlags{tokenFile: "-"}).token(strings.NewReader("y\n")); got != "y" ||
		err != nil {
		t.Errorf("-token-file -: %q, %v", got, err)
	}
}
