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

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testService is a Service in a real store, with its notifications.
type testService struct {
	*pairing.Service
	t     testing.TB
	dir   string
	store *sqlite.Store
	token string // the fingerprint of the gateway token

	// mu guards the following field.
	mu     sync.Mutex
	events []string
}

// newTestService opens the store in dir. In a synctest bubble, dir must be created
// outside of the bubble.
func newTestService(t testing.TB, dir string) *testService {
	t.Helper()
	d := &testService{t: t, dir: dir, token: "token one"}
	d.open()
	t.Cleanup(d.close)
	return d
}

func (d *testService) open() {
	d.t.Helper()
	// one reader prepares its statements once
	s, err := sqlite.Open(context.Background(), d.dir, sqlite.Options{Readers: 1})
	if err != nil {
		d.t.Fatal(err)
	}
	d.store = s
	d.Service = pairing.New(retrytest.Twice(s.Pairings()), pairing.Options{
		Notifier: d, Binding: func() string { return d.token },
		Settings: setting.Fixed(pairing.Settings{MaxPending: 1000}),
	})
}

func (d *testService) close() {
	if err := d.store.Close(); err != nil {
		d.t.Error(err)
	}
}

// restart closes and opens the store, as a restart of the gateway does.
func (d *testService) restart() {
	d.t.Helper()
	d.close()
	d.open()
}

func (d *testService) PairingRequested(p protocol.PendingDevice) {
	d.record("requested " +
		p.DeviceID)
}

func (d *testService) PairingResolved(r protocol.DeviceResolved) {
	if (r.Paired != nil) != (r.Status == protocol.PairingApproved) {
		d.t.Errorf("%s has the device %v", r.Status, r.Paired)
	}
	d.record(r.Status + " " + r.DeviceID)
}

func (d *testService) CredentialRenewed(deviceID string, _ credential.Digest) {
	d.record("renewed " + deviceID)
}

func (d *testService) record(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, s)
}

// notifications returns the notifications since the last call.
func (d *testService) notifications() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	events := d.events
	d.events = nil
	return events
}

// fill inserts records into the store.
func (d *testService) fill(records ...pairing.Record) {
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

// numberedRecord returns the ith of many records, each with its own network.
func numberedRecord(i int, status string) pairing.Record {
	now := time.Now()
	r := pairing.Record{
		ID: fmt.Sprintf("dev-%05d", i), Kind: pairing.Paired, Status: status,
		Code:      fmt.Sprintf("CODE%04d", i),
		Network:   fmt.Sprintf("10.0.%d.%d/32", i/256, i%256),
		Address:   fmt.Sprintf("10.0.%d.%d", i/256, i%256),
		CreatedAt: protocol.At(now), ExpiresAt: protocol.At(now.Add(time.Hour)),
	}
	binary.BigEndian.PutUint64(r.Secret[:], uint64(i))
	return r
}

// from returns a requester with a new credential.
func from(address string) pairing.Requester {
	return pairing.Requester{
		Secret: pairing.NewCredential(), Address: netip.MustParseAddr(address),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	}
}

func (d *testService) request(who pairing.Requester) protocol.PendingDevice {
	d.t.Helper()
	p, err := d.Request(context.Background(), who)
	if err != nil {
		d.t.Fatalf("request: %v", err)
	}
	return p
}

func (d *testService) approve(p protocol.DeviceApproveParams) pairing.Approval {
	d.t.Helper()
	a, err := d.Approve(context.Background(), "admin", p)
	if err != nil {
		d.t.Fatalf("approve: %v", err)
	}
	return a
}

// answer returns an error as a client sees it: its code, and its status if it has one. It
// returns "ok" if there is no error.
func answer(err error) string {
	var refusal *protocol.Error
	switch {
	case err == nil:
		return "ok"
	case !errors.As(err, &refusal):
		return "no refusal: " + err.Error()
	case refusal.Message == "":
		return "no sentence: " + err.Error()
	case refusal.Code == protocol.ResourceExhausted &&
		(!refusal.Retryable || refusal.RetryAfterMs <= 0):
		return fmt.Sprintf("no retry: %+v", refusal)
	case refusal.Details != nil:
		return string(refusal.Code) + " " + refusal.Details.Status
	}
	return string(refusal.Code)
}

// want fails unless the answer to err is the expected one.
func want(t testing.TB, what string, err error, expected string) {
	t.Helper()
	if got := answer(err); got != expected {
		t.Errorf("%s: %s (%v), want %s", what, got, err, expected)
	}
}

// retryAfter returns the retry delay in a refusal, in milliseconds.
func retryAfter(err error) int64 {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return refusal.RetryAfterMs
	}
	return 0
}

// settings are those of a service with room for many requests.
func (d *testService) settings() setting.Live[pairing.Settings] {
	return setting.Fixed(pairing.Settings{MaxPending: 1000})
}

// toldNames notes which names the requests resemble.
type toldNames struct{ names []string }

func (n *toldNames) PairingRequested(p protocol.PendingDevice) {
	n.names = append(n.names, p.Resembles)
}
func (*toldNames) PairingResolved(protocol.DeviceResolved)     {}
func (*toldNames) CredentialRenewed(string, credential.Digest) {}
