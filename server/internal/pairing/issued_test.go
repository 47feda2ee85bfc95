package pairing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// inCookie returns a requester whose credential, one that was issued, is in a cookie.
func inCookie(d *testService, address string) pairing.Requester {
	who := from(address)
	who.Secret, who.InCookie = d.Issue(), true
	return who
}

// renew returns the credential that the requester's browser has after it has asked.
func (d *testService) renew(who pairing.Requester) pairing.Requester {
	d.t.Helper()
	secret, err := d.Renew(d.t.Context(), who.Secret)
	if err != nil {
		d.t.Fatal(err)
	}
	who.Secret = secret
	return who
}

// TestRenewWhilePending checks that a browser gets a new credential whenever it asks, keeps
// its code, and that the credential before is worth nothing after that.
func TestRenewWhilePending(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		first := inCookie(d, "192.0.2.1")
		if !d.Issued(first.Secret) || d.Issued(pairing.NewCredential()) {
			t.Error("Issued does not know which credentials were issued")
		}
		p := d.request(first)
		unused, second := d.renew(first), d.renew(first)
		if second.Secret == first.Secret || second.Secret == unused.Secret ||
			!pairing.ValidCredential(second.Secret) {
			t.Fatalf("renewed: %q", second.Secret)
		}
		// The answer may be lost, so the old one stays valid until the new one is used.
		if again := d.request(first); again.Code != p.Code {
			t.Errorf("another code: %s, want %s", again.Code, p.Code)
		}
		d.notifications()
		if again := d.request(second); again.Code != p.Code || again.DeviceID != p.DeviceID {
			t.Errorf("another request: %+v, want %+v", again, p)
		}
		if got := d.notifications(); !slices.Equal(got, []string{"renewed " + p.DeviceID}) {
			t.Errorf("got the notifications %q", got)
		}
		for name, who := range map[string]pairing.Requester{"old": first, "unused": unused} {
			_, err := d.Status(ctx, who.Secret)
			want(t, "the "+name+" credential", err, "NOT_PAIRED unknown")
			if secret, err := d.Renew(ctx, who.Secret); secret != "" || err != nil {
				t.Errorf("the %s credential is renewed: %q, %v", name, secret, err)
			}
		}
		d.restart()
		if again := d.request(second); again.Code != p.Code {
			t.Errorf("after a restart: %+v", again)
		}
	})
}

// TestRenewOnceApproved checks that the credential changes at the approval, and stays then.
func TestRenewOnceApproved(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		ctx := t.Context()
		before := inCookie(d, "192.0.2.1")
		d.approve(protocol.DeviceApproveParams{Code: d.request(before).Code, UserID: "ann"})
		if got, err := d.Authenticate(ctx, before.Secret); err != nil || !got.Renew {
			t.Errorf("approved: %+v, %v", got, err)
		}
		after, other := d.renew(before), d.renew(before)
		if got, err := d.Authenticate(ctx, after.Secret); err != nil || got.UserID != "ann" || got.Renew {
			t.Errorf("renewed: %+v, %v", got, err)
		}
		_, err := d.Authenticate(ctx, before.Secret)
		want(t, "the credential before", err, "NOT_PAIRED unknown")
		if again := d.renew(after); again != after {
			t.Error("the credential changes once more")
		}
		// The cookie may be that of another tab's answer.
		time.Sleep(time.Minute - time.Second)
		if got, err := d.Authenticate(ctx, other.Secret); err != nil || got.UserID != "ann" {
			t.Errorf("another tab's: %+v, %v", got, err)
		}
		_, err = d.Authenticate(ctx, after.Secret)
		want(t, "the first tab's", err, "NOT_PAIRED unknown")
		time.Sleep(time.Hour)
		if again := d.renew(other); again != other {
			t.Error("the credential changes later")
		}
		d.restart()
		if _, err := d.Authenticate(ctx, other.Secret); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	})
}

