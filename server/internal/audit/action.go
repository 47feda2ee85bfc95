package audit

import "slices"

// What lines tell of.
const (
	SignIn         = "sign_in"
	SignOut        = "sign_out"
	WrongTokens    = "token.rejected" // told once a minute an address
	PairingApprove = "pairing.approve"
	PairingDeny    = "pairing.deny"
	DeviceRevoke   = "device.revoke"
	KeyCreate      = "key.create"
	KeyRevoke      = "key.revoke"
	Disconnect     = "client.disconnect"
	Reload         = "config.reload"

	// Of sessions that are not the actor's own.
	SessionsList  = "sessions.list"  // told once in ten minutes, as is all that only reads
	SessionRead   = "session.read"   // its transcript or its events
	SessionWatch  = "session.watch"  // live
	SessionSend   = "session.send"   // a message
	SessionRetry  = "session.retry"  // an answer
	SessionInject = "session.inject" // a note
	SessionAbort  = "session.abort"  // an answer
	SessionPatch  = "session.patch"  // its label or pin
	SessionDelete = "session.delete"
	SessionReset  = "session.reset"
	MediaRead     = "media.read"   // a file
	MediaAttach   = "media.attach" // to a message
	MediaDelete   = "media.delete"

	LogExport      = "audit.export" // this log, as a file
	LogPrune       = "audit.prune"  // lines beyond the retention were removed
	GatewayStarted = "gateway.started"
	GatewayStopped = "gateway.stopped"
)

// actions is all of them, in the order of lists.
var actions = []string{
	SignIn, SignOut, WrongTokens, PairingApprove, PairingDeny, DeviceRevoke, KeyCreate, KeyRevoke, Disconnect, Reload,
	SessionsList, SessionRead, SessionWatch, SessionSend, SessionRetry, SessionInject, SessionAbort, SessionPatch,
	SessionDelete, SessionReset, MediaRead, MediaAttach, MediaDelete, LogExport, LogPrune, GatewayStarted, GatewayStopped,
}

// Actions gives every action that there is.
func Actions() []string { return slices.Clone(actions) }
