package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// asks has a program ask for pairing from the address.
func (gw *testGateway) asks(t testing.TB, address string) (*client, protocol.ConnectResult) {
	t.Helper()
	c := gw.dial(t, from(address))
	var asked protocol.ConnectResult
	c.Read(c.OK(protocol.MethodConnect, `{}`), &asked)
	return c, asked
}

// pending lists the pending pairings, with these params.
func pending(admin *client, params string) []protocol.PendingDevice {
	var list protocol.DeviceListResult
	admin.Read(admin.OK(protocol.MethodDeviceList, params), &list)
	return list.Pending
}

// TestFindByCode finds a pairing by its code, as people type it.
func TestFindByCode(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	_, asked := gw.asks(t, "192.0.2.1")
	gw.asks(t, "192.0.2.2")
	code := asked.PairingCode
	for _, typed := range []string{code, strings.ToLower(code), code[:4] + " " + code[4:],
		" " + code[:4] + "-" + code[4:] + " "} {
		if got := pending(admin, `{"code":"`+typed+`"}`); len(got) != 1 || got[0].Code != code {
			t.Errorf("%q: %+v", typed, got)
		}
	}
	if got := pending(admin, `{"code":"AAAA AAAA"}`); len(got) != 0 {
		t.Errorf("an unknown code: %+v", got)
	}
	if got := pending(admin, `{}`); len(got) != 2 {
		t.Errorf("without a code: %+v", got)
	}
	admin.Refused(protocol.InvalidRequest, "code must be the 8 characters", protocol.MethodDeviceList,
		`{"code":"ABC"}`)
}

// TestEveryDecisionHasATarget approves and denies codes whatever became of their requests,
// and checks that each audit line about that names what it was done to.
func TestEveryDecisionHasATarget(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	_, approved := gw.asks(t, "192.0.2.1")
	_, denied := gw.asks(t, "192.0.2.2")
	device := map[string]string{}
	for _, p := range pending(admin, "") {
		device[p.Code] = audit.Device(p.DeviceID)
	}
	for _, step := range []struct {
		method, code string
		target       string
		ok           bool
	}{
		{protocol.MethodDeviceApprove, approved.PairingCode, device[approved.PairingCode], true},
		{protocol.MethodDeviceDeny, denied.PairingCode, device[denied.PairingCode], true},
		{protocol.MethodDeviceApprove, approved.PairingCode, device[approved.PairingCode], false},
		{protocol.MethodDeviceApprove, strings.ToLower(denied.PairingCode), device[denied.PairingCode], false},
		{protocol.MethodDeviceDeny, approved.PairingCode, device[approved.PairingCode], false},
		{protocol.MethodDeviceApprove, "abcd-efgh", "code:ABCDEFGH", false},
		{protocol.MethodDeviceDeny, "ABCDEFGH", "code:ABCDEFGH", false},
	} {
		if f := admin.Call(step.method, `{"code":"`+step.code+`"}`); f.OK != step.ok {
			t.Errorf("%s %s: %+v", step.method, step.code, f)
		}
		lines := gw.auditEntries(t)
		if last := lines[len(lines)-1]; last.Target != step.target || (last.Outcome == "done") != step.ok {
			t.Errorf("%s %s is audited as %+v, want the target %s", step.method, step.code, last, step.target)
		}
	}
	before := len(gw.auditEntries(t))
	for _, wrong := range []string{`{}`, `{"code":""}`, `{"code":"ABC"}`,
		`{"code":"ABCDEFGH","left":true}`, `{"network":"10.0.0.1","left":true}`, `{"network":"x"}`} {
		admin.Refused(protocol.InvalidRequest, "", protocol.MethodDeviceDeny, wrong)
	}
	admin.Refused(protocol.InvalidRequest, "code must be", protocol.MethodDeviceApprove, `{"code":"ABC"}`)
	for _, method := range []string{protocol.MethodDeviceRevoke, protocol.MethodKeysRevoke,
		protocol.MethodClientsDisconnect} {
		admin.Refused(protocol.InvalidRequest, "", method, `{}`)
	}
	if lines := gw.auditEntries(t)[before:]; len(lines) > 0 {
		t.Errorf("calls that name nothing are audited: %+v", lines)
	}
}

