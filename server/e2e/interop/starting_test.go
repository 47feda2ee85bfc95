package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

func threePairings(t *testing.T) string {
	g := rig.StartGateway(t, "")
	var first, last *rig.Client
	for range 3 {
		last = rig.NewClient(t, dialGateway(t, g, dial{}))
		last.Must("connect", "{}")
		if first == nil {
			first = last
		}
	}
	refused := rig.NewClient(t, dialGateway(t, g, dial{})).Call("connect", "{}").Error
	if refused == nil || refused.RetryAfterMs <= 0 {
		t.Fatalf("the fourth is answered %+v", refused)
	}
	return refused.String()
}

func justDenied(t *testing.T) string {
	g := rig.StartGateway(t, "")
	asked := rig.NewClient(t, dialGateway(t, g, dial{})).Must("connect", "{}")
	connectAs(t, g, "keeper").Must("device.pair.deny", fmt.Sprintf(`{"code":%q}`, asked.Payload.Code))
	refused := rig.NewClient(t, dialGateway(t, g, dial{})).Call("connect", "{}").Error
	if refused == nil || refused.RetryAfterMs <= 0 || refused.RetryAfterMs > 60_000 {
		t.Fatalf("it is answered %+v", refused)
	}
	return refused.String()
}

func pairingOff(t *testing.T) string {
	g := rig.StartGateway(t, `{ gateway: { pairing: false } }`)
	seen := rig.NewClient(t, dialGateway(t, g, dial{})).Call("connect", "{}").Error.String()
	connectAs(t, g, "anna").Must("health", "{}")
	return seen
}

// refusedStart starts the gateway's program once more, which must refuse, and returns what
// it says.
func refusedStart(t *testing.T, g *rig.Gateway, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rig.WaitLimit)
	defer cancel()
	run := exec.CommandContext(ctx, rig.Binary(t), append([]string{"-listen", "127.0.0.1:0",
		"-data-dir", filepath.Join(g.Dir, "data")}, args...)...)
	run.Env = []string{"HOME=" + g.Dir, "GATEHOUSE_GATEWAY_TOKEN=" + rig.Token}
	output, err := run.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Errorf("it started: %s", output)
	}
	return string(output)
}

func twoGateways(t *testing.T) string {
	g := rig.StartGateway(t, "")
	seen := refusedStart(t, g)
	connectAs(t, g, "anna").Must("health", "{}")
	return seen
}

func databaseLost(t *testing.T) string {
	g := rig.StartGateway(t, "")
	g.Stop()
	if err := os.Remove(filepath.Join(g.Dir, "data", "gatehouse.db")); err != nil {
		t.Fatal(err)
	}
	seen := refusedStart(t, g)
	if !strings.Contains(seen, "gatehouse.mark") || !strings.Contains(seen, "-accept-empty") {
		t.Errorf("it says %s", seen)
	}
	return seen
}

// sendLong sends messages that fill more than the log of the database.
func sendLong(t *testing.T, g *rig.Gateway) {
	t.Helper()
	k := connectAs(t, g, "anna")
	k.Must("chat.send", `{"sessionKey":"k","message":"echo x"}`)
	for range 40 {
		k.Must("chat.inject", `{"sessionKey":"k","message":"`+strings.Repeat("x", 200<<10)+`"}`)
	}
}

func copiedBesideLog(t *testing.T) string {
	g := rig.StartGateway(t, "")
	sendLong(t, g)
	backup := filepath.Join(t.TempDir(), "backup")
	if output, err := exec.CommandContext(t.Context(), rig.Binary(t), "backup", backup, "-data-dir",
		filepath.Join(g.Dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	sendLong(t, g)
	g.Kill()
	database := filepath.Join(g.Dir, "data", "gatehouse.db")
	if err := os.Rename(filepath.Join(backup, "gatehouse.db"), database); err != nil {
		t.Fatal(err)
	}
	seen := refusedStart(t, g)
	for _, suffix := range []string{"-wal", "-shm"} { // as the row says
		if err := os.Remove(database + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	g.Start()
	connectAs(t, g, "anna").Must("chat.history", `{"sessionKey":"k","limit":1}`)
	return seen
}

func databaseDamaged(t *testing.T) string {
	g := rig.StartGateway(t, "")
	sendLong(t, g)
	g.Stop()
	database, err := os.OpenFile(filepath.Join(g.Dir, "data", "gatehouse.db"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	if _, err := database.WriteAt([]byte(strings.Repeat("Z", 64<<10)), 1<<20); err != nil {
		t.Fatal(err)
	}
	seen := refusedStart(t, g)
	if !strings.Contains(seen, "gatehouse restore DIR -replace") {
		t.Errorf("it says %s", seen)
	}
	return seen + "/readyz"
}

func readableByOthers(t *testing.T) string {
	g := rig.StartGateway(t, "")
	g.Stop()
	if err := os.Chmod(filepath.Join(g.Dir, "data"), 0o755); err != nil { // #nosec G302 -- what the row is about
		t.Fatal(err)
	}
	g.Start()
	return g.AwaitLog("can be read or changed by other users", "run chmod 700 ")
}

func noToken(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "none")
	output, err := exec.CommandContext(t.Context(), rig.Binary(t), "token", "-data-dir",
		dir).CombinedOutput()
	if _, there := os.Stat(dir); err == nil || !os.IsNotExist(there) {
		t.Errorf("it has created something, or succeeded: %v, %v", there, err)
	}
	return "gatehouse token: " + string(output)
}

func fileGone(t *testing.T) string {
	g := rig.StartGateway(t, "")
	if err := os.Remove(rig.ConfigFile(g.Dir)); err != nil {
		t.Fatal(err)
	}
	return connectAs(t, g, "keeper").Call("config.reload", "{}").Error.String()
}
