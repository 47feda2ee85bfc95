package audit

import "slices"

// The actions.
const (
	SignIn         = "sign_in"
	SignOut        = "sign_out"
	WrongTokens    = "token.rejected" // at most one entry a minute and address
	PairingApprove = "pairing.approve"
	PairingDeny    = "pairing.deny"
	DeviceRevoke   = "device.revoke"
	KeyCreate      = "key.create"
	KeyRevoke      = "key.revoke"
	Disconnect     = "client.disconnect"
	Reload         = "config.reload"

	// Actions on sessions of other users. Reads have at most one entry in ten minutes.
	SessionsList  = "sessions.list"
	SessionRead   = "session.read"   // read the transcript or the events
	SessionWatch  = "session.watch"  // follow the session live
	SessionSend   = "session.send"   // send a message
	SessionRetry  = "session.retry"  // retry an answer
	SessionInject = "session.inject" // add a note
	SessionAbort  = "session.abort"  // stop an answer
	SessionPatch  = "session.patch"  // change the label or the pin
	SessionDelete = "session.delete"
	SessionReset  = "session.reset"
	MediaRead     = "media.read"   // read a file
	MediaAttach   = "media.attach" // attach a file to a message
	MediaDelete   = "media.delete"

	LogExport      = "audit.export" // export this log as a file
	LogPrune       = "audit.prune"  // remove entries older than the retention
	GatewayStarted = "gateway.started"
	GatewayStopped = "gateway.stopped"
)

// actions are all actions, in the order in which lists show them.
var actions = []string{
	SignIn, SignOut, WrongTokens, PairingApprove, PairingDeny, DeviceRevoke, KeyCreate, KeyRevoke,
	Disconnect, Reload,
	SessionsList, SessionRead, SessionWatch, SessionSend, SessionRetry, SessionInject, SessionAbort,
	SessionPatch, SessionDelete, SessionReset, MediaRead, MediaAttach, MediaDelete,
	LogExport, LogPrune, GatewayStarted, GatewayStopped,
}

// Actions returns all actions.
func Actions() []string { return slices.Clone(actions) }
