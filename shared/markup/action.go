package markup

// Values of the action attribute: what the user asks for.
const (
	ActionReconnectNow = "reconnect-now"
	ActionCloseDialog  = "close-dialog"
	ActionDismissToast = "dismiss-toast"

	ActionNewSession     = "new-session"
	ActionOpenSession    = "open-session"
	ActionFilterSessions = "filter-sessions"
	ActionRenameSession  = "rename-session"
	ActionConfirmRename  = "confirm-rename"
	ActionPinSession     = "pin-session"
	ActionDeleteSession  = "delete-session"
	ActionConfirmDelete  = "confirm-delete"
	ActionSignOut        = "sign-out"
	ActionConfirmSignOut = "confirm-sign-out"

	ActionSend          = "send"
	ActionCompose       = "compose"
	ActionStopRun       = "stop-run"
	ActionSuggest       = "suggest"
	ActionLoadEarlier   = "load-earlier"
	ActionJumpLatest    = "jump-latest"
	ActionCopyMessage   = "copy-message"
	ActionCopyCode      = "copy-code"
	ActionRetryRun      = "retry-run"
	ActionResendMessage = "resend-message"
	ActionTakeBack      = "take-back"

	ActionCopyPairingCode = "copy-pairing-code"
	ActionNameDevice      = "name-device"
	ActionAskAgain        = "ask-again"

	ActionSignIn = "sign-in"

	ActionApprove        = "approve"
	ActionEditApproval   = "edit-approval"
	ActionConfirmApprove = "confirm-approve"
	ActionBack           = "back"
	ActionDeny           = "deny"
	ActionConfirmDeny    = "confirm-deny"
	ActionRevoke         = "revoke"
	ActionConfirmRevoke  = "confirm-revoke"
)
