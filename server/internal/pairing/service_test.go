package pairing_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// bubble runs a test in a synctest bubble.
func bubble(t *testing.T, test func(t *testing.T, d *testService)) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { test(t, newTestService(t, dir)) })
}

// A requester may change its name while its request is pending. The admin sees the latest
// name, with the same code.
func TestRename(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		who := from("192.0.2.1")
		p := d.request(who)
		d.notifications()
		who.DeviceName = "Anna's laptop"
		named := d.request(who)
		if named.Code != p.Code || named.DeviceID != p.DeviceID ||
			named.DeviceName != "Anna's laptop" {
			t.Errorf("renamed: %+v, before: %+v", named, p)
		}
		if events := d.notifications(); !slices.Equal(events, []string{"requested " + p.DeviceID}) {
			t.Errorf("got the notifications %q", events)
		}
		d.request(who)
		who.DeviceName = ""
		if again := d.request(who); again != named {
			t.Errorf("asking again without a name changed %+v to %+v", named, again)
		}
		if events := d.notifications(); len(events) > 0 {
			t.Errorf("got the notifications %q of nothing new", events)
		}
	})
}

func TestPairing(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		who := from("192.0.2.1")
		_, err := d.Authenticate(ctx, who.Secret)
		want(t, "an unknown credential", err, "NOT_PAIRED unknown")
		_, err = d.Status(ctx, who.Secret)
		want(t, "the status of an unknown credential", err, "NOT_PAIRED unknown")

		p := d.request(who)
		now := protocol.At(time.Now())
		if p.DeviceName != "Firefox on Linux" || p.Address != "192.0.2.1" || p.CreatedAt != now ||
			p.ExpiresAt != now+60*60*1000 {
			t.Errorf("pending: %+v", p)
		}
		if st, err := d.Status(ctx, who.Secret); err != nil ||
			st != (protocol.PairingStatus{Status: "pending", ExpiresAt: p.ExpiresAt}) {
			t.Errorf("status: %+v, %v", st, err)
		}
		_, err = d.Authenticate(ctx, who.Secret)
		want(t, "a credential with a pending request", err, "NOT_PAIRED pending")

		time.Sleep(time.Minute)
		d.restart()
		if again := d.request(who); again != p {
			t.Errorf("after a reload and a restart the request is %+v, want %+v", again, p)
		}

		a := d.approve(protocol.DeviceApproveParams{Code: strings.ToLower(p.Code[:4]) + "-" +
			p.Code[4:], Label: " the \n hall "})
		if a.Existed || a.Device.Role != protocol.Operator ||
			!strings.HasPrefix(a.Device.UserID, "user-") || a.Device.Label != "the hall" ||
			a.Device.DeviceID != p.DeviceID {
			t.Errorf("approved: %+v", a)
		}
		device, err := d.Authenticate(ctx, who.Secret)
		if err != nil || device.UserID != a.Device.UserID || device.Role != protocol.Operator ||
			device.DeviceID != p.DeviceID || device.Kind != pairing.Paired {
			t.Errorf("authenticated: %+v, %v", device, err)
		}
		if st, err := d.Status(ctx, who.Secret); err != nil || st.Status != "approved" {
			t.Errorf("status: %+v, %v", st, err)
		}
		_, err = d.Request(ctx, who)
		want(t, "a request of a paired device", err, "FAILED_PRECONDITION")
		_, err = d.Approve(ctx, "admin", protocol.DeviceApproveParams{Code: p.Code})
		want(t, "a second approval", err, "FAILED_PRECONDITION")
		want(t, "a denial after the approval", d.Deny(ctx, "admin", p.Code), "FAILED_PRECONDITION")

		want(t, "revoke", d.Revoke(ctx, "admin", p.DeviceID, nil), "ok")
		want(t, "revoke again", d.Revoke(ctx, "admin", p.DeviceID, nil), "ok")
		want(t, "revoke an unknown device", d.Revoke(ctx, "admin", "dev-0", nil), "NOT_FOUND")
		_, err = d.Authenticate(ctx, who.Secret)
		want(t, "a revoked credential", err, "NOT_PAIRED revoked")
		_, err = d.Status(ctx, who.Secret)
		want(t, "the status of a revoked credential", err, "NOT_PAIRED revoked")
		_, err = d.Request(ctx, who)
		want(t, "a request of a revoked credential", err, "NOT_PAIRED revoked")

		events := []string{"requested " + p.DeviceID, "approved " + p.DeviceID, "revoked " +
			p.DeviceID}
		if got := d.notifications(); !slices.Equal(got, events) {
			t.Errorf("got the notifications %q, want %q", got, events)
		}
	})
}

