package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// logged gives the lines of an event in the log.
func (gw *testGateway) logged(event string) (lines []string) {
	for line := range strings.Lines(gw.Log.String()) {
		if strings.Contains(line, " msg="+event+" ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestSecurityEventsAreLoggedOnce checks that each event has one line, which says who did
// what and has no secret: operators search for these lines.
func TestSecurityEventsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin, _ := gw.admin(t, "boss"), gw.admin(t, "another")
	ask := func() (r protocol.ConnectResult) {
		c := gw.dial(t, nil)
		c.Read(c.OK(protocol.MethodConnect, ""), &r)
		return r
	}
	approved, denied := ask(), ask()
	var let protocol.DeviceApproveResult
	admin.Read(admin.OK(protocol.MethodDeviceApprove,
		`{"code":"`+approved.PairingCode+`","userId":"ann"}`), &let)
	admin.OK(protocol.MethodDeviceDeny, `{"code":"`+denied.PairingCode+`"}`)
	guest := gw.dial(t, nil)
	guest.OK(protocol.MethodConnect, `{"sender_id":"`+approved.SenderID+`"}`)
	var there protocol.ClientsListResult
	admin.Read(admin.OK(protocol.MethodClientsList, ""), &there)
	for _, c := range there.Clients {
		if c.UserID == "ann" {
			admin.OK(protocol.MethodClientsDisconnect, fmt.Sprintf(`{"id":%q}`, c.ID))
		}
	}
	admin.OK(protocol.MethodDeviceRevoke, `{"deviceId":"`+let.Paired.DeviceID+`"}`)
	wrong := gw.dial(t, nil)
	wrong.Refused(protocol.Unauthorized, "invalid token", protocol.MethodConnect,
		`{"token":"a-wrong-token-of-this-test"}`)
	for event, words := range map[string][]string{
		"security.pairing_requested": {"address=127.0.0.1", "device=dev-"},
		"security.pairing_approved": {"by=boss", "device=" + let.Paired.DeviceID, "user=ann",
			"role=operator"},
		"security.pairing_denied":      {"by=boss", "device=dev-"},
		"security.pairing_revoked":     {"by=boss", "device=" + let.Paired.DeviceID},
		"security.client_disconnected": {"by=boss", "connection="},
		"security.token_rejected":      {"address=127.0.0.1"},
	} {
		want, lines := 1, gw.logged(event)
		if event == "security.pairing_requested" {
			want = 2 // two browsers asked
		}
		if len(lines) != want {
			t.Errorf("%d lines of %s, want %d: %q", len(lines), event, want, lines)
		}
		for _, line := range lines {
			for _, w := range words {
				if !strings.Contains(line, w) {
					t.Errorf("%q does not say %q", line, w)
				}
			}
		}
	}
	for _, secret := range []string{"a-wrong-token-of-this-test", approved.SenderID, denied.SenderID,
		httpdtest.Token} {
		if strings.Contains(gw.Log.String(), secret) {
			t.Errorf("the log has the secret %.12s…", secret)
		}
	}
}

// TestFailuresAreLoggedWithinBounds checks that the log gets a bounded number of lines
// about failed requests: while the store is unavailable, every request fails.
func TestFailuresAreLoggedWithinBounds(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	before := time.Now()
	for range 5000 {
		_ = gw.Gateway.Refusal(fmt.Errorf("read: %w", store.ErrUnavailable))
		_ = gw.Gateway.Refusal(fmt.Errorf("read: %w", protocol.Refuse(protocol.Unavailable, "later")))
	}
	most := 61 + int(time.Since(before)/time.Second)
	if n := strings.Count(gw.Log.String(), "msg=\"request "); n < 60 || n > most {
		t.Errorf("%d lines for 10,000 failures", n)
	}
}
