package proxy

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/server/internal/dnstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/doctor"
)

// TestDoctor examines each proxy with the manual's configuration, and without its upgrade
// headers.
func TestDoctor(t *testing.T) {
	t.Parallel()
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if r := examine(t, start(t, p.start)); r.Failed() {
				t.Errorf("as the manual has it: %s", text(t, r))
			}
			broken := start(t, p.start, p.withoutUpgrade...)
			checkUpgradeRefused(t, broken)
			r := examine(t, broken)
			i := slices.IndexFunc(r.Lines, func(l doctor.Line) bool { return l.Check == "upgrade" && l.Status == doctor.Fail })
			if i < 0 || !strings.Contains(r.Lines[i].Message, "a proxy drops its headers") {
				t.Fatalf("without upgrade headers: %s", text(t, r))
			}
			if !slices.ContainsFunc(r.Lines[i].Fixes, func(m doctor.Fix) bool { return strings.HasPrefix(strings.ToLower(p.name), m.Where) }) {
				t.Errorf("no configuration line for %s: %s", p.name, text(t, r))
			}
		})
	}
}

// TestDoctorNamesTheLine has nginx say too little of what the browser asked for. The log,
// the answer and the doctor name the line that nginx lacks.
func TestDoctorNamesTheLine(t *testing.T) {
	t.Parallel()
	const (
		hostLine  = "proxy_set_header Host $http_host;"
		protoLine = "proxy_set_header X-Forwarded-Proto $scheme;"
	)
	for name, row := range map[string]struct {
		change []string
		lines  []string
		not    string
	}{
		"no port":                 {[]string{hostLine, "proxy_set_header Host $host;"}, []string{hostLine}, protoLine},
		"no scheme":               {[]string{protoLine, ""}, []string{protoLine}, hostLine},
		"no host":                 {[]string{hostLine, ""}, []string{hostLine}, ""},
		"neither host nor scheme": {[]string{hostLine, "", protoLine, ""}, []string{hostLine, protoLine}, ""},
		"the gateway's port":      {[]string{hostLine, "proxy_set_header Host $host:$proxy_port;"}, []string{hostLine}, protoLine},
		"neither":                 {[]string{hostLine, "proxy_set_header Host $host;", protoLine, ""}, []string{hostLine, protoLine}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := start(t, startNginx, row.change...)
			_, port, err := net.SplitHostPort(v.proxy.address)
			if err != nil {
				t.Fatal(err)
			}
			origin := "https://" + net.JoinHostPort(host, port)
			e := rig.AwaitRefusal(t, v.dial(t, ":"+port, http.Header{"Origin": {origin}}))
			logged := v.gateway.AwaitLog("security.origin_rejected", origin)
			r := examine(t, v)
			i := slices.IndexFunc(r.Lines, func(l doctor.Line) bool { return l.Check == "origin" && l.Status == doctor.Fail })
			if e.Status != http.StatusForbidden || i < 0 {
				t.Fatalf("refused with %+v, %s", e, text(t, r))
			}
			var fixes string
			for _, f := range r.Lines[i].Fixes {
				fixes += f.Line + "\n"
			}
			for _, seen := range []string{e.Text, logged, fixes} {
				for _, line := range row.lines {
					if !strings.Contains(seen, line) {
						t.Errorf("no %q in %s", line, seen)
					}
				}
				if row.not != "" && strings.Contains(seen, row.not) || strings.Contains(fixes, "allowed_origins") {
					t.Errorf("%q in %s", row.not, seen)
				}
			}
		})
	}
}

func examine(t *testing.T, v setup) doctor.Report {
	t.Helper()
	return examineAt(t, v, "")
}

func examineAt(t *testing.T, v setup, path string) doctor.Report {
	t.Helper()
	_, port, err := net.SplitHostPort(v.proxy.address)
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Examine(t.Context(), doctor.Options{
		URL: "https://" + net.JoinHostPort(host,
			port) + path, Token: rig.Token, Roots: v.proxy.roots, Resolver: dnstest.Resolver(t, nil),
	})
}

func text(t *testing.T, r doctor.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