func TestDenial(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		who := from("2001:db8::1")
		p := d.request(who)
		want(t, "deny", d.Deny(ctx, "admin", p.Code), "ok")
		if st, err := d.Status(ctx, who.Secret); err != nil || st.Status != "denied" {
			t.Errorf("status: %+v, %v", st, err)
		}
		time.Sleep(20 * time.Second)
		d.restart()
		_, err := d.Request(ctx, from("2001:db8::ffff"))
		want(t, "a new request from that network", err, "RESOURCE_EXHAUSTED")
		if ms := retryAfter(err); ms != 40_000 {
			t.Errorf("the retry delay is %d ms, want 40000", ms)
		}
		_, err = d.Request(ctx, from("2001:db8:0:1::1"))
		want(t, "a request from another network", err, "ok")
		time.Sleep(40 * time.Second)
		_, err = d.Request(ctx, from("2001:db8::2"))
		want(t, "a new request when the cool-down is over", err, "ok")

		_, err = d.Request(ctx, who)
		want(t, "a request with the denied credential", err, "NOT_PAIRED denied")
		_, err = d.Authenticate(ctx, who.Secret)
		want(t, "the denied credential", err, "NOT_PAIRED denied")
		_, err = d.Approve(ctx, "admin", protocol.DeviceApproveParams{Code: p.Code})
		want(t, "an approval after the denial", err, "FAILED_PRECONDITION")
		want(t, "a revocation of a denied device", d.Revoke(ctx, "admin", p.DeviceID, nil),
			"FAILED_PRECONDITION")
	})
}

func TestExpiry(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		who := from("192.0.2.1")
		p := d.request(who)
		time.Sleep(time.Hour - time.Millisecond)
		if again := d.request(who); again.Code != p.Code {
			t.Errorf("just before it expires, the request has the code %s, want %s",
				again.Code, p.Code)
		}
		time.Sleep(time.Millisecond)
		for _, swept := range []bool{false, true} {
			if swept {
				want(t, "sweep", d.Sweep(ctx), "ok")
			}
			if st, err := d.Status(ctx, who.Secret); err != nil || st.Status != "expired" {
				t.Errorf("swept %v: status: %+v, %v", swept, st, err)
			}
			_, err := d.Authenticate(ctx, who.Secret)
			want(t, "an expired credential", err, "NOT_PAIRED expired")
			_, err = d.Request(ctx, who)
			want(t, "a request of an expired credential", err, "NOT_PAIRED expired")
			_, err = d.Approve(ctx, "admin", protocol.DeviceApproveParams{Code: p.Code})
			want(t, "an approval after the expiry", err, "FAILED_PRECONDITION")
			if list, err := d.List(ctx); err != nil || len(list.Pending) != 0 {
				t.Errorf("swept %v: listed as pending: %+v, %v", swept, list.Pending, err)
			}
		}
		if got := d.notifications(); !slices.Equal(got,
			[]string{"requested " + p.DeviceID, "expired " + p.DeviceID}) {
			t.Errorf("got the notifications %q", got)
		}
		want(t, "sweep", d.Sweep(ctx), "ok")
		if got := d.notifications(); len(got) != 0 {
			t.Errorf("a second sweep got the notifications %q", got)
		}
	})
}