// TestDenyAllOfANetwork denies the requests of a network, and those that have left.
func TestDenyAllOfANetwork(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	var theirs []*client
	for range 3 {
		c, _ := gw.asks(t, "192.0.2.7")
		theirs = append(theirs, c)
	}
	other, asked := gw.asks(t, "192.0.2.8")
	before := len(gw.auditEntries(t))
	var denied protocol.DeviceDenyResult
	network := pending(admin, "")[0].Network
	if admin.Read(admin.OK(protocol.MethodDeviceDeny, `{"network":"`+network+`"}`), &denied); denied !=
		(protocol.DeviceDenyResult{Denied: true, Count: 3}) {
		t.Errorf("denied %s: %+v", network, denied)
	}
	for _, c := range theirs {
		var status protocol.DeviceResolved
		if c.Read(protocol.Frame{OK: true, Payload: c.Event(protocol.EventDeviceResolved).Payload}, &status); status.Status != protocol.PairingDenied {
			t.Errorf("a requester was told %+v", status)
		}
	}
	lines := gw.auditEntries(t)[before:]
	if len(lines) != 3 || slices.ContainsFunc(lines, func(e protocol.AuditEntry) bool {
		return e.Action != audit.PairingDeny || !strings.HasPrefix(e.Target, "device:dev-") ||
			e.Detail != "all of "+network
	}) {
		t.Errorf("audited as %+v", lines)
	}
	if got := pending(admin, ""); len(got) != 1 || got[0].Code != asked.PairingCode {
		t.Errorf("pending: %+v", got)
	}
	if admin.Read(admin.OK(protocol.MethodDeviceDeny, `{"left":true}`), &denied); denied.Count != 0 {
		t.Errorf("somebody who waits is denied: %+v", denied)
	}
	other.OK(protocol.MethodPairingStatus, "")
	admin.OK(protocol.MethodDeviceDeny, `{"network":"198.51.100.0/24"}`)
	gw.dial(t, from("198.51.100.9")).Refused(protocol.ResourceExhausted, "an admin has just denied",
		protocol.MethodConnect, `{}`)
}

// TestRequesterLeaves checks that admins learn at once that a requester has left, and that
// it is back; a page that reloads has not left.
func TestRequesterLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := httpdtest.New(t, httpdtest.Options{})
		server := conntest.Serve(t, gw)
		dial := func() *httpdtest.Client { return httpdtest.NewClient(t, server.Dial(t, "/ws", nil)) }
		admin, requester := dial(), dial()
		admin.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`"}`)
		var asked protocol.ConnectResult
		requester.Read(requester.OK(protocol.MethodConnect, `{}`), &asked)
		told := func() (p protocol.PendingDevice) {
			t.Helper()
			admin.Read(protocol.Frame{OK: true, Payload: admin.Event(protocol.EventDeviceRequested).Payload}, &p)
			if p.Code != asked.PairingCode {
				t.Fatalf("another code: %+v", p)
			}
			return p
		}
		if told().Left {
			t.Error("a new requester has left")
		}
		again := fmt.Sprintf(`{"sender_id":%q}`, asked.SenderID)
		requester.Leave() // as a page that reloads
		time.Sleep(2 * time.Second)
		requester = dial()
		requester.OK(protocol.MethodConnect, again)
		time.Sleep(5 * time.Second)
		requester.OK(protocol.MethodPairingStatus, "")

		left := time.Now()
		requester.Leave()
		if p := told(); !p.Left || time.Since(left) > 4*time.Second {
			t.Errorf("%v later: %+v", time.Since(left), p)
		}
		var list protocol.DeviceListResult
		if admin.Read(admin.OK(protocol.MethodDeviceList, ""), &list); len(list.Pending) != 1 || !list.Pending[0].Left {
			t.Errorf("listed: %+v", list.Pending)
		}
		requester = dial()
		requester.OK(protocol.MethodConnect, again)
		if told().Left {
			t.Error("who is back has left")
		}
		requester.Leave()
		told()
		var denied protocol.DeviceDenyResult
		if admin.Read(admin.OK(protocol.MethodDeviceDeny, `{"left":true}`), &denied); denied.Count != 1 {
			t.Errorf("denied: %+v", denied)
		}
	})
}

// TestJoined checks that a user who is known by a chat, an API key or the gateway token
// alone has existed before, in the log, and is among the known users.
func TestJoined(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	boss := gw.admin(t, "boss")
	gw.key(t, protocol.Operator, "keyed")
	open(gw.admin(t, "chatting"), "k")
	for i, user := range []string{"keyed", "chatting", "admin", "nobody"} {
		_, asked := gw.asks(t, fmt.Sprintf("192.0.2.%d", i+1))
		boss.OK(protocol.MethodDeviceApprove, `{"code":"`+asked.PairingCode+`","userId":"`+user+`"}`)
		line := fmt.Sprintf("user=%s role=operator joined=%v", user, user != "nobody")
		if log := gw.Log.String(); !strings.Contains(log, line) {
			t.Errorf("no %q in the log", line)
		}
	}
	var list protocol.DeviceListResult
	boss.Read(boss.OK(protocol.MethodDeviceList, ""), &list)
	var users []string
	for _, u := range list.Users {
		users = append(users, u.UserID)
	}
	if want := []string{"admin", "chatting", "keyed", "nobody"}; !slices.Equal(users, want) {
		t.Errorf("users: %q, want %q", users, want)
	}
	if d := list.Paired[0]; d.PairedAt < d.CreatedAt {
		t.Errorf("paired at %v, asked at %v", d.PairedAt, d.CreatedAt)
	}
}

// TestNoPairing checks that a client without a credential can say that it asks for no pairing.
func TestNoPairing(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	c := gw.dial(t, from("192.0.2.1"))
	c.Refused(protocol.Unauthorized, "no credential", protocol.MethodConnect, `{"no_pairing":true}`)
	if got := pending(admin, ""); len(got) != 0 {
		t.Errorf("pending: %+v", got)
	}
	c.OK(protocol.MethodConnect, `{"no_pairing":true,"token":"`+httpdtest.Token+`"}`)
	gw.dial(t, from("192.0.2.1")).OK(protocol.MethodConnect, `{"no_pairing":false}`)
}
