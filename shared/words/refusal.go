package words

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// Refusal returns why the gateway refused a connection, for its user. The error's own
// sentence is for developers and administrators.
func Refusal(err *protocol.Error) string {
	status := ""
	if err.Details != nil {
		status = err.Details.Status
	}
	switch err.Code {
	case protocol.Unauthorized, protocol.Forbidden:
		return "This browser was signed out"
	case protocol.FailedPrecondition:
		return "An admin closed this connection"
	case protocol.NotPaired:
		switch status {
		case protocol.PairingDenied:
			return "The request was denied"
		case protocol.PairingExpired:
			return "The code has expired"
		case protocol.PairingRevoked:
			return "Access was revoked"
		}
		return "This browser is not approved"
	case protocol.InvalidRequest:
		return "Gatehouse was updated: reload the page"
	}
	return "The gateway refused the connection"
}
