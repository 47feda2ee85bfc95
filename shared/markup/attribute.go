package markup

// Attributes that both sides read or write. A boolean attribute is always present, with
// the value "true" or "false".
const (
	AttrAction = "data-action"
	AttrSlot   = "data-slot"
	AttrState  = "data-state"
	AttrWhen   = "data-when"

	AttrBase       = "data-base"
	AttrPage       = "data-page"
	AttrBoot       = "data-boot"
	AttrWasm       = "data-wasm"
	AttrExec       = "data-exec"
	AttrInstance   = "data-instance"
	AttrUser       = "data-user"
	AttrRole       = "data-role"
	AttrDevice     = "data-device"
	AttrSessionKey = "data-session-key"
	AttrEpoch      = "data-epoch"
	AttrLastSeq    = "data-last-seq"
	AttrHasMore    = "data-has-more"
	AttrKeep       = "data-keep"
	AttrOwner      = "data-owner"
	AttrEnter      = "data-enter"
	AttrTopics     = "data-topics"

	AttrMessageID = "data-message-id"
	AttrRunID     = "data-run-id"
	AttrSeq       = "data-seq"
	AttrKey       = "data-key"
	AttrStatus    = "data-status"
	AttrByOther   = "data-by-other"
	AttrFinish    = "data-finish"
	AttrFormat    = "data-format"
	AttrFile      = "data-file"
	AttrDrag      = "data-drag"
	AttrCheck     = "data-check"

	AttrPinned  = "data-pinned"
	AttrKind    = "data-kind"
	AttrNoText  = "data-no-text"
	AttrText    = "data-text"
	AttrReplica = "data-replica"
	AttrCode    = "data-code"
	AttrThis    = "data-this"
	AttrLeft    = "data-left"
	AttrWho     = "data-who"

	AttrLive = "data-live"
	AttrRow  = "data-row"
	AttrTime = "data-time"
)

// Values of [AttrSlot]: elements whose text or address the client sets.
const (
	SlotText = "text"

	SlotSeconds   = "seconds"
	SlotReason    = "reason"
	SlotMessage   = "message"
	SlotRemaining = "remaining"

	SlotLink     = "link"
	SlotLabel    = "label"
	SlotTime     = "time"
	SlotBody     = "body"
	SlotName     = "name"
	SlotAuthor   = "author"
	SlotThinking = "thinking"
	SlotActivity = "activity"
	SlotError    = "error"
	SlotUnsent   = "unsent"
	SlotExcess   = "excess"
	SlotFiles    = "files"
	SlotFilename = "filename"
	SlotSize     = "size"
	SlotPicture  = "picture"
	SlotPercent  = "percent"
	SlotFinding  = "finding"

	SlotCode       = "code"
	SlotDeviceName = "device-name"
	SlotBrowser    = "browser"
	SlotAddress    = "address"
	SlotSince      = "since"
	SlotLastSeen   = "last-seen"
	SlotUser       = "user"
	SlotRole       = "role"
	SlotWho        = "who"
	SlotCount      = "count"
	SlotNetwork    = "network"
	SlotResembles  = "resembles"
	SlotNewUser    = "new-user"
	SlotSimilar    = "similar"

	SlotKey     = "key"
	SlotApplied = "applied"
	SlotRestart = "restart"
)

// Names of form fields: of the form for approvals, of the form for API keys, of the choice
// of how an admin writes in another user's chat, and of the settings.
const (
	FieldWho   = "who"
	FieldUser  = "user"
	FieldRole  = "role"
	FieldLabel = "label"

	FieldName    = "name"
	FieldExpires = "expires"
	FieldWriteAs = "write-as"
	FieldEnter   = "enter"
)
