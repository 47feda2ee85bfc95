package pairing_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// model implements the rules of pairing in the simplest way. Whatever happens in whatever
// order, the service must answer as the model does.
type model struct {
	*testService
	devices  map[string]*modelDevice // by secret
	codes    map[string]bool
	expected []string
}

type modelDevice struct {
	who      pairing.Requester
	status   string
	signedIn string // the gateway token of a sign-in
	code, id string
	user     string
	role     protocol.Role
	expires  time.Time
	denied   time.Time
	seen     time.Time // when the device was last seen
	stored   time.Time // the same, as far as it is stored
}

// now returns the current status of a device.
func (m *model) now(d *modelDevice) string {
	switch {
	case d == nil:
		return "unknown"
	case d.status == "pending" && !time.Now().Before(d.expires):
		return "expired"
	case d.status == "approved" && d.signedIn != "" && d.signedIn != m.token:
		return "revoked"
	}
	return d.status
}

// access returns how Authenticate must answer.
func access(status string) string {
	if status == "approved" {
		return "ok"
	}
	return "NOT_PAIRED " + status
}

// the last two are in one network
var modelAddresses = []string{"192.0.2.1", "2001:db8::1", "2001:db8::2"}

func network(address string) string { return address[:min(len(address), 10)] }

// TestModel runs random actions against the service and the model.
func TestModel(t *testing.T) {
	t.Parallel()
	root, empty := t.TempDir(), t.TempDir()
	newTestService(t, empty).close() // an empty database to copy
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		checks++
		var thrown any // rapid panics, and a bubble does not pass panics on
		synctest.Test(t, func(t *testing.T) {
			defer func() { thrown = recover() }()
			d := &testService{t: t, dir: filepath.Join(root, fmt.Sprint(checks)),
				token: "token one"}
			if err := os.CopyFS(d.dir, os.DirFS(empty)); err != nil {
				t.Fatal(err)
			}
			d.open()
			defer func() { d.close() }()
			m := &model{testService: d, devices: map[string]*modelDevice{},
				codes: map[string]bool{}}
			rt.Repeat(m.actions())
		})
		if thrown != nil {
			panic(thrown)
		}
	})
}

func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":         m.check,
		"request":  m.newRequest,
		"reload":   m.reload,
		"approve":  m.decide("approved"),
		"deny":     m.decide("denied"),
		"revoke":   m.revoke,
		"sign in":  m.signIn,
		"sign out": m.signOut,
		"restart":  m.crash,
		"sweep":    m.sweep,
		"token": func(rt *rapid.T) {
			m.token = rapid.SampledFrom([]string{"token one", "token two"}).Draw(rt, "token")
		},
		"time": func(rt *rapid.T) {
			time.Sleep(rapid.SampledFrom([]time.Duration{
				time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 20 * time.Minute,
				time.Hour,
			}).Draw(rt, "passes"))
		},
	}
}

// some draws one of the devices, or returns nil if there is none.
func (m *model) some(rt *rapid.T) *modelDevice {
	if len(m.devices) == 0 {
		return nil
	}
	ids := slices.SortedFunc(maps.Values(m.devices),
		func(a, b *modelDevice) int { return a.order() - b.order() })
	return ids[rapid.IntRange(0, len(ids)-1).Draw(rt, "device")]
}

// order returns the number of the device, so that draws are the same in a replay.
func (d *modelDevice) order() int {
	var n int
	_, _ = fmt.Sscan(d.who.DeviceName[len("device "):], &n)
	return n
}

func (m *model) newRequester(rt *rapid.T) pairing.Requester {
	who := from(rapid.SampledFrom(modelAddresses).Draw(rt, "address"))
	who.DeviceName = fmt.Sprintf("device %d", len(m.devices))
	return who
}

// expect fails unless the answer to err is the model's.
func expect(rt *rapid.T, what string, err error, want string) {
	rt.Helper()
	if got := answer(err); got != want {
		rt.Fatalf("%s: %s (%v), want %s", what, got, err, want)
	}
}

func (m *model) newRequest(rt *rapid.T) {
	who := m.newRequester(rt)
	want, present := "ok", 0
	for _, d := range m.devices {
		if network(d.who.Address.String()) != network(who.Address.String()) {
			continue
		}
		if d.status == "denied" && time.Since(d.denied) < time.Minute {
			want = "RESOURCE_EXHAUSTED"
		}
		if m.now(d) == "pending" && time.Since(d.seen) < 2*time.Minute {
			present++
		}
	}
	if present >= 3 {
		want = "RESOURCE_EXHAUSTED"
	}
	p, err := m.Request(context.Background(), who)
	expect(rt, "request", err, want)
	if err != nil {
		return
	}
	if m.codes[p.Code] {
		rt.Fatalf("the code %s was given a second time", p.Code)
	}
	m.codes[p.Code] = true
	now := time.Now()
	m.devices[who.Secret] = &modelDevice{
		who: who, status: "pending", code: p.Code, id: p.DeviceID, expires: now.Add(time.Hour),
		seen: now, stored: now,
	}
	m.expected = append(m.expected, "requested "+p.DeviceID)
}

func (m *model) reload(rt *rapid.T) {
	d := m.some(rt)
	if d == nil {
		return
	}
	p, err := m.Request(context.Background(), d.who)
	switch st := m.now(d); st {
	case "pending":
		expect(rt, "reload", err, "ok")
		if p.Code != d.code || p.DeviceID != d.id || !p.ExpiresAt.Go().Equal(d.expires) {
			rt.Fatalf("reload: %+v, want the code %s of %s until %s", p, d.code, d.id, d.expires)
		}
		d.seen = time.Now()
	case "approved":
		expect(rt, "reload", err, "FAILED_PRECONDITION")
	default:
		expect(rt, "reload", err, "NOT_PAIRED "+st)
	}
}

