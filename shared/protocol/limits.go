package protocol

import "github.com/gatehouse-chat/gatehouse/shared/clock"

// Limits of the transport and of fields, in bytes unless a comment says otherwise.
const (
	MaxFrameBytes        = 512 << 10 // one frame in either direction; a larger one closes the connection
	MaxPendingFrameBytes = 16 << 10  // one frame before authentication
	MaxMessageBytes      = 256 << 10 // the text of one chat message
	MaxIDLength          = 128       // characters of a request id
	MaxUserIDLength      = 255
	MaxSessionKeyLength  = 255
	MaxSenderIDLength    = 128
	MaxLabelLength       = 120 // characters of a session's or device's label
	MaxDeviceNameLength  = 80  // characters
	MaxIdempotencyLength = 128
	MaxQueuedRuns        = 10  // queued runs of one session
	MaxResume            = 100 // cursors of one connect; MaxPendingFrameBytes limits their size
	MaxMedia             = 10  // files of one message
	PairingCodeLength    = 8

	DefaultHistoryLimit = 50
	MaxHistoryLimit     = 200
	DefaultListLimit    = 50
	MaxListLimit        = 200
	DefaultReplayLimit  = 500
	MaxReplayLimit      = 2000
)

// MediaPath is the prefix of the paths of uploaded files; the file's id follows.
const MediaPath = "/api/media/"

// PairingAlphabet has the characters of pairing codes: no 0, 1, I or O.
const PairingAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// Intervals and timeouts.
const (
	PingInterval  = 30 * clock.Second
	ReadTimeout   = 60 * clock.Second // since the last pong
	WriteTimeout  = 10 * clock.Second // for one frame
	HelloTimeout  = 10 * clock.Second // from the upgrade to connect
	TickInterval  = 15 * clock.Second
	PairingExpiry = 60 * clock.Minute
	RunLease      = 15 * clock.Second // a run whose lease was not renewed for this long has lost its process
)

// WebSocket close codes (RFC 6455 §7.4.1) and what a client should do.
const (
	CloseShutdown = 1001 // reconnect and resume
	ClosePolicy   = 1008 // do not reuse this credential
	CloseTooBig   = 1009 // do not resend that frame
	CloseTooSlow  = 1013 // reconnect and resume
)

// Reasons that accompany close codes.
const (
	ReasonRevoked    = "pairing revoked"
	ReasonSignedOut  = "signed out" // by the device itself
	ReasonKeyRevoked = "api key revoked"
	ReasonKeyExpired = "api key expired"
	ReasonTooSlow    = "too slow"
	ReasonRenewed    = "credential renewed: reconnect"
	// ReasonDisconnected: the credential is still valid, but the client should not
	// reconnect by itself.
	ReasonDisconnected = "disconnected by an admin"
	ReasonShutdown     = "shutting down"
	ReasonTooBig       = "frame over 512 KiB: split it, or upload files over HTTP"
)