func TestMaxPerNetwork(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		var present []pairing.Requester
		var devices []string
		for range 3 {
			who := from("192.0.2.1")
			present, devices = append(present, who), append(devices, d.request(who).DeviceID)
		}
		_, err := d.Request(ctx, from("192.0.2.1"))
		want(t, "a fourth request of an address", err, "RESOURCE_EXHAUSTED")
		if ms := retryAfter(err); ms != 120_000 {
			t.Errorf("the retry delay is %d ms, want 120000", ms)
		}
		_, err = d.Request(ctx, from("::ffff:192.0.2.1"))
		want(t, "the same address, written as IPv6", err, "RESOURCE_EXHAUSTED")
		_, err = d.Request(ctx, from("192.0.2.2"))
		want(t, "another address", err, "ok")

		// Each of three ways to be seen makes a requester present. After a sweep, this
		// survives a restart.
		time.Sleep(2*time.Minute - time.Second)
		if _, err := d.Status(ctx, present[0].Secret); err != nil {
			t.Error(err)
		}
		d.request(present[1])
		d.Seen(devices[2])
		want(t, "sweep", d.Sweep(ctx), "ok")
		d.restart()
		time.Sleep(2*time.Minute - time.Second)
		_, err = d.Request(ctx, from("192.0.2.1"))
		want(t, "while all three are present", err, "RESOURCE_EXHAUSTED")
		time.Sleep(time.Second)
		_, err = d.Request(ctx, from("192.0.2.1"))
		want(t, "when none was seen for two minutes", err, "ok")
		if again := d.request(present[0]); again.DeviceID != devices[0] {
			t.Errorf("an absent requester has now the request %s, want %s", again.DeviceID,
				devices[0])
		}
	})
}

func TestApproveParams(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		refused := d.request(from("192.0.2.99")).Code
		for name, c := range map[string]struct {
			params protocol.DeviceApproveParams
			want   string
		}{
			"an invalid code": {protocol.DeviceApproveParams{Code: "ABC"}, "INVALID_REQUEST"},
			"no code":         {protocol.DeviceApproveParams{}, "INVALID_REQUEST"},
			"an unknown code": {protocol.DeviceApproveParams{Code: "22222222"}, "NOT_FOUND"},
			"an invalid role": {protocol.DeviceApproveParams{Code: refused, Role: "root"},
				"INVALID_REQUEST"},
			"an invalid user": {protocol.DeviceApproveParams{Code: refused, UserID: "a b"},
				"INVALID_REQUEST"},
			"a user too long": {protocol.DeviceApproveParams{Code: refused,
				UserID: strings.Repeat("a", 256)},
				"INVALID_REQUEST"},
			"a label too long": {protocol.DeviceApproveParams{Code: refused,
				Label: strings.Repeat("é", 121)},
				"INVALID_REQUEST"},
		} {
			_, err := d.Approve(ctx, "admin", c.params)
			want(t, name, err, c.want)
		}
		if list, err := d.List(ctx); err != nil || len(list.Pending) != 1 {
			t.Errorf("after the refusals %d are pending, %v; want 1", len(list.Pending), err)
		}

		long := strings.Repeat("a", 255)
		for i, c := range []struct {
			user    string
			role    protocol.Role
			existed bool
		}{{"anna", protocol.Viewer, false}, {"anna", protocol.Admin, true}, {"Anna",
			protocol.Operator, false}, {long, protocol.Operator, false}} {
			p := d.request(from(fmt.Sprintf("192.0.2.%d", i)))
			a := d.approve(protocol.DeviceApproveParams{Code: p.Code, UserID: c.user, Role: c.role,
				Label: strings.Repeat("é", 120)})
			if a.Device.UserID != c.user || a.Device.Role != c.role || a.Existed != c.existed {
				t.Errorf("approval %d: %+v, want %+v", i, a, c)
			}
		}
	})
}

