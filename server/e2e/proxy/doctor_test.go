package proxy

import (
	"net"
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
			if !slices.ContainsFunc(r.Lines[i].Fixes, func(m doctor.Fix) bool { return m.Where == strings.ToLower(p.name) }) {
				t.Errorf("no configuration line for %s: %s", p.name, text(t, r))
			}
		})
	}
}

func examine(t *testing.T, v setup) doctor.Report {
	t.Helper()
	_, port, err := net.SplitHostPort(v.proxy.address)
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Examine(t.Context(), doctor.Options{
		URL: "https://" + net.JoinHostPort(host,
			port), Token: rig.Token, Roots: v.proxy.roots, Resolver: dnstest.Resolver(t, nil),
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
