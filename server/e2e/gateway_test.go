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

// waitLimit bounds every wait of these tests.
const waitLimit = rig.WaitLimit

// gatehouse is a gateway as browsers reach it.
type gatehouse struct {
	*rig.Gateway
	t             *testing.T
	publicAddress string // host:port that browsers use; "": the gateway's own
}

// startGatehouse starts the binary on a free loopback port. config is JSON5; "" is an
// empty configuration.
func startGatehouse(t *testing.T, config string) *gatehouse {
	t.Helper()
	return &gatehouse{Gateway: rig.StartGatewayWithoutToken(t, config), t: t}
}

func (g *gatehouse) url(path string) string {
	return "http://" + cmp.Or(g.publicAddress, g.Address) + path
}

// adminLink returns the last sign-in link, with the address that browsers use.
func (g *gatehouse) adminLink() string {
	g.t.Helper()
	_, code, _ := strings.Cut(g.SignInLink(), "#")
	return g.url("/login#" + code)
}

// token returns what `gatehouse token` prints.
func (g *gatehouse) token() string {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, rig.Binary(g.t), "token", "-data-dir",
		filepath.Join(g.Dir, "data"))
	cmd.Dir = g.Dir
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