// Pending finds a request by its code as long as the request is pending, whatever the
// number of other requests.
func TestPendingByCode(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		find := func(code string) string {
			t.Helper()
			p, found, err := d.Pending(ctx, code)
			if err != nil || found != (p.DeviceID != "") {
				t.Errorf("%q: %+v, %v, %v", code, p, found, err)
			}
			return p.DeviceID
		}
		first := d.request(from("192.0.2.1"))
		time.Sleep(time.Minute)
		var others []pairing.Record
		for i := range 300 { // more than List returns
			others = append(others, numberedRecord(i, protocol.PairingPending))
		}
		d.fill(others...)
		for _, typed := range []string{first.Code, " " + strings.ToLower(first.Code[:4]) + "-" +
			first.Code[4:]} {
			if got := find(typed); got != first.DeviceID {
				t.Errorf("%q belongs to %q, want %q", typed, got, first.DeviceID)
			}
		}
		for _, none := range []string{"", "ABC", "22222222", first.DeviceID} {
			if got := find(none); got != "" {
				t.Errorf("%q belongs to %q", none, got)
			}
		}
		approved, denied, expired := d.request(from("192.0.2.2")), d.request(from("192.0.2.3")), d.request(from("192.0.2.4"))
		d.approve(protocol.DeviceApproveParams{Code: approved.Code})
		if err := d.Deny(ctx, "admin", denied.Code); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		for what, p := range map[string]protocol.PendingDevice{"approved": approved,
			"denied": denied, "expired": expired} {
			if got := find(p.Code); got != "" {
				t.Errorf("the %s code belongs to %q", what, got)
			}
		}
	})
}

func TestListAndHistory(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		if list, err := d.List(ctx); err != nil || list.Pending == nil || list.Paired == nil {
			t.Errorf("an empty list is %+v, %v; want [] in JSON", list, err)
		}
		var p []protocol.PendingDevice
		var secrets []string
		for i := range 5 {
			who := from(fmt.Sprintf("192.0.2.%d", i))
			p, secrets = append(p, d.request(who)), append(secrets, who.Secret)
			time.Sleep(time.Second)
		}
		d.approve(protocol.DeviceApproveParams{Code: p[0].Code})
		time.Sleep(time.Second)
		d.approve(protocol.DeviceApproveParams{Code: p[1].Code})
		time.Sleep(time.Second)
		want(t, "deny", d.Deny(ctx, "berta", p[2].Code), "ok")
		time.Sleep(time.Second)
		if _, err := d.Authenticate(ctx, secrets[0]); err != nil {
			t.Error(err)
		}
		seen := protocol.At(time.Now())

		list, err := d.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Pending) != 2 || list.Pending[0] != p[3] || list.Pending[1] != p[4] {
			t.Errorf("pending: %+v, want the oldest first", list.Pending)
		}
		if len(list.Paired) != 2 || list.Paired[0].DeviceID != p[1].DeviceID ||
			list.Paired[1].DeviceID != p[0].DeviceID {
			t.Errorf("paired: %+v, want the newest first", list.Paired)
		} else if list.Paired[1].LastSeenAt != seen {
			t.Errorf("a device that has just connected was last seen at %v, want %v",
				list.Paired[1].LastSeenAt, seen)
		}
		past, err := d.History(ctx, 2)
		if err != nil || len(past) != 2 || past[0].DeviceID != p[2].DeviceID ||
			past[0].Status != "denied" || past[0].ResolvedBy != "berta" ||
			past[1].DeviceID != p[1].DeviceID || past[1].Status != "approved" ||
			past[1].ResolvedAt == 0 {
			t.Errorf("history: %+v, %v", past, err)
		}
		for _, text := range []string{fmt.Sprint(list), fmt.Sprint(past)} {
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Error("a list shows a secret")
				}
			}
		}
	})
}

// The longest possible list fits into a frame.
func TestListFitsIntoAFrame(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		var records []pairing.Record
		for i := range 1200 {
			r := numberedRecord(i, []string{protocol.PairingPending, protocol.PairingApproved}[i%2])
			r.UserAgent, r.Name = strings.Repeat("\U0001F600", 256), strings.Repeat("\\\"", 40)
			r.UserID, r.Role, r.Label = strings.Repeat("u",
				255), protocol.Operator, strings.Repeat("\U0001F600", 120)
			records = append(records, r)
		}
		d.fill(records...)
		list, err := d.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(list.AppendJSON(nil)); n > protocol.MaxFrameBytes-1024 ||
			len(list.Pending) < 50 || len(list.Paired) < 50 {
			t.Errorf("%d pending and %d paired take %d bytes", len(list.Pending),
				len(list.Paired), n)
		}
	})
}

