package e2e

import (
	"cmp"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// startTimeout bounds every wait of these tests.
const startTimeout = rig.Patience

// gatehouse is a gateway as browsers reach it.
type gatehouse struct {
	*rig.Gateway
	t     *testing.T
	front string // host:port that browsers use, if that is another
}

// startGatehouse starts the binary on a free loopback port. The config is JSON5,
// or empty.
func startGatehouse(t *testing.T, config string) *gatehouse {
	t.Helper()
	return &gatehouse{Gateway: rig.StartUntold(t, config), t: t}
}

func (g *gatehouse) url(path string) string { return "http://" + cmp.Or(g.front, g.Address) + path }

// adminLink is the last sign-in link, under the address that the tests use.
func (g *gatehouse) adminLink() string {
	g.t.Helper()
	_, code, _ := strings.Cut(g.SignInLink(), "#")
	return g.url("/login#" + code)
}

// token is what `gatehouse token` prints.
func (g *gatehouse) token() string {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, rig.Binary(g.t), "token", "-data-dir", filepath.Join(g.Dir, "data"))
	cmd.Dir = g.Dir
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
