package markup

// Attributes that both sides read or write. Booleans are "true" or "false" and
// always present.
const (
	AttrAction = "data-action"
	AttrSlot   = "data-slot"
	AttrState  = "data-state"
	AttrWhen   = "data-when"

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

	AttrMessageID = "data-message-id"
	AttrRunID     = "data-run-id"
	AttrSeq       = "data-seq"
	AttrKey       = "data-key"
	AttrStatus    = "data-status"
	AttrByOther   = "data-by-other"
	AttrFormat    = "data-format"

	AttrPinned  = "data-pinned"
	AttrKind    = "data-kind"
	AttrText    = "data-text"
	AttrReplica = "data-replica"
	AttrCode    = "data-code"
	AttrThis    = "data-this"
	AttrWho     = "data-who"
)

// Values of the slot attribute: places whose text the client sets.
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

	SlotCode       = "code"
	SlotDeviceName = "device-name"
	SlotBrowser    = "browser"
	SlotAddress    = "address"
	SlotSince      = "since"
	SlotLastSeen   = "last-seen"
	SlotUser       = "user"
	SlotRole       = "role"
	SlotWho        = "who"
	SlotFreshUser  = "fresh-user"
)

// Names of the approval form's fields.
const (
	FieldWho   = "who"
	FieldUser  = "user"
	FieldRole  = "role"
	FieldLabel = "label"
)