func TestLastSeenIsStoredBySweep(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		who := from("192.0.2.1")
		d.approve(protocol.DeviceApproveParams{Code: d.request(who).Code})
		time.Sleep(time.Minute)
		if _, err := d.Authenticate(ctx, who.Secret); err != nil {
			t.Fatal(err)
		}
		seen := protocol.At(time.Now())
		want(t, "sweep", d.Sweep(ctx), "ok")
		time.Sleep(time.Minute)
		d.restart()
		if list, err := d.List(ctx); err != nil || list.Paired[0].LastSeenAt != seen {
			t.Errorf("after a restart: %+v, %v; want seen at %v", list.Paired, err, seen)
		}
	})
}

func TestSignIn(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		who := from("192.0.2.1")
		device, err := d.SignIn(ctx, who)
		if err != nil || device.Role != protocol.Admin || device.UserID != "admin" ||
			device.Kind != pairing.SignedIn || device.Label == "" {
			t.Fatalf("signed in: %+v, %v", device, err)
		}
		d.restart()
		if got, err := d.Authenticate(ctx, who.Secret); err != nil ||
			got.DeviceID != device.DeviceID {
			t.Errorf("after a restart: %+v, %v", got, err)
		}
		if st, err := d.Status(ctx, who.Secret); err != nil ||
			st != (protocol.PairingStatus{Status: "approved"}) {
			t.Errorf("status: %+v, %v", st, err)
		}
		_, err = d.SignIn(ctx, who)
		want(t, "a second sign-in with one credential", err, "ALREADY_EXISTS")
		_, err = d.SignIn(ctx, pairing.Requester{Secret: "gd_short"})
		want(t, "a sign-in with a bad credential", err, "INVALID_REQUEST")

		d.token = "token two"
		for _, swept := range []bool{false, true} {
			_, err = d.Authenticate(ctx, who.Secret)
			want(t, "after the token has changed", err, "NOT_PAIRED revoked")
			_, err = d.Request(ctx, who)
			want(t, "a request after the token has changed", err, "NOT_PAIRED revoked")
			if list, err := d.List(ctx); err != nil || len(list.Paired) != 0 {
				t.Errorf("swept %v: listed: %+v, %v", swept, list.Paired, err)
			}
			want(t, "sweep", d.Sweep(ctx), "ok")
		}
		if got := d.notifications(); !slices.Equal(got, []string{"revoked " + device.DeviceID}) {
			t.Errorf("got the notifications %q", got)
		}
		d.token = "token one"
		_, err = d.Authenticate(ctx, who.Secret)
		want(t, "after a sweep has revoked the sign-in", err, "NOT_PAIRED revoked")
		d.token = ""
		_, err = d.SignIn(ctx, from("192.0.2.1"))
		want(t, "a sign-in without a gateway token", err, "FAILED_PRECONDITION")
	})
}

func TestSignOut(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		signedIn, paired, asking := from("192.0.2.1"), from("192.0.2.2"), from("192.0.2.3")
		if _, err := d.SignIn(ctx, signedIn); err != nil {
			t.Fatal(err)
		}
		d.approve(protocol.DeviceApproveParams{Code: d.request(paired).Code})
		code := d.request(asking).Code
		d.notifications()
		for secret, status := range map[string]string{
			signedIn.Secret: "NOT_PAIRED revoked", paired.Secret: "NOT_PAIRED revoked",
			asking.Secret:           "NOT_PAIRED expired",
			pairing.NewCredential(): "NOT_PAIRED unknown", "nonsense": "NOT_PAIRED unknown",
		} {
			for range 2 {
				want(t, "sign out", d.SignOut(ctx, secret), "ok")
				_, err := d.Authenticate(ctx, secret)
				want(t, "a credential that has signed out", err, status)
			}
		}
		if got := d.notifications(); len(got) != 3 {
			t.Errorf("got the notifications %q, want three", got)
		}
		_, err := d.Approve(ctx, "admin", protocol.DeviceApproveParams{Code: code})
		want(t, "an approval of a withdrawn request", err, "FAILED_PRECONDITION")
		_, err = d.Request(ctx, from("192.0.2.3"))
		want(t, "a new request after a withdrawn one", err, "ok")
	})
}