// TestRenewKeeps checks which credentials do not change: those of approved programs, of
// sign-ins and of devices without access.
func TestRenewKeeps(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		approved, denied := from("192.0.2.2"), inCookie(d, "192.0.2.3")
		signedIn, revoked := from("192.0.2.4"), inCookie(d, "192.0.2.5")
		d.approve(protocol.DeviceApproveParams{Code: d.request(approved).Code})
		want(t, "deny", d.Deny(t.Context(), "admin", d.request(denied).Code), "ok")
		if _, err := d.SignIn(t.Context(), signedIn); err != nil {
			t.Fatal(err)
		}
		a := d.approve(protocol.DeviceApproveParams{Code: d.request(revoked).Code})
		want(t, "revoke", d.Revoke(t.Context(), "admin", a.Device.DeviceID, nil), "ok")
		for i, who := range []pairing.Requester{approved, denied, signedIn, revoked} {
			if again := d.renew(who); again != who {
				t.Errorf("credential %d was changed", i)
			}
		}
		for _, none := range []string{"", "x", pairing.NewCredential(), d.Issue()} {
			if got, err := d.Renew(t.Context(), none); got != "" || err != nil {
				t.Errorf("%q is renewed: %q, %v", none, got, err)
			}
		}
	})
}

// TestRenewOfAProgramsRequest checks that a browser with the credential of a program's
// request gets another one, and one more at the approval: a pending request is either a
// program's, whose credential was planted into the browser, or the browser's own, from
// before an upgrade.
func TestRenewOfAProgramsRequest(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		program := from("192.0.2.1")
		p := d.request(program)
		browser := d.renew(program)
		browser.InCookie = true
		if browser.Secret == program.Secret {
			t.Fatal("the credential is kept")
		}
		if again := d.request(browser); again.Code != p.Code {
			t.Errorf("another code: %s, want %s", again.Code, p.Code)
		}
		d.approve(protocol.DeviceApproveParams{Code: p.Code, UserID: "ann"})
		_, err := d.Authenticate(t.Context(), program.Secret)
		want(t, "the program", err, "NOT_PAIRED unknown")
		after := d.renew(browser)
		if got, err := d.Authenticate(t.Context(), after.Secret); err != nil || got.UserID != "ann" ||
			after.Secret == browser.Secret {
			t.Errorf("the browser is %+v, %v", got, err)
		}
	})
}

// TestIssuedExpires checks that an issued credential is forgotten after an hour, and that
// floods forget only the oldest.
func TestIssuedExpires(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		first := d.Issue()
		time.Sleep(time.Hour - time.Second)
		second := d.Issue()
		if !d.Issued(first) {
			t.Error("it is forgotten too early")
		}
		time.Sleep(time.Second)
		if d.Issued(first) || !d.Issued(second) {
			t.Error("it is known for too long, or the other one too shortly")
		}
		who := inCookie(d, "192.0.2.1")
		d.request(who)
		for range 100 { // of one device, few are remembered
			d.renew(who)
		}
		if !d.Issued(second) {
			t.Error("one device's renewals push out others")
		}
		for range 1<<16 - 1 {
			d.Issue()
		}
		if third := d.Issue(); d.Issued(second) || !d.Issued(third) {
			t.Error("a flood does not push out the oldest")
		}
	})
}

// TestSignOutWithRenewedCredential checks that a browser can sign out with the credential
// that it has just got.
func TestSignOutWithRenewedCredential(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		before := inCookie(d, "192.0.2.1")
		d.approve(protocol.DeviceApproveParams{Code: d.request(before).Code})
		after := d.renew(before)
		want(t, "sign out", d.SignOut(t.Context(), after.Secret), "ok")
		_, err := d.Authenticate(t.Context(), after.Secret)
		want(t, "the new credential", err, "NOT_PAIRED revoked")
		_, err = d.Authenticate(t.Context(), before.Secret)
		want(t, "the old credential", err, "NOT_PAIRED unknown")
	})
}
