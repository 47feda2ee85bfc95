package pairing_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a Service on a real store, with what it told.
type desk struct {
	*pairing.Service
	t     testing.TB
	dir   string
	store *sqlite.Store
	token string // the fingerprint that sign-ins rest on

	mu   sync.Mutex
	told []string
}

// newDesk opens a desk. In a synctest bubble dir must be made outside of it.
func newDesk(t testing.TB, dir string) *desk {
	t.Helper()
	d := &desk{t: t, dir: dir, token: "token one"}
	d.open()
	t.Cleanup(d.close)
	return d
}

func (d *desk) open() {
	d.t.Helper()
	s, err := sqlite.Open(context.Background(), d.dir, sqlite.Options{Readers: 1}) // one prepares its statements once
	if err != nil {
		d.t.Fatal(err)
	}
	d.store = s
	d.Service = pairing.New(retrytest.Twice(s.Pairings()), pairing.Options{
		Notifier: d, Binding: func() string { return d.token }, Settings: setting.Fixed(pairing.Settings{MaxPending: 1000}),
	})
}

func (d *desk) close() {
	if err := d.store.Close(); err != nil {
		d.t.Error(err)
	}
}

// restart is what a stop of the gateway leaves: the store.
func (d *desk) restart() {
	d.t.Helper()
	d.close()
	d.open()
}

func (d *desk) PairingRequested(p protocol.PendingDevice) { d.tell("requested " + p.DeviceID) }

func (d *desk) PairingResolved(r protocol.DeviceResolved) {
	if (r.Paired != nil) != (r.Status == protocol.PairingApproved) {
		d.t.Errorf("%s comes with the device %v", r.Status, r.Paired)
	}
	d.tell(r.Status + " " + r.DeviceID)
}

func (d *desk) tell(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, s)
}

// tellings gives what was told since the last call.
func (d *desk) tellings() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	told := d.told
	d.told = nil
	return told
}

// fill puts records into the store, as if they had asked long before.
func (d *desk) fill(records ...pairing.Record) {
	d.t.Helper()
	if err := d.store.Pairings().Update(context.Background(), func(tx pairing.Tx) error {
		for _, r := range records {
			if err := tx.Insert(r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
}

// record is one of many, each of its own network.
func record(i int, status string) pairing.Record {
	now := time.Now()
	r := pairing.Record{
		ID: fmt.Sprintf("dev-%05d", i), Kind: pairing.Paired, Status: status, Code: fmt.Sprintf("CODE%04d", i),
		Network: fmt.Sprintf("10.0.%d.%d/32", i/256, i%256), Address: fmt.Sprintf("10.0.%d.%d", i/256, i%256),
		CreatedAt: protocol.At(now), ExpiresAt: protocol.At(now.Add(time.Hour)),
	}
	binary.BigEndian.PutUint64(r.Secret[:], uint64(i))
	return r
}

// from is a requester with a credential of its own.
func from(address string) pairing.Requester {
	return pairing.Requester{
		Secret: pairing.NewCredential(), Address: netip.MustParseAddr(address),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	}
}

func (d *desk) request(who pairing.Requester) protocol.PendingDevice {
	d.t.Helper()
	p, err := d.Request(context.Background(), who)
	if err != nil {
		d.t.Fatalf("request: %v", err)
	}
	return p
}

func (d *desk) approve(p protocol.DeviceApproveParams) pairing.Approved {
	d.t.Helper()
	a, err := d.Approve(context.Background(), "admin", p)
	if err != nil {
		d.t.Fatalf("approve: %v", err)
	}
	return a
}

// answer is an error as a client sees it: its code, and its status if it has
// one; "ok" for none.
func answer(err error) string {
	var refusal *protocol.Error
	switch {
	case err == nil:
		return "ok"
	case !errors.As(err, &refusal):
		return "no refusal: " + err.Error()
	case refusal.Message == "":
		return "no sentence: " + err.Error()
	case refusal.Code == protocol.ResourceExhausted && (!refusal.Retryable || refusal.RetryAfterMs <= 0):
		return fmt.Sprintf("no retry: %+v", refusal)
	case refusal.Details != nil:
		return string(refusal.Code) + " " + refusal.Details.Status
	}
	return string(refusal.Code)
}

func want(t testing.TB, what string, err error, expected string) {
	t.Helper()
	if got := answer(err); got != expected {
		t.Errorf("%s: %s (%v), want %s", what, got, err, expected)
	}
}

func retryAfter(err error) int64 {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return refusal.RetryAfterMs
	}
	return 0
}