func TestPruning(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		denied, expired, revoked, kept := from("192.0.2.1"), from("192.0.2.2"), from("192.0.2.3"), from("192.0.2.4")
		d.request(expired)
		want(t, "deny", d.Deny(ctx, "admin", d.request(denied).Code), "ok")
		want(t, "revoke", d.Revoke(ctx, "admin",
			d.approve(protocol.DeviceApproveParams{Code: d.request(revoked).Code}).Device.DeviceID, nil), "ok")
		d.approve(protocol.DeviceApproveParams{Code: d.request(kept).Code})
		status := func(who pairing.Requester) string {
			_, err := d.Authenticate(ctx, who.Secret)
			return strings.TrimPrefix(answer(err), "NOT_PAIRED ")
		}
		for _, c := range []struct {
			wait time.Duration
			want string
		}{
			{time.Hour, "denied expired revoked ok"},
			{24 * time.Hour, "denied expired revoked ok"},
			{time.Millisecond, "denied unknown revoked ok"},
			{29*24*time.Hour - time.Hour, "unknown unknown unknown ok"},
		} {
			time.Sleep(c.wait)
			want(t, "sweep", d.Sweep(ctx), "ok")
			if got := strings.Join([]string{status(denied), status(expired), status(revoked),
				status(kept)},
				" "); got != c.want {
				t.Errorf("after another %v they are %s, want %s", c.wait, got, c.want)
			}
		}
	})
}

func TestHostileRequester(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		for _, secret := range []string{"", "gd_", strings.Repeat("a", 1<<16), "gd_' OR 1=1 --",
			"gd_\x00"} {
			_, err := d.Request(ctx,
				pairing.Requester{Secret: secret, Address: netip.MustParseAddr("192.0.2.1")})
			want(t, "a request with a malformed credential", err, "INVALID_REQUEST")
			_, err = d.Authenticate(ctx, secret)
			want(t, "a malformed credential", err, "NOT_PAIRED unknown")
			_, err = d.Status(ctx, secret)
			want(t, "a malformed credential's status", err, "NOT_PAIRED unknown")
		}
		p := d.request(pairing.Requester{
			Secret:     pairing.NewCredential(), // no address
			DeviceName: "\u202e<script>\x00" + strings.Repeat("x", 10_000), UserAgent: "\x1b[2J\n" +
				strings.Repeat("y", 10_000),
		})
		if strings.ContainsAny(p.DeviceName+p.UserAgent, "<>\x00\x1b\n\u202e") ||
			len(p.DeviceName) > 80 || len(p.UserAgent) > 256 || p.Address != "unknown" {
			t.Errorf("pending: %+v", p)
		}
	})
}

// If several admins approve and deny one code at the same time, one succeeds.
func TestDecisionRaces(t *testing.T) {
	t.Parallel()
	d := newTestService(t, t.TempDir())
	ctx := t.Context()
	for round := range 20 {
		who := from(fmt.Sprintf("192.0.2.%d", round))
		p := d.request(who)
		d.notifications()
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				if i%2 == 0 {
					_, errs[i] = d.Approve(ctx, "admin", protocol.DeviceApproveParams{Code: p.Code})
				} else {
					errs[i] = d.Deny(ctx, "admin", p.Code)
				}
			})
		}
		wg.Wait()
		won, status := 0, ""
		for i, err := range errs {
			if err == nil {
				won++
				status = []string{"approved", "denied"}[i%2]
				continue
			}
			want(t, "a later decision", err, "FAILED_PRECONDITION")
		}
		if st, err := d.Status(ctx, who.Secret); won != 1 || err != nil || st.Status != status {
			t.Errorf("%d decisions succeeded, the last with %s; the status is %s, %v", won, status,
				st.Status, err)
		}
		if got := d.notifications(); !slices.Equal(got, []string{status + " " + p.DeviceID}) {
			t.Errorf("got the notifications %q", got)
		}
	}
}

