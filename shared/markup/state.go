package markup

// Values of data-page.
const (
	PageChat    = "chat"
	PagePairing = "pairing"
	PageLogin   = "login"
	PageAdmin   = "admin"
	PageNotice  = "notice"
)

// Values of data-boot.
const (
	BootLoading = "loading"
	BootReady   = "ready"
	BootFailed  = "failed"
	BootStopped = "stopped"
)

// Values of the root's data-state. Which page has which is told in the package
// documentation.
const (
	StateReady     = "ready"
	StateGone      = "gone"
	StateSignedOut = "signed-out"
	StateRevoked   = "revoked"

	StateConnecting  = "connecting"
	StateWaiting     = "waiting"
	StateApproved    = "approved"
	StateDenied      = "denied"
	StateExpired     = "expired"
	StateUnreachable = "unreachable"
	StatePairingOff  = "pairing-off"
	StateTooMany     = "too-many"

	StateForm         = "form"
	StateRedeeming    = "redeeming"
	StateLinkFailed   = "link-failed"
	StateTokenRefused = "token-refused"
	StateSuccess      = "success"
)

// Values of the connection pill's data-state.
const (
	LinkConnecting   = "connecting"
	LinkConnected    = "connected"
	LinkReconnecting = "reconnecting"
	LinkOffline      = "offline"
	LinkRefused      = "refused"
)

// Values of a message's data-status. The first six are the protocol's, the others
// are an own message's way to the server.
const (
	StatusQueued    = "queued"
	StatusStreaming = "streaming"
	StatusComplete  = "complete"
	StatusAborted   = "aborted"
	StatusFailed    = "failed"
	StatusWithdrawn = "withdrawn"

	StatusSending = "sending"
	StatusWaiting = "waiting"
	StatusUnsent  = "unsent"
)

// Values of data-state of smaller components.
const (
	SessionIdle    = "idle"
	SessionRunning = "running"

	ComposerIdle    = "idle"
	ComposerRunning = "running"

	LimitNear = "near"
	LimitOver = "over"

	LoadIdle = "idle"
	LoadBusy = "busy"

	CopyIdle = "idle"
	CopyDone = "done"

	FormIdle = "idle"
	FormBusy = "busy"

	ApproveForm    = "form"
	ApproveConfirm = "confirm"
	ApproveBusy    = "busy"

	ResolvedApproved = "approved"
	ResolvedDenied   = "denied"
	ResolvedExpired  = "expired"
	ResolvedRevoked  = "revoked"
)

// Values of data-keep.
const (
	KeepBrowser = "browser"
	KeepTab     = "tab"
)

// Values of data-kind, data-format and data-who, and the words of [FieldRole].
const (
	KindInfo    = "info"
	KindGood    = "good"
	KindProblem = "problem"

	FormatText = "text"
	FormatHTML = "html"

	WhoNew      = "new"
	WhoExisting = "existing"

	RoleViewer   = "viewer"
	RoleOperator = "operator"
	RoleAdmin    = "admin"
)

// Roles of a message, as in the protocol.
const (
	FromUser      = "user"
	FromAssistant = "assistant"
	FromSystem    = "system"
)
