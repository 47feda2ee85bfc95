package markup

// Ids of elements that exist once. Which page has which is told in the package
// documentation.
const (
	IDRoot       = "gatehouse"
	IDConnection = "connection"
	IDAnnounce   = "announce"
	IDToasts     = "toasts"

	IDSidebar       = "sidebar"
	IDSessionSearch = "session-search"
	IDSessionList   = "session-list"
	IDSessionNone   = "session-none"
	IDPendingBadge  = "pending-badge"

	IDSessionTitle  = "session-title"
	IDAgentName     = "agent-name"
	IDTranscript    = "transcript"
	IDMessages      = "messages"
	IDLoadEarlier   = "load-earlier"
	IDEmpty         = "empty"
	IDJumpLatest    = "jump-latest"
	IDComposer      = "composer"
	IDComposerGrow  = "composer-grow"
	IDComposerInput = "composer-input"
	IDComposerLimit = "composer-limit"
	IDCaughtUp      = "caught-up"
	IDUnsent        = "unsent"

	IDRenameDialog  = "rename-dialog"
	IDRenameInput   = "rename-input"
	IDDeleteDialog  = "delete-dialog"
	IDSignOutDialog = "sign-out-dialog"

	IDPairingCode = "pairing-code"
	IDPairingQR   = "pairing-qr"
	IDDeviceName  = "device-name"

	IDLoginForm  = "login-form"
	IDTokenInput = "token-input"

	IDPendingList   = "pending-list"
	IDPendingCount  = "pending-count"
	IDDeviceList    = "device-list"
	IDResolvedList  = "resolved-list"
	IDApproveDialog = "approve-dialog"
	IDDenyDialog    = "deny-dialog"
	IDRevokeDialog  = "revoke-dialog"
	IDKnownUsers    = "known-users"
)

// Ids of the <template> elements.
const (
	TemplateToast            = "t-toast"
	TemplateUserMessage      = "t-user-message"
	TemplateAssistantMessage = "t-assistant-message"
	TemplateSystemMessage    = "t-system-message"
	TemplateSession          = "t-session"
	TemplateUnsent           = "t-unsent"
	TemplatePending          = "t-pending"
	TemplateDevice           = "t-device"
	TemplateResolved         = "t-resolved"
	TemplateKnownUser        = "t-known-user"
)
