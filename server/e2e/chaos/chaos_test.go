package chaos

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fromEnvironment reads a setting of the run.
func fromEnvironment[T any](t *testing.T, name string, otherwise T, read func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	v, err := read(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// TestNothingIsLost makes a run: a short one, unless the environment says otherwise.
func TestNothingIsLost(t *testing.T) {
	o := Options{
		Binary:  rig.Binary(t),
		Seed:    fromEnvironment(t, "CHAOS_SEED", rand.Uint64N(1_000_000), func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }),
		For:     fromEnvironment(t, "CHAOS_FOR", 12*time.Second, time.ParseDuration),
		Clients: fromEnvironment(t, "CHAOS_CLIENTS", 12, strconv.Atoi),
		Log:     t.Logf,
	}
	var err error
	if o.Dir, err = os.MkdirTemp("", "gatehouse-chaos-"); err != nil {
		t.Fatal(err)
	}
	t.Logf("make chaos SEED=%d FOR=%v CLIENTS=%d", o.Seed, o.For, o.Clients)
	report, err := Run(t.Context(), o)
	if report != nil {
		t.Logf("the outcome:\n%s", report)
		for _, v := range report.Violations {
			t.Error(v)
		}
	}
	if err != nil {
		t.Error(err)
	}
	if t.Failed() {
		t.Logf("the data and the gateway's log are kept in %s", o.Dir)
		return
	}
	if err := os.RemoveAll(o.Dir); err != nil {
		t.Error(err)
	}
}
