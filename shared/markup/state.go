package markup

// Values of data-page.
const (
	PageChat    = "chat"
	PagePairing = "pairing"
	PageLogin   = "login"
	PageAdmin   = "admin"
	PageConsole = "console"
	PageNotice  = "notice"
	PageDocs    = "docs"
)

// Values of data-boot.
const (
	BootLoading = "loading"
	BootReady   = "ready"
	BootFailed  = "failed"
	BootStopped = "stopped"
)

// Values of the root's data-state. The package documentation says which page has which.
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
	StateNoCookies   = "no-cookies"

	StateForm         = "form"
	StateRedeeming    = "redeeming"
	StateLinkFailed   = "link-failed"
	StateTokenRefused = "token-refused"
	StateWrongAddress = "wrong-address"
	StateSuccess      = "success"
)

// Values of the connection pill's data-state.
const (
	LinkConnecting   = "connecting"
	LinkConnected    = "connected"
	LinkReconnecting = "reconnecting"
	LinkFailing      = "failing"
	LinkSlow         = "slow"
	LinkOffline      = "offline"
	LinkRefused      = "refused"
)

// Values of a message's data-status. The first group has the protocol's statuses. The others
// are for the user's own messages that the gateway has not stored yet.
const (
	StatusQueued    = "queued"
	StatusStreaming = "streaming"
	StatusComplete  = "complete"
	StatusAborted   = "aborted"
	StatusFailed    = "failed"
	StatusWithdrawn = "withdrawn"

	StatusUploading = "uploading"
	StatusSending   = "sending"
	StatusWaiting   = "waiting"
	StatusPaused    = "paused"
	StatusUnsent    = "unsent"
)

// Values of an answer's data-finish for which a sentence is shown under the answer. They are
// the protocol's.
const (
	FinishLength = "length"
	FinishFilter = "filter"
)

// Values of data-state of other components.
const (
	SessionIdle    = "idle"
	SessionRunning = "running"

	ComposerIdle    = "idle"
	ComposerRunning = "running"

	FileUploading = "uploading"
	FileWaiting   = "waiting"
	FileReady     = "ready"
	FileFailed    = "failed"
	FileStuck     = "stuck"

	CheckBusy    = "busy"
	CheckGood    = "good"
	CheckBad     = "bad"
	CheckSkipped = "skipped"

	LoadIdle = "idle"
	LoadBusy = "busy"

	CopyIdle = "idle"
	CopyDone = "done"

	FormIdle = "idle"
	FormBusy = "busy"

	ApproveForm    = "form"
	ApproveConfirm = "confirm"
	ApproveBusy    = "busy"

	ResolvedApproved  = "approved"
	ResolvedDenied    = "denied"
	ResolvedExpired   = "expired"
	ResolvedWithdrawn = "withdrawn"
	ResolvedRevoked   = "revoked"
	ResolvedSignedOut = "signed-out"

	NoticesUnknown  = "unknown"
	NoticesAbsent   = "absent"
	NoticesInsecure = "insecure"
	NoticesOff      = "off"
	NoticesOn       = "on"
	NoticesDenied   = "denied"

	KeyForm = "form"
	KeyBusy = "busy"
	KeyMade = "made"

	ReloadIdle      = "idle"
	ReloadBusy      = "busy"
	ReloadDone      = "done"
	ReloadUnchanged = "unchanged"
	ReloadFailed    = "failed"
)

// Values of data-time: how the client writes a <time>.
const (
	TimeAgo   = "ago"
	TimeClock = "clock"
)

// Values of [FieldWriteAs]: what an admin writes in another user's chat.
const (
	AsNote    = "note"
	AsMessage = "message"
)

// Values of data-state of the dialog about the connection: the diagnosis.
const (
	DoctorChecking = "checking"
	DoctorFine     = "fine"
	DoctorOffline  = "offline"
	DoctorSilent   = "silent"
	DoctorStranger = "stranger"
	DoctorRoute    = "route"
	DoctorFull     = "full"
	DoctorHost     = "host"
	DoctorOrigin   = "origin"
	DoctorUpgrade  = "upgrade"
)

// Values of data-check, in the order in which the checks run.
const (
	CheckNetwork = "network"
	CheckHealth  = "health"
	CheckRoute   = "route"
	CheckOrigin  = "origin"
	CheckSocket  = "socket"
)

// Values of data-keep: where unsent messages are stored.
const (
	KeepBrowser = "browser"
	KeepTab     = "tab"
)

// Values of data-kind, data-format, [FieldEnter], data-who and [FieldRole].
const (
	KindInfo    = "info"
	KindGood    = "good"
	KindProblem = "problem"

	KindImage = "image"
	KindFile  = "file"

	FormatText = "text"
	FormatHTML = "html"

	EnterAuto    = "auto"
	EnterSend    = "send"
	EnterNewline = "newline"

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
