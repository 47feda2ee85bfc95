package markup

// Ids of elements. The package documentation says which page has which.
const (
	IDRoot       = "gatehouse"
	IDConnection = "connection"
	IDAnnounce   = "announce"
	IDToasts     = "toasts"
	IDTitle      = "title"

	IDSidebar       = "sidebar"
	IDSessionSearch = "session-search"
	IDSessionList   = "session-list"
	IDSessionNone   = "session-none"
	IDPendingBadge  = "pending-badge"

	IDRoom          = "room"
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
	IDComposerLong  = "composer-long"
	IDAttachments   = "attachments"
	IDAttach        = "attach"
	IDCaughtUp      = "caught-up"
	IDUnsent        = "unsent"

	IDRenameDialog   = "rename-dialog"
	IDRenameInput    = "rename-input"
	IDDeleteDialog   = "delete-dialog"
	IDSignOutDialog  = "sign-out-dialog"
	IDSettingsDialog = "settings-dialog"
	IDPictureDialog  = "picture-dialog"
	IDDoctorDialog   = "doctor-dialog"

	IDPairingCode = "pairing-code"
	IDPairingQR   = "pairing-qr"
	IDDeviceName  = "device-name"

	IDLoginForm  = "login-form"
	IDTokenInput = "token-input"

	IDPendingList   = "pending-list"
	IDPendingCount  = "pending-count"
	IDPendingMore   = "pending-more"
	IDPendingLeft   = "pending-left"
	IDFindCode      = "find-code"
	IDDeviceList    = "device-list"
	IDResolvedList  = "resolved-list"
	IDApproveDialog = "approve-dialog"
	IDDenyDialog    = "deny-dialog"
	IDRevokeDialog  = "revoke-dialog"
	IDKnownUsers    = "known-users"

	IDConsole          = "console"
	IDNotices          = "notices"
	IDDisconnectDialog = "disconnect-dialog"
	IDKeyDialog        = "key-dialog"
	IDRevokeKeyDialog  = "revoke-key-dialog"
	IDReload           = "reload"
)

// Ids of the <template> elements.
const (
	TemplateToast            = "t-toast"
	TemplateUserMessage      = "t-user-message"
	TemplateAssistantMessage = "t-assistant-message"
	TemplateSystemMessage    = "t-system-message"
	TemplateSession          = "t-session"
	TemplateFile             = "t-file"
	TemplateAttachment       = "t-attachment"
	TemplateUnsent           = "t-unsent"
	TemplatePending          = "t-pending"
	TemplateDevice           = "t-device"
	TemplateResolved         = "t-resolved"
	TemplateKnownUser        = "t-known-user"
)