// Simultaneous requests with one credential create one request. Of simultaneous requests
// from one address, three succeed.
func TestRequestRaces(t *testing.T) {
	t.Parallel()
	d := newTestService(t, t.TempDir())
	same := from("192.0.2.1")
	codes, others := make([]string, 8), make([]string, 8)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			p, err := d.Request(t.Context(), same)
			codes[i] = p.Code
			want(t, "one of many requests with one credential", err, "ok")
		})
		wg.Go(func() {
			_, err := d.Request(t.Context(), from("192.0.2.2"))
			others[i] = answer(err)
		})
	}
	wg.Wait()
	slices.Sort(codes)
	slices.Sort(others)
	if len(slices.Compact(codes)) != 1 {
		t.Errorf("one credential has the codes %q", codes)
	}
	if slices.Index(others, "ok") != 5 {
		t.Errorf("the requests of one address were answered %q", others)
	}
}

// failingStore is a store that fails.
type failingStore struct{ err error }

func (b failingStore) Update(context.Context, func(pairing.Tx) error) error { return b.err }
func (b failingStore) View(context.Context, func(pairing.Tx) error) error   { return b.err }

func TestStoreFails(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	s := pairing.New(failingStore{cause},
		pairing.Options{Binding: func() string { return "token" },
			Settings: setting.Fixed(pairing.Settings{MaxPending: 1000})})
	ctx := t.Context()
	who := from("192.0.2.1")
	for name, call := range map[string]func() error{
		"Authenticate": func() error { _, err := s.Authenticate(ctx, who.Secret); return err },
		"Request":      func() error { _, err := s.Request(ctx, who); return err },
		"Status":       func() error { _, err := s.Status(ctx, who.Secret); return err },
		"SignIn":       func() error { _, err := s.SignIn(ctx, who); return err },
		"SignOut":      func() error { return s.SignOut(ctx, who.Secret) },
		"List":         func() error { _, err := s.List(ctx); return err },
		"Pending":      func() error { _, _, err := s.Pending(ctx, "ABCD2345"); return err },
		"History":      func() error { _, err := s.History(ctx, 1); return err },
		"Approve": func() error {
			_, err := s.Approve(ctx, "admin", protocol.DeviceApproveParams{Code: "ABCD2345"})
			return err
		},
		"Deny":   func() error { return s.Deny(ctx, "admin", "ABCD2345") },
		"Revoke": func() error { return s.Revoke(ctx, "admin", "dev-1", nil) },
		"Sweep":  func() error { return s.Sweep(ctx) },
	} {
		err := call()
		want(t, name, err, "UNAVAILABLE")
		var refusal *protocol.Error
		if !errors.Is(err, cause) || !errors.As(err, &refusal) || !refusal.Retryable ||
			strings.Contains(refusal.Message, "fire") {
			t.Errorf("%s: %v; want the cause in the error and not in the refusal", name, err)
		}
	}
}

// A change that waits for another change stops waiting when its context is done.
func TestChangeStopsWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := pairing.New(hangingStore{},
			pairing.Options{Settings: setting.Fixed(pairing.Settings{MaxPending: 1000})})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		errs := make(chan error)
		for range 2 {
			go func() { errs <- s.Deny(ctx, "admin", "ABCD2345") }()
		}
		for range 2 {
			want(t, "a change in a store that hangs", <-errs, "UNAVAILABLE")
		}
	})
}

// hangingStore is a store that hangs until the context is done.
type hangingStore struct{}

func (hangingStore) Update(ctx context.Context, _ func(pairing.Tx) error) error {
	<-ctx.Done()
	return ctx.Err()
}
func (hangingStore) View(ctx context.Context, fn func(pairing.Tx) error) error {
	return hangingStore{}.Update(ctx, fn)
}
