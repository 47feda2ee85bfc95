package words

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestRefusal checks that no refusal shows a code or the words of the protocol.
func TestRefusal(t *testing.T) {
	t.Parallel()
	pairing := func(status string) *protocol.Error {
		return &protocol.Error{Code: protocol.NotPaired, Message: "NOT_PAIRED: " + status,
			Details: &protocol.ErrorDetails{Status: status}}
	}
	refuse := func(code protocol.Code) *protocol.Error {
		return protocol.Refuse(code, "pairing revoked")
	}
	for _, row := range []struct {
		err  *protocol.Error
		want string
	}{
		{refuse(protocol.Unauthorized), "This browser was signed out"},
		{refuse(protocol.Forbidden), "This browser was signed out"},
		{refuse(protocol.FailedPrecondition), "An admin closed this connection"},
		{refuse(protocol.NotPaired), "This browser is not approved"},
		{pairing("unknown"), "This browser is not approved"},
		{pairing(protocol.PairingDenied), "The request was denied"},
		{pairing(protocol.PairingExpired), "The code has expired"},
		{pairing(protocol.PairingRevoked), "Access was revoked"},
		{refuse(protocol.InvalidRequest), "Gatehouse was updated: reload the page"},
		{refuse(protocol.NotFound), "The gateway refused the connection"},
		{&protocol.Error{}, "The gateway refused the connection"},
	} {
		if got := Refusal(row.err); got != row.want {
			t.Errorf("%v: %q, want %q", row.err, got, row.want)
		}
	}
}