func (m *model) decide(status string) func(*rapid.T) {
	return func(rt *rapid.T) {
		d := m.some(rt)
		if d == nil || d.code == "" {
			return
		}
		want := "FAILED_PRECONDITION"
		if m.now(d) == "pending" {
			want = "ok"
		}
		if status == "denied" {
			expect(rt, "deny", m.Deny(context.Background(), "admin", d.code), want)
		} else {
			role := rapid.SampledFrom([]protocol.Role{"", protocol.Viewer, protocol.Operator,
				protocol.Admin}).Draw(rt, "role")
			user := rapid.SampledFrom([]string{"", "anna", "admin"}).Draw(rt, "user")
			existed := slices.ContainsFunc(slices.Collect(maps.Values(m.devices)),
				func(o *modelDevice) bool { return o.user != "" && o.user == user }) || user == "admin"
			a, err := m.Approve(context.Background(), "admin",
				protocol.DeviceApproveParams{Code: d.code, Role: role, UserID: user})
			expect(rt, "approve", err, want)
			if err == nil {
				m.approved(rt, d, a, user, role, existed)
			}
		}
		if want == "ok" {
			d.status, d.denied = status, time.Now()
			m.expected = append(m.expected, status+" "+d.id)
		}
	}
}

func (m *model) approved(rt *rapid.T, d *modelDevice, a pairing.Approval, user string,
	role protocol.Role, existed bool) {
	d.user, d.role = a.Device.UserID, a.Device.Role
	if role == "" {
		role = protocol.Operator
	}
	if d.role != role || user != "" && d.user != user || a.Existed != existed {
		rt.Fatalf("approved as %+v, asked for %q and %q", a, user, role)
	}
	for _, other := range m.devices {
		if user == "" && other != d && other.user == d.user {
			rt.Fatalf("the fresh user %s has another device", d.user)
		}
	}
}

func (m *model) revoke(rt *rapid.T) {
	d := m.some(rt)
	if d == nil {
		return
	}
	err := m.Revoke(context.Background(), "admin", d.id, nil)
	switch d.status { // as it is stored: a sign-in with an outdated token can still be revoked
	case "approved":
		expect(rt, "revoke", err, "ok")
		d.status = "revoked"
		m.expected = append(m.expected, "revoked "+d.id)
	case "revoked":
		expect(rt, "revoke again", err, "ok")
	default:
		expect(rt, "revoke what is "+d.status, err, "FAILED_PRECONDITION")
	}
}

func (m *model) signIn(rt *rapid.T) {
	who := m.newRequester(rt)
	got, err := m.SignIn(context.Background(), who)
	expect(rt, "sign in", err, "ok")
	m.devices[who.Secret] = &modelDevice{
		who: who, status: "approved", signedIn: m.token, id: got.DeviceID, user: "admin",
		role: protocol.Admin,
		seen: time.Now(), stored: time.Now(),
	}
}

func (m *model) signOut(rt *rapid.T) {
	d := m.some(rt)
	if d == nil {
		return
	}
	expect(rt, "sign out", m.SignOut(context.Background(), d.who.Secret), "ok")
	switch d.status {
	case "approved":
		d.status = "revoked"
	case "pending":
		d.status = "expired"
	default:
		return
	}
	m.expected = append(m.expected, d.status+" "+d.id)
}

// crash restarts without a sweep, so that times since the last sweep are lost.
func (m *model) crash(*rapid.T) {
	m.restart()
	for _, d := range m.devices {
		d.seen = d.stored
	}
}

func (m *model) sweep(rt *rapid.T) {
	expect(rt, "sweep", m.Sweep(context.Background()), "ok")
	for _, d := range m.devices {
		d.stored = d.seen
		if st := m.now(d); st != d.status {
			d.status = st
			m.expected = append(m.expected, st+" "+d.id)
		}
	}
}

// check compares the service and the model.
func (m *model) check(rt *rapid.T) {
	ctx := context.Background()
	events := m.notifications()
	slices.Sort(events)
	slices.Sort(m.expected)
	if !slices.Equal(events, m.expected) {
		rt.Fatalf("got the notifications %q, want %q", events, m.expected)
	}
	m.expected = nil
	list, err := m.List(ctx)
	expect(rt, "list", err, "ok")
	listed := map[string]string{}
	for _, p := range list.Pending {
		listed[p.DeviceID] = "pending"
	}
	for _, p := range list.Paired {
		listed[p.DeviceID] = "approved"
	}
	for _, d := range m.devices {
		st := m.now(d)
		if want := map[string]string{"pending": st, "approved": st}[st]; listed[d.id] != want {
			rt.Fatalf("%s, which is %s, is listed as %q", d.id, st, listed[d.id])
		}
	}
	if d := m.some(rt); d != nil {
		got, err := m.Authenticate(ctx, d.who.Secret)
		expect(rt, "authenticate", err, access(m.now(d)))
		if err == nil {
			d.seen = time.Now()
			if got.UserID != d.user || got.Role != d.role || got.DeviceID != d.id {
				rt.Fatalf("authenticated as %+v, want %s, %s, %s", got, d.user, d.role, d.id)
			}
		}
	}
}
